/* moss restart */
#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "cmd/stop_opts.h"
#include "engine/start.h"
#include "storage/db/container_row.h"

struct restart {
	struct stop_args how;
	struct pick pick;
	bool running;
};

// clang-format off
static const struct opt restart_opts[] = {
	OPT_SHARED(struct restart, how, stop_opts),
	OPT_SHARED(struct restart, pick, pick_opts),
	{"running", 0, OPT_BOOL, FIELD(struct restart, running), "",
		"Restart the containers that run"},
	{0},
};
// clang-format on

static int restart_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	const struct restart *a = args;
	auto_container_row row = {0};
	int sig, timeout_s;
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return r;
	if ((r = stop_args_read(&a->how, &sig, &timeout_s, e)) == 0)
		r = container_restart(call->store, &row, sig, timeout_s, e);
	return r < 0 ? err_ctx(e, "Cannot restart container %s", name) : 0;
}

static int restart_run(struct cmd_call *call, void *args, struct err *e)
{
	struct restart *a = args;
	if (a->running)
		a->pick.all = true;
	return pick_each(call, &a->pick, a->running ? "running paused restarting" : NULL, args,
		restart_one, e);
}

static const char *const restart_aliases[] = {"container restart", NULL};
const struct cmd cmd_restart = {
	.name = "restart",
	.aliases = restart_aliases,
	.brief = "Restart one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = restart_opts,
	.args_size = sizeof(struct restart),
	.about = "Stops each container as stop does, where it runs, and starts it.",
	.run = restart_run,
};
