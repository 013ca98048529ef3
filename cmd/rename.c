/* moss rename */
#include <errno.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/rename.h"
#include "engine/start.h"

static int rename_run(struct cmd_call *call, void *args, struct err *e)
{
	struct container_row row = {.name = NULL};
	const char *from = call->argv[0], *to = call->argv[1];
	(void)args;
	if (str_empty(from) || str_empty(to))
		return err_set(e, EINVAL, "Error: Neither old nor new names may be empty");
	struct err why = {0};
	int r = container_get(call->store, from, &row, &why);
	if (r == 0)
		r = container_rename(call->store, &row, to, &why);
	container_row_deinit(&row);
	if (r == 0)
		return 0;
	cmd_report(call, &why);
	return err_set(e, why.code, "failed to rename container named %s", from);
}

static const char *const rename_aliases[] = {"container rename", NULL};
const struct cmd cmd_rename = {
	.name = "rename",
	.aliases = rename_aliases,
	.brief = "Rename a container",
	.operands = "CONTAINER NEW_NAME",
	.min = 2,
	.max = 2,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.run = rename_run,
};
