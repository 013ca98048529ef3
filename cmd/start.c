/* moss start */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "engine/start.h"

#include <errno.h>

struct start {
	bool attach, interactive;
	char *detach_keys;
};

// clang-format off
static const struct opt start_opts[] = {
	{"attach", 'a', OPT_BOOL, FIELD(struct start, attach), "",
		"Attach STDOUT/STDERR and forward signals"},
	{"checkpoint", 0, OPT_UNSUPPORTED, 0, "string", "Restore from this checkpoint"},
	{"checkpoint-dir", 0, OPT_UNSUPPORTED, 0, "string",
		"Use a custom checkpoint storage directory"},
	{"detach-keys", 0, OPT_STR, FIELD(struct start, detach_keys), "string",
		"Override the key sequence for detaching a container"},
	{"interactive", 'i', OPT_BOOL, FIELD(struct start, interactive), "",
		"Attach container's STDIN"},
	{0},
};
// clang-format on

static int start_attached(struct cmd_call *call, const struct start *a, struct err *e)
{
	struct container_row row;
	const struct start_options o = {.attach_stdin = a->interactive,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = true,
		.detach_keys = a->detach_keys};
	if (call->argc > 1)
		return err_set(
			e, EINVAL, "you cannot start and attach multiple containers at once");
	int r = container_get(call->store, call->argv[0], &row, e);
	if (r < 0)
		return r;
	r = container_start(call->store, &row, &o, e);
	container_row_deinit(&row);
	if (r < 0)
		e->status = 1; /* not the 126 and 127 of run */
	return r;
}

static int start_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct start *a = args;
	const struct start_options detached = {0};
	auto_strv failed = STRV_INIT;
	if (a->attach || a->interactive)
		return start_attached(call, a, e);
	for (int i = 0; i < call->argc; i++) {
		struct container_row row;
		struct err one = {0};
		int r = container_get(call->store, call->argv[i], &row, &one);
		if (r >= 0) {
			r = container_start(call->store, &row, &detached, &one);
			container_row_deinit(&row);
		}
		if (r < 0) {
			cmd_report(call, &one);
			strv_add(&failed, call->argv[i]);
		} else {
			puts(call->argv[i]);
		}
	}
	if (!failed.n)
		return 0;
	auto_free char *names = strv_join(&failed, ", ");
	return err_set(e, EINVAL, "failed to start containers: %s", names);
}

static const char *const start_aliases[] = {"container start", NULL};
const struct cmd cmd_start = {
	.name = "start",
	.aliases = start_aliases,
	.brief = "Start one or more stopped containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = start_opts,
	.args_size = sizeof(struct start),
	.run = start_run,
};
