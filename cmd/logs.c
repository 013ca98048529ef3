/* moss logs */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/log.h"
#include "engine/start.h"

#include <errno.h>
#include <stdlib.h>

struct logs {
	bool details, follow, timestamps, names, color, latest;
	char *since, *until, *tail;
};

// clang-format off
static const struct opt logs_opts[] = {
	{"details", 0, OPT_BOOL, FIELD(struct logs, details), "",
		"Show extra details provided to logs"},
	{"color", 0, OPT_BOOL, FIELD(struct logs, color), "",
		"Show each container's lines in a color of their own"},
	{"follow", 'f', OPT_BOOL, FIELD(struct logs, follow), "", "Follow log output"},
	{"latest", 'l', OPT_BOOL, FIELD(struct logs, latest), "",
		"Act on the container created last"},
	{"names", 0, OPT_BOOL, FIELD(struct logs, names), "",
		"Put the container's name before each line, where there are several"},
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

/* One container's output. */
struct output {
	const struct logs *args;
	char *prefix; /* of each line; NULL: none */
	const char *color; /* NULL: none */
	bool in_line[2]; /* the record before was a piece of a line */
};

enum { BUFFER = 128 << 10 };

/* Stdout and stderr may be one terminal: what came first must be out before the other is written.
 */
static FILE *stream_of(const struct log_record *r)
{
	static FILE *last;
	FILE *out = r->stream == LOG_STDERR ? stderr : stdout;
	if (last && last != out)
		(void)fflush(last);
	last = out;
	return out;
}

/* With a name or a color a line is one, however many pieces it has; else each record has its own
 * head, as Docker prints them. */
static int logs_print(void *arg, const struct log_record *r, struct err *e)
{
	struct output *o = arg;
	FILE *out = stream_of(r);
	bool by_line = o->prefix || o->color;
	bool ends = r->len > 0 && r->text[r->len - 1] == '\n';
	if (!by_line || !o->in_line[r->stream]) {
		if (o->color)
			(void)fputs(o->color, out);
		if (o->prefix)
			fprintf(out, "%s ", o->prefix);
		if (o->args->timestamps) {
			auto_free char *time = clock_rfc3339_fixed(r->time_ns);
			fprintf(out, "%s ", time);
		}
		if (o->args->details)
			fprintf(out, "%s ", r->attrs);
	}
	(void)fwrite(r->text, 1, r->len - (ends && o->color), out);
	if (ends && o->color)
		(void)fputs("\033[0m\n", out);
	o->in_line[r->stream] = !ends;
	if (ferror(out))
		return err_set(e, EPIPE, "write /dev/%s: broken pipe",
			r->stream == LOG_STDERR ? "stderr" : "stdout");
	return 0;
}

static void logs_flush(void)
{
	(void)fflush(stdout);
	(void)fflush(stderr);
}

static int parse_query(const struct logs *a, struct log_query *q, struct err *e)
{
	int64_t now = clock_now_ns();
	int r = 0;
	*q = (struct log_query){.tail = -1, .follow = a->follow};
	if (!str_empty(a->since))
		r = log_parse_time("since", a->since, now, &q->since_ns, e);
	if (r == 0 && !str_empty(a->until))
		r = log_parse_time("until", a->until, now, &q->until_ns, e);
	if (!parse_i64(a->tail, &q->tail) || q->tail < 0)
		q->tail = -1; /* "all", and what is no number, as Docker */
	return r;
}

static int print_all(struct cmd_call *call, const struct logs *a, struct container_row *rows,
	size_t n, const struct log_query *q, struct err *e)
{
	static const char *const colors[] = {
		"\033[37m", "\033[31m", "\033[33m", "\033[34m", "\033[35m", "\033[36m", "\033[32m"};
	struct output *outputs = xcalloc(n, sizeof(*outputs));
	void **args = xcalloc(n, sizeof(*args));
	for (size_t i = 0; i < n; i++) {
		outputs[i].args = a;
		if (n > 1)
			outputs[i].prefix =
				a->names ? xstrdup(rows[i].name) : xstrndup(rows[i].id, 12);
		if (a->color)
			outputs[i].color = colors[i % ARRAY_LEN(colors)];
		args[i] = &outputs[i];
	}
	(void)setvbuf(stdout, NULL, _IOFBF, BUFFER);
	(void)setvbuf(stderr, NULL, _IOFBF, BUFFER);
	int r = container_logs(call->store, rows, n, q, logs_print, logs_flush, args, e);
	logs_flush();
	(void)setvbuf(stderr, NULL, _IONBF, 0);
	for (size_t i = 0; i < n; i++)
		free(outputs[i].prefix);
	free(outputs);
	free(args);
	return r;
}

static int logs_run(struct cmd_call *call, void *args, struct err *e)
{
	struct logs *a = args;
	struct log_query q;
	auto_strv names = STRV_INIT;
	if (!a->latest &&
		cmd_wrong_count(call->cmd, call->program, call->typed, 1, (size_t)call->argc))
		return 1;
	int r = parse_query(a, &q, e);
	if (r < 0)
		return r;
	if (a->latest) {
		char *name = call->argc ? NULL : pick_one(call, true, e);
		if (!name)
			return call->argc ? err_set(e, EINVAL,
						    "--latest and containers cannot be used "
						    "together")
					  : -e->code;
		strv_take(&names, name);
	}
	for (int i = 0; i < call->argc; i++)
		strv_add(&names, call->argv[i]);
	struct container_row *rows = xcalloc(names.n, sizeof(*rows));
	size_t n = 0;
	while (r >= 0 && n < names.n &&
		(r = container_get(call->store, names.v[n], &rows[n], e)) >= 0)
		n++;
	if (r >= 0)
		r = print_all(call, a, rows, n, &q, e);
	for (size_t i = 0; i < n; i++)
		container_row_deinit(&rows[i]);
	free(rows);
	return r < 0 ? r : 0;
}

static const char *const logs_aliases[] = {"container logs", NULL};
const struct cmd cmd_logs = {
	.name = "logs",
	.aliases = logs_aliases,
	.brief = "Fetch the logs of a container",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 0,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = logs_opts,
	.args_size = sizeof(struct logs),
	.run = logs_run,
};
