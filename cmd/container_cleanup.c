/* moss container cleanup */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/db/container_row.h"

struct cleanup {
	struct pick pick;
	bool rm, stopped_only;
};

// clang-format off
static const struct opt cleanup_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct cleanup, pick.all), "", "Look at all containers"},
	{"exec", 0, OPT_UNSUPPORTED, 0, "string", "Clean up this exec session",
		.hint = "a process of moss exec leaves nothing behind"},
	{"latest", 'l', OPT_BOOL, FIELD(struct cleanup, pick.latest), "",
		"Look at the container that was created last"},
	{"rm", 0, OPT_BOOL, FIELD(struct cleanup, rm), "",
		"Remove the container, where it does not run"},
	{"rmi", 0, OPT_UNSUPPORTED, 0, "", "Remove the container's image, too",
		.hint = "use moss rmi afterwards"},
	{"stopped-only", 0, OPT_BOOL, FIELD(struct cleanup, stopped_only), "",
		"Fail where the container runs", .flags = OPTF_HIDDEN},
	{0},
};
// clang-format on

/* container_get does it: a container whose monitor was killed is ended, recorded and tidied up. */
static int cleanup_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	const struct cleanup *a = args;
	auto_container_row row = {0};
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return r;
	if (state_is_live(state_parse(row.state)))
		return a->stopped_only ? err_set(e, EBUSY, "container %s is running", row.id) : 0;
	return a->rm ? container_remove(call->store, &row, false, false, e) : 0;
}

static int cleanup_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct cleanup *a = args;
	return pick_each(call, &a->pick, NULL, args, cleanup_one, e);
}

const struct cmd cmd_container_cleanup = {
	.name = "container cleanup",
	.brief = "Tidy up after one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = cleanup_opts,
	.args_size = sizeof(struct cleanup),
	.about = "Every command of moss tidies up by itself what a killed monitor has left: this "
		 "one only does that, for the containers that are named. Running ones are left "
		 "alone.",
	.run = cleanup_run,
};
