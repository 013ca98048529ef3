/* moss pause */
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/pause.h"
#include "engine/start.h"

struct pause {
	struct pick pick;
};

static const struct opt pause_opts[] = {OPT_SHARED(struct pause, pick, pick_opts), {0}};

static int pause_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	struct container_row row;
	(void)args;
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return r;
	r = container_pause(call->store, &row, e);
	container_row_deinit(&row);
	return r;
}

static int pause_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct pause *a = args;
	return pick_each(call, &a->pick, "running", args, pause_one, e);
}

static const char *const pause_aliases[] = {"container pause", NULL};
const struct cmd cmd_pause = {
	.name = "pause",
	.aliases = pause_aliases,
	.brief = "Pause all processes within one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = pause_opts,
	.args_size = sizeof(struct pause),
	.about =
		"Every process of the container stands still until unpause, stop, kill or rm -f. A "
		"container that has a cgroup of its own is frozen there and does not notice. "
		"Without "
		"a cgroup (an old hierarchy of cgroups, or a login session that gives none) its "
		"processes are stopped by SIGSTOP and go on by SIGCONT: a program with a handler "
		"of "
		"SIGCONT sees that, and one that had stopped itself goes on with the others.",
	.run = pause_run,
};
