/* moss container exists */
#include <errno.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "engine/start.h"

// clang-format off
static const struct opt exists_opts[] = {
	{"external", 0, OPT_UNSUPPORTED, 0, "", "Look at containers of other tools, too",
		.flags = OPTF_HIDDEN, .hint = "no other tool keeps containers in a store of moss"},
	{0},
};
// clang-format on

static int exists_run(struct cmd_call *call, void *args, struct err *e)
{
	struct container_row row = {.name = NULL};
	(void)args;
	int r = container_get(call->store, call->argv[0], &row, e);
	container_row_deinit(&row);
	return r == -ENOENT ? 1 : r;
}

const struct cmd cmd_container_exists = {
	.name = "container exists",
	.brief = "Tell by the exit status whether a container exists",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.error_status = 125,
	.complete = COMPLETE_CONTAINER,
	.opts = exists_opts,
	.args_size = 1,
	.about = "0: it exists, in whatever state; 1: it does not; 125: that could not be told. "
		 "Nothing is printed.",
	.run = exists_run,
};
