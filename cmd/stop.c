/* moss stop */
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/start.h"

#include <limits.h>

struct stop {
	char *signal;
	int64_t timeout;
	bool timeout_given;
};

// clang-format off
static const struct opt stop_opts[] = {
	{"signal", 's', OPT_STR, FIELD(struct stop, signal), "string",
		"Signal to send to the container"},
	{"timeout", 't', OPT_INT, FIELD(struct stop, timeout), "int",
		"Seconds to wait before killing the container", .def = "0",
		.given_offset = FIELD(struct stop, timeout_given)},
	{"time", 0, OPT_INT, FIELD(struct stop, timeout), "int",
		"Seconds to wait before killing the container", .def = "0",
		.flags = OPTF_ALIAS | OPTF_HIDDEN, .given_offset = FIELD(struct stop, timeout_given)},
	{0},
};
// clang-format on

static int stop_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	const struct stop *a = args;
	struct container_row row;
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
	container_row_deinit(&row);
	return r;
}

static int stop_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)e;
	return cmd_each(call, args, stop_one);
}

static const char *const stop_aliases[] = {"container stop", NULL};
const struct cmd cmd_stop = {
	.name = "stop",
	.aliases = stop_aliases,
	.brief = "Stop one or more running containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = stop_opts,
	.args_size = sizeof(struct stop),
	.run = stop_run,
};
