/* moss unpause */
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/pause.h"
#include "engine/start.h"

struct unpause {
	struct pick pick;
};

static const struct opt unpause_opts[] = {OPT_SHARED(struct unpause, pick, pick_opts), {0}};

static int unpause_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	struct container_row row;
	(void)args;
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return r;
	r = container_unpause(call->store, &row, e);
	container_row_deinit(&row);
	return r;
}

static int unpause_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct unpause *a = args;
	return pick_each(call, &a->pick, "paused", args, unpause_one, e);
}

static const char *const unpause_aliases[] = {"container unpause", NULL};
const struct cmd cmd_unpause = {
	.name = "unpause",
	.aliases = unpause_aliases,
	.brief = "Unpause all processes within one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = unpause_opts,
	.args_size = sizeof(struct unpause),
	.run = unpause_run,
};
