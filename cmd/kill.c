/* moss kill */
#include <signal.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/start.h"
#include "storage/db/container_row.h"

struct kill {
	struct pick pick;
	char *signal;
};

// clang-format off
static const struct opt kill_opts[] = {
	OPT_SHARED(struct kill, pick, pick_opts),
	{"signal", 's', OPT_STR, FIELD(struct kill, signal), "string",
		"Signal to send to the container"},
	{0},
};
// clang-format on

static int kill_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	const char *signal = ((const struct kill *)args)->signal;
	auto_container_row row = {0};
	int r = container_get(call->store, name, &row, e);
	if (r == 0) {
		int sig = str_empty(signal) ? SIGKILL : signal_parse(signal, e);
		r = sig < 0 ? sig : container_kill(call->store, &row, sig, e);
	}
	return r < 0 ? err_ctx(e, "cannot kill container: %s", name) : 0;
}

static int kill_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct kill *a = args;
	return pick_each(call, &a->pick, "running paused restarting", args, kill_one, e);
}

static const char *const kill_aliases[] = {"container kill", NULL};
const struct cmd cmd_kill = {
	.name = "kill",
	.aliases = kill_aliases,
	.brief = "Kill one or more running containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = kill_opts,
	.args_size = sizeof(struct kill),
	.run = kill_run,
};
