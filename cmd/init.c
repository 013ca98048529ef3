/* moss init: named, and refused. */
#include <errno.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"

struct init {
	struct pick pick;
};

static const struct opt init_opts[] = {OPT_SHARED(struct init, pick, pick_opts), {0}};

static int init_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)call;
	(void)args;
	err_set(e, ENOTSUP, "init is not supported: no state lies between created and running");
	return err_hint(e, "moss start prepares a container and runs it in one step");
}

static const char *const init_aliases[] = {"container init", NULL};
const struct cmd cmd_init = {
	.name = "init",
	.aliases = init_aliases,
	.brief = "Prepare containers without running them (not supported)",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.hidden = true,
	.error_status = 125,
	.complete = COMPLETE_CONTAINER,
	.opts = init_opts,
	.args_size = sizeof(struct init),
	.run = init_run,
};
