/* moss logs */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/log.h"
#include "engine/start.h"

#include <errno.h>

struct logs {
	bool details, follow, timestamps;
	char *since, *until, *tail;
};

// clang-format off
static const struct opt logs_opts[] = {
	{"details", 0, OPT_BOOL, FIELD(struct logs, details), "",
		"Show extra details provided to logs"},
	{"follow", 'f', OPT_BOOL, FIELD(struct logs, follow), "", "Follow log output"},
	{"since", 0, OPT_STR, FIELD(struct logs, since), "string",
		"Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" "
		"for 42 minutes)"},
	{"tail", 'n', OPT_STR, FIELD(struct logs, tail), "string",
		"Number of lines to show from the end of the logs", .def = "all"},
	{"timestamps", 't', OPT_BOOL, FIELD(struct logs, timestamps), "", "Show timestamps"},
	{"until", 0, OPT_STR, FIELD(struct logs, until), "string",
		"Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" "
		"for 42 minutes)"},
	{0},
};
// clang-format on

static int logs_print(void *arg, const struct log_record *r, struct err *e)
{
	const struct logs *a = arg;
	FILE *out = r->stream == LOG_STDERR ? stderr : stdout;
	if (a->timestamps) {
		auto_free char *time = clock_rfc3339_fixed(r->time_ns);
		fprintf(out, "%s ", time);
	}
	if (a->details)
		fprintf(out, "%s ", r->attrs);
	(void)fwrite(r->text, 1, r->len, out);
	if (ferror(out))
		return err_set(e, EPIPE, "write /dev/%s: broken pipe",
			r->stream == LOG_STDERR ? "stderr" : "stdout");
	return 0;
}

static void logs_flush(void *arg)
{
	(void)arg;
	(void)fflush(stdout);
}

static int logs_run(struct cmd_call *call, void *args, struct err *e)
{
	struct logs *a = args;
	struct log_query q = {.tail = -1, .follow = a->follow};
	struct container_row row;
	int64_t now = clock_now_ns();
	int r = 0;
	if (!str_empty(a->since))
		r = log_parse_time("since", a->since, now, &q.since_ns, e);
	if (r == 0 && !str_empty(a->until))
		r = log_parse_time("until", a->until, now, &q.until_ns, e);
	if (r < 0)
		return r;
	if (!parse_i64(a->tail, &q.tail) || q.tail < 0)
		q.tail = -1; /* "all", and what is no number, as Docker */
	if ((r = container_get(call->store, call->argv[0], &row, e)) < 0)
		return r;
	r = container_logs(call->store, &row, &q, logs_print, logs_flush, a, e);
	container_row_deinit(&row);
	return r < 0 ? r : 0;
}

static const char *const logs_aliases[] = {"container logs", NULL};
const struct cmd cmd_logs = {
	.name = "logs",
	.aliases = logs_aliases,
	.brief = "Fetch the logs of a container",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = logs_opts,
	.args_size = sizeof(struct logs),
	.run = logs_run,
};
