/* moss kill */
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/start.h"

#include <signal.h>

struct kill {
	char *signal;
};

// clang-format off
static const struct opt kill_opts[] = {
	{"signal", 's', OPT_STR, FIELD(struct kill, signal), "string",
		"Signal to send to the container"},
	{0},
};
// clang-format on

static int kill_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	const char *signal = ((const struct kill *)args)->signal;
	struct container_row row;
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return err_ctx(e, "cannot kill container: %s", name);
	int sig = str_empty(signal) ? SIGKILL : signal_parse(signal, e);
	r = sig < 0 ? sig : container_kill(call->store, &row, sig, e);
	container_row_deinit(&row);
	return r < 0 ? err_ctx(e, "cannot kill container: %s", name) : 0;
}

static int kill_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)e;
	return cmd_each(call, args, kill_one);
}

static const char *const kill_aliases[] = {"container kill", NULL};
const struct cmd cmd_kill = {
	.name = "kill",
	.aliases = kill_aliases,
	.brief = "Kill one or more running containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = kill_opts,
	.args_size = sizeof(struct kill),
	.run = kill_run,
};
