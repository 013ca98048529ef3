/* moss restart */
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/start.h"

#include <limits.h>

struct restart {
	char *signal;
	int64_t timeout;
	bool timeout_given;
};

// clang-format off
static const struct opt restart_opts[] = {
	{"signal", 's', OPT_STR, FIELD(struct restart, signal), "string",
		"Signal to send to the container"},
	{"timeout", 't', OPT_INT, FIELD(struct restart, timeout), "int",
		"Seconds to wait before killing the container", .def = "0",
		.given_offset = FIELD(struct restart, timeout_given)},
	{"time", 0, OPT_INT, FIELD(struct restart, timeout), "int",
		"Seconds to wait before killing the container", .def = "0",
		.flags = OPTF_ALIAS | OPTF_HIDDEN,
		.given_offset = FIELD(struct restart, timeout_given)},
	{0},
};
// clang-format on

static int restart_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	const struct restart *a = args;
	struct container_row row;
	const struct start_options detached = {0};
	int sig = 0;
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return r;
	int timeout = -2;
	if (a->timeout_given)
		timeout = a->timeout > INT_MAX / 1000 ? INT_MAX / 1000 : (int)a->timeout;
	if (!str_empty(a->signal) && (sig = signal_parse(a->signal, e)) < 0)
		r = sig;
	if (r == 0)
		r = container_stop_with(call->store, &row, sig, timeout < -2 ? -1 : timeout, e);
	if (r == 0)
		r = container_start(call->store, &row, &detached, e);
	container_row_deinit(&row);
	return r < 0 ? err_ctx(e, "Cannot restart container %s", name) : 0;
}

static int restart_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)e;
	return cmd_each(call, args, restart_one);
}

static const char *const restart_aliases[] = {"container restart", NULL};
const struct cmd cmd_restart = {
	.name = "restart",
	.aliases = restart_aliases,
	.brief = "Restart one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = restart_opts,
	.args_size = sizeof(struct restart),
	.run = restart_run,
};
