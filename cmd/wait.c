/* moss wait */
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "engine/start.h"

static int wait_one(struct cmd_call *call, const char *name, int *code, struct err *e)
{
	struct container_row row;
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return r;
	r = container_wait(call->store, &row, code, e);
	container_row_deinit(&row);
	return r;
}

static int wait_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	(void)e;
	for (int i = 0; i < call->argc; i++) {
		struct err one = {0};
		int code;
		if (wait_one(call, call->argv[i], &code, &one) < 0) {
			cmd_report(call, &one);
		} else {
			printf("%d\n", code);
			(void)fflush(stdout);
		}
	}
	return call->failures ? 1 : 0;
}

static const char *const wait_aliases[] = {"container wait", NULL};
const struct cmd cmd_wait = {
	.name = "wait",
	.aliases = wait_aliases,
	.brief = "Block until one or more containers stop, then print their exit codes",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.run = wait_run,
};
