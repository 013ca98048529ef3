/* moss exec-ended: records the ends of execs that nobody waited for. Started by exec itself. */
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/exec_record.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

static int ended_run(struct cmd_call *call, void *args, struct err *e)
{
	auto_strv live = STRV_INIT;
	struct container_row row = {.name = NULL};
	(void)args;
	int r = container_row_find(call->store->db, call->argv[0], &row, e);
	if (r == ROW_OK)
		exec_record_live(call->store, &row, &live);
	if (r == ROW_OK)
		exec_record_settle(call->store, &row, call->argv[1], atoi(call->argv[2]));
	container_row_deinit(&row);
	return r < 0 ? r : 0;
}

const struct cmd cmd_exec_ended = {
	.name = "exec-ended",
	.brief = "Record the ends of processes that exec has started",
	.operands = "CONTAINER EXEC FD",
	.min = 3,
	.max = 3,
	.needs = NEED_STORE,
	.hidden = true,
	.run = ended_run,
};
