/* moss stop */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "cmd/stop_opts.h"
#include "engine/start.h"
#include "storage/db/container_row.h"

struct stop {
	struct stop_args how;
	struct pick pick;
	bool ignore;
};

// clang-format off
static const struct opt stop_cmd_opts[] = {
	OPT_SHARED(struct stop, how, stop_opts),
	OPT_SHARED(struct stop, pick, pick_opts),
	{"ignore", 'i', OPT_BOOL, FIELD(struct stop, ignore), "",
		"A container that does not exist is no error"},
	{"service", 0, OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN,
		.hint = "moss has no service containers"},
	{0},
};
// clang-format on

/* Those that were found, side by side; then the names in the order of the operands. */
static void stop_found(struct cmd_call *call, const struct strv *names, struct container_row *rows,
	int *found, struct err *errors, int sig, int timeout_s)
{
	struct container_stopping *x = xcalloc(names->n + 1, sizeof(*x));
	size_t n = 0;
	for (size_t i = 0; i < names->n; i++)
		if (found[i] == 0)
			x[n++] = (struct container_stopping){
				.row = &rows[i], .signal = sig, .timeout_s = timeout_s};
	container_stop_all(call->store, x, n);
	n = 0;
	for (size_t i = 0; i < names->n; i++) {
		if (found[i] != 0)
			continue;
		if (x[n].result < 0) {
			found[i] = x[n].result;
			errors[i] = x[n].e;
		} else {
			puts(names->v[i]);
		}
		n++;
	}
	free(x);
}

static int stop_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct stop *a = args;
	auto_strv names = STRV_INIT;
	int sig, timeout_s;
	int r = pick_names(call, &a->pick, "running paused restarting", &names, e);
	if (r != 0)
		return r;
	if ((r = stop_args_read(&a->how, &sig, &timeout_s, e)) < 0)
		return r;
	struct container_row *rows = xcalloc(names.n + 1, sizeof(*rows));
	auto_free int *found = xcalloc(names.n + 1, sizeof(*found));
	auto_free struct err *errors = xcalloc(names.n + 1, sizeof(*errors));
	for (size_t i = 0; i < names.n; i++)
		found[i] = container_get(call->store, names.v[i], &rows[i], &errors[i]);
	stop_found(call, &names, rows, found, errors, sig, timeout_s);
	/* As Docker, what went wrong comes last. */
	for (size_t i = 0; i < names.n; i++) {
		if (found[i] < 0 && !(a->ignore && found[i] == -ENOENT))
			cmd_report(call, &errors[i]);
		container_row_deinit(&rows[i]);
	}
	free(rows);
	return call->failures ? 1 : 0;
}

static const char *const stop_aliases[] = {"container stop", NULL};
const struct cmd cmd_stop = {
	.name = "stop",
	.aliases = stop_aliases,
	.brief = "Stop one or more running containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = stop_cmd_opts,
	.args_size = sizeof(struct stop),
	.about =
		"Sends the container's stop signal (--stop-signal of run, SIGTERM), and SIGKILL "
		"where it has not ended after its stop timeout (--stop-timeout of run, 10 seconds; "
		"-1 waits for ever). Several are stopped side by side. A container that is "
		"stopped is not started again by its restart policy before the next start; only "
		"\"always\" starts it after the next boot.",
	.examples = "moss stop web db\n"
		    "moss stop --all --timeout 2\n"
		    "moss stop --filter label=role=test",
	.run = stop_run,
};
