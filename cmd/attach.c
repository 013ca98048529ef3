/* moss attach */
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "engine/start.h"

#include <errno.h>

struct attach_args {
	char *detach_keys;
	bool no_stdin, sig_proxy;
};

// clang-format off
static const struct opt attach_opts[] = {
	{"detach-keys", 0, OPT_STR, FIELD(struct attach_args, detach_keys), "string",
		"Override the key sequence for detaching a container"},
	{"no-stdin", 0, OPT_BOOL, FIELD(struct attach_args, no_stdin), "", "Do not attach STDIN"},
	{"sig-proxy", 0, OPT_BOOL, FIELD(struct attach_args, sig_proxy), "",
		"Proxy all received signals to the process", .def = "true"},
	{0},
};
// clang-format on

static int attach_cmd_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct attach_args *a = args;
	struct container_row row;
	const struct start_options o = {.attach_stdin = !a->no_stdin,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = a->sig_proxy,
		.detach_keys = a->detach_keys,
		.detach_fails = true};
	int r = container_get(call->store, call->argv[0], &row, e);
	if (r < 0)
		return r;
	r = container_attach(call->store, &row, &o, e);
	container_row_deinit(&row);
	return r;
}

static const char *const attach_aliases[] = {"container attach", NULL};
const struct cmd cmd_attach = {
	.name = "attach",
	.aliases = attach_aliases,
	.brief = "Attach local standard input, output, and error streams to a running container",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = attach_opts,
	.args_size = sizeof(struct attach_args),
	.run = attach_cmd_run,
};
