/* moss attach */
#include <stdio.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/attach.h"
#include "engine/start.h"

#include <errno.h>

struct attach_args {
	char *detach_keys;
	bool latest, no_stdin, sig_proxy;
};

// clang-format off
static const struct opt attach_opts[] = {
	{"detach-keys", 0, OPT_STR, FIELD(struct attach_args, detach_keys), "string",
		"Override the key sequence for detaching a container"},
	{"latest", 'l', OPT_BOOL, FIELD(struct attach_args, latest), "",
		"Act on the container that was created last"},
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
	unsigned char keys[16];
	if (!a->latest &&
		cmd_wrong_count(call->cmd, call->program, call->typed, 1, (size_t)call->argc))
		return 1;
	if (a->latest && call->argc) {
		err_set(e, EINVAL, "--latest and containers cannot be used together");
		return err_status(e, 125);
	}
	int r = a->detach_keys ? detach_keys_parse(a->detach_keys, keys, sizeof(keys), e) : 0;
	auto_free char *name = r < 0 ? NULL : pick_one(call, a->latest, e);
	if (!name || container_get(call->store, name, &row, e) < 0)
		return -e->code;
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
	.min = 0,
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = attach_opts,
	.args_size = sizeof(struct attach_args),
	.run = attach_cmd_run,
};
