/* Reading back from the journal, through journalctl. */
#include "engine/log_read.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/log_record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 65536, ENTRY_MAX = 32 << 20, SETTLE_MS = 100, SETTLE_TRIES = 5 };

struct journal {
	struct log_reader base;
	char *id, *cursor;
	pid_t pid; /* of journalctl; 0: none */
	int fd;
	struct buf in;
	size_t at;
	/* the entry in hand */
	struct buf text, attrs;
	int64_t time_ns, received_ns;
	bool is_stderr, is_partial, has_message;
	uint64_t given;
};

int64_t log_export_entry(const char *p, size_t n, log_export_fn *fn, void *arg)
{
	size_t at = 0;
	while (at < n) {
		const char *line = p + at, *nl = memchr(line, '\n', n - at);
		if (!nl)
			return 0;
		size_t len = (size_t)(nl - line);
		if (len == 0)
			return (int64_t)at + 1;
		const char *eq = memchr(line, '=', len);
		if (eq) {
			fn(arg, line, (size_t)(eq - line), eq + 1, (size_t)(nl - eq - 1));
			at += len + 1;
			continue;
		}
		uint64_t size = 0;
		size_t head = len + 1 + 8;
		if (n - at < head)
			return 0;
		for (int i = 0; i < 8; i++)
			size |= (uint64_t)(unsigned char)nl[1 + i] << (8 * i);
		if (size > ENTRY_MAX)
			return -1;
		if (n - at < head + size + 1)
			return 0;
		fn(arg, line, len, line + head, (size_t)size);
		at += head + (size_t)size + 1;
	}
	return 0;
}

static bool is_name(const char *name, size_t n, const char *what)
{
	return strlen(what) == n && !memcmp(name, what, n);
}

/* What the driver and the journal write themselves: the rest is the container's. */
static bool is_ours(const char *name, size_t n)
{
	static const char *const names[] = {"CONTAINER_ID", "CONTAINER_ID_FULL", "CONTAINER_NAME",
		"CONTAINER_TAG", "IMAGE_NAME", "SYSLOG_IDENTIFIER", "SYSLOG_TIMESTAMP", "PRIORITY",
		"CONTAINER_LOG_EPOCH", "CONTAINER_LOG_ORDINAL", "CONTAINER_PARTIAL_MESSAGE",
		"CONTAINER_PARTIAL_ID", "CONTAINER_PARTIAL_ORDINAL", "CONTAINER_PARTIAL_LAST",
		"MESSAGE"};
	if (n == 0 || *name == '_')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (is_name(name, n, names[i]))
			return true;
	return false;
}

static void take_field(void *arg, const char *name, size_t len, const char *value, size_t n)
{
	struct journal *j = arg;
	auto_free char *text = n < 256 ? xstrndup(value, n) : xstrdup("");
	if (is_name(name, len, "MESSAGE")) {
		j->text.len = 0;
		buf_add(&j->text, value, n);
		j->has_message = true;
	} else if (is_name(name, len, "PRIORITY")) {
		j->is_stderr = !strcmp(text, "3");
	} else if (is_name(name, len, "CONTAINER_PARTIAL_MESSAGE")) {
		j->is_partial = !strcmp(text, "true");
	} else if (is_name(name, len, "SYSLOG_TIMESTAMP")) {
		(void)clock_parse_rfc3339(text, &j->time_ns);
	} else if (is_name(name, len, "__REALTIME_TIMESTAMP")) {
		uint64_t us;
		if (parse_u64(text, &us))
			j->received_ns = (int64_t)us * 1000;
	} else if (is_name(name, len, "__CURSOR")) {
		free(j->cursor);
		j->cursor = xstrndup(value, n);
	} else if (!is_ours(name, len)) {
		if (j->attrs.len > 0)
			buf_putc(&j->attrs, ',');
		log_query_escape(&j->attrs, name, len);
		buf_putc(&j->attrs, '=');
		log_query_escape(&j->attrs, value, n);
	}
}

static char *sorted(const char *attrs)
{
	auto_strv list = STRV_INIT;
	strv_split(&list, attrs, ',');
	for (size_t i = 1; i < list.n; i++)
		for (size_t k = i; k > 0 && strcmp(list.v[k - 1], list.v[k]) > 0; k--) {
			char *t = list.v[k];
			list.v[k] = list.v[k - 1];
			list.v[k - 1] = t;
		}
	return strv_join(&list, ",");
}

static int give_entry(struct journal *j, struct err *e)
{
	if (!j->has_message)
		return 0;
	if (!j->is_partial)
		buf_putc(&j->text, '\n');
	auto_free char *attrs = sorted(j->attrs.data && j->attrs.len ? j->attrs.data : "");
	const struct log_record rec = {.time_ns = j->time_ns ? j->time_ns : j->received_ns,
		.stream = j->is_stderr ? LOG_STDERR : LOG_STDOUT,
		.text = j->text.data ? j->text.data : "",
		.len = j->text.len,
		.attrs = attrs};
	j->given++;
	return log_reader_give(&j->base, &rec, e);
}

/* The whole entries in j->in. */
static int give_entries(struct journal *j, struct err *e)
{
	int result = 0;
	while (result == 0 && !j->base.is_past_end && j->at < j->in.len) {
		j->text.len = j->attrs.len = 0;
		j->time_ns = j->received_ns = 0;
		j->is_stderr = j->is_partial = j->has_message = false;
		int64_t k = log_export_entry(j->in.data + j->at, j->in.len - j->at, take_field, j);
		if (k < 0 || (k == 0 && j->in.len - j->at > 2 * (size_t)ENTRY_MAX))
			return err_set(e, EBADMSG, "journalctl writes what is no export format");
		if (k == 0)
			break;
		j->at += (size_t)k;
		result = give_entry(j, e);
	}
	memmove(j->in.data ? j->in.data : (char *)"", j->in.data ? j->in.data + j->at : "",
		j->in.len - j->at);
	j->in.len -= j->at;
	j->at = 0;
	return result;
}

static void stop(struct journal *j)
{
	scope_close(&j->fd);
	j->fd = -1;
	if (j->pid > 0) {
		(void)kill(j->pid, SIGTERM);
		(void)spawn_wait(j->pid);
	}
	j->pid = 0;
	j->in.len = j->at = 0;
}

static int start(struct journal *j, const struct log_query *q, bool follows, struct err *e)
{
	auto_strv argv = STRV_INIT;
	struct spawn s = SPAWN_INIT;
	int p[2];
	strv_add(&argv, "journalctl");
	strv_add(&argv, "--quiet");
	strv_add(&argv, "--all");
	strv_add(&argv, "--no-pager");
	strv_add(&argv, "--output=export");
	if (follows)
		strv_add(&argv, "--follow");
	if (j->cursor) {
		strv_addf(&argv, "--after-cursor=%s", j->cursor);
	} else if (q->since_ns) /* what was received then was written before: one second more */
		strv_addf(&argv, "--since=@%lld", (long long)(q->since_ns / NS_PER_S - 1));
	if (q->tail >= 0 && !j->cursor)
		strv_addf(&argv, "--lines=%lld", (long long)q->tail);
	else if (follows)
		strv_add(&argv, "--no-tail");
	strv_addf(&argv, "CONTAINER_ID_FULL=%s", j->id);
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "cannot read the journal");
	auto_fd ours = p[0], theirs = p[1];
	s.file = "journalctl";
	s.argv = argv.v;
	s.fd_out = theirs;
	s.death_signal = SIGTERM;
	int r = spawn_start(&s, &j->pid, NULL, e);
	if (r < 0) {
		j->pid = 0;
		return err_ctx(e, "cannot read the journal");
	}
	j->fd = take_fd(ours);
	return follows ? fd_set_nonblock(j->fd, true) : 0;
}

/* Until the pipe's end, or until nothing is there (following). */
static int drain(struct journal *j, struct err *e)
{
	for (;;) {
		buf_reserve(&j->in, CHUNK);
		ssize_t n = read(j->fd, j->in.data + j->in.len, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		j->in.len += (size_t)n;
		int result = give_entries(j, e);
		if (result || j->base.is_past_end)
			return result;
	}
}

/* The journal takes its time with what was sent to it: asked again until nothing new comes. */
static int finish(struct journal *j, struct err *e)
{
	int result = 0, quiet = 0;
	for (int i = 0; i < SETTLE_TRIES && quiet < 2 && result == 0 && !j->base.is_past_end; i++) {
		uint64_t before = j->given;
		stop(j);
		(void)poll(NULL, 0, SETTLE_MS);
		result = start(j, j->base.q, false, e);
		if (result == 0)
			result = drain(j, e);
		quiet = j->given == before ? quiet + 1 : 0;
	}
	return result;
}

static int pump(struct log_reader *r, bool is_last, struct err *e)
{
	struct journal *j = (struct journal *)r;
	int result = 0;
	if (j->pid == 0)
		result = start(j, r->q, r->q->follow && !is_last, e);
	if (result == 0)
		result = drain(j, e);
	if (result == 0 && r->q->follow && is_last && !r->is_past_end && (r->q->tail || j->cursor))
		result = finish(j, e);
	return result ? result : r->is_past_end ? LOG_READ_OVER : 0;
}

static int journal_fd(const struct log_reader *r) { return ((const struct journal *)r)->fd; }

static void journal_free(struct log_reader *r)
{
	struct journal *j = (struct journal *)r;
	stop(j);
	buf_free(&j->in);
	buf_free(&j->text);
	buf_free(&j->attrs);
	free(j->id);
	free(j->cursor);
	free(j);
}

int log_read_journal(
	struct log_reader **out, const char *id, const struct log_query *q, struct err *e)
{
	static const struct log_reader_ops ops = {pump, journal_fd, journal_free};
	struct journal *j = xcalloc(1, sizeof(*j));
	(void)q;
	(void)e;
	j->base.ops = &ops;
	j->id = xstrdup(id);
	j->fd = -1;
	*out = &j->base;
	return 0;
}
