/* moss start */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/start.h"
#include "storage/db/container_row.h"

struct start {
	struct pick pick;
	bool attach, interactive, sig_proxy;
	char *detach_keys;
};

// clang-format off
static const struct opt start_opts[] = {
	{"all", 0, OPT_BOOL, FIELD(struct start, pick.all), "",
		"Start every container that does not run"},
	{"attach", 'a', OPT_BOOL, FIELD(struct start, attach), "",
		"Attach STDOUT/STDERR and forward signals"},
	{"checkpoint", 0, OPT_UNSUPPORTED, 0, "string", "Restore from this checkpoint"},
	{"checkpoint-dir", 0, OPT_UNSUPPORTED, 0, "string",
		"Use a custom checkpoint storage directory"},
	{"detach-keys", 0, OPT_STR, FIELD(struct start, detach_keys), "string",
		"Override the key sequence for detaching a container"},
	{"filter", 'f', OPT_FILTER, FIELD(struct start, pick.filter), "list",
		"Start the containers that ps -a would list with this filter"},
	{"interactive", 'i', OPT_BOOL, FIELD(struct start, interactive), "",
		"Attach container's STDIN"},
	{"latest", 'l', OPT_BOOL, FIELD(struct start, pick.latest), "",
		"Start the container that was created last"},
	{"sig-proxy", 0, OPT_BOOL, FIELD(struct start, sig_proxy), "",
		"Proxy received signals to the process (with --attach)", .def = "true"},
	{0},
};
// clang-format on

static int start_attached(
	struct cmd_call *call, const struct start *a, const struct strv *names, struct err *e)
{
	auto_container_row row = {0};
	const struct start_options o = {.attach_stdin = a->interactive,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = a->sig_proxy,
		.detach_keys = a->detach_keys};
	if (names->n != 1)
		return err_set(
			e, EINVAL, "you cannot start and attach multiple containers at once");
	int r = container_get(call->store, names->v[0], &row, e);
	if (r < 0)
		return r;
	r = container_start(call->store, &row, &o, e);
	if (r < 0)
		e->status = 1; /* not the 126 and 127 of run */
	return r;
}

static void start_one(struct cmd_call *call, const char *name, struct strv *failed)
{
	const struct start_options detached = {0};
	auto_container_row row = {0};
	struct err one = {0};
	int r = container_get(call->store, name, &row, &one);
	if (r >= 0)
		r = container_start(call->store, &row, &detached, &one);
	if (r < 0) {
		cmd_report(call, &one);
		strv_add(failed, name);
	} else {
		puts(name);
		(void)fflush(stdout);
	}
}

static int start_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct start *a = args;
	auto_strv names = STRV_INIT, failed = STRV_INIT;
	bool is_picked = a->pick.all || a->pick.filter.n;
	int r = pick_names(call, &a->pick, "created exited initialized", &names, e);
	if (r != 0)
		return r;
	if (a->attach || a->interactive)
		return start_attached(call, a, &names, e);
	/* A list is newest first; what was made first may be what the others need. */
	for (size_t i = 0; i < names.n; i++)
		start_one(call, names.v[is_picked ? names.n - 1 - i : i], &failed);
	if (!failed.n)
		return 0;
	auto_free char *list = strv_join(&failed, ", ");
	return err_set(e, EINVAL, "failed to start containers: %s", list);
}

static const char *const start_aliases[] = {"container start", NULL};
const struct cmd cmd_start = {
	.name = "start",
	.aliases = start_aliases,
	.brief = "Start one or more stopped containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = start_opts,
	.args_size = sizeof(struct start),
	.about = "Starts what does not run; one that runs already is no error. With --all or "
		 "--filter the oldest comes first.",
	.examples = "moss start web db\n"
		    "moss start -ai tool\n"
		    "moss start --filter restart-policy=always",
	.run = start_run,
};
