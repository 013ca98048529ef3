#include "engine/log.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int log_writer_open(struct log_writer *w, int dir_fd, const char *id, int64_t max_size,
	int64_t max_files, struct err *e)
{
	*w = (struct log_writer){
		.dir_fd = dir_fd, .fd = -1, .max_size = max_size, .max_files = max_files};
	w->name = xasprintf("%s-json.log", id);
	w->fd = openat(
		dir_fd, w->name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (w->fd < 0)
		return err_sys(e, "cannot open the log %s", w->name);
	struct stat st;
	w->size = fstat(w->fd, &st) < 0 ? 0 : st.st_size;
	return 0;
}

/* Moves the files up by one; the oldest goes. With one file the text is dropped, as Docker does. */
static void rotate(struct log_writer *w)
{
	for (int64_t i = w->max_files - 1; i > 0; i--) {
		auto_free char *to = xasprintf("%s.%lld", w->name, (long long)i);
		auto_free char *from =
			i == 1 ? xstrdup(w->name) : xasprintf("%s.%lld", w->name, (long long)i - 1);
		(void)renameat(w->dir_fd, from, w->dir_fd, to);
	}
	if (w->max_files <= 1)
		(void)unlinkat(w->dir_fd, w->name, 0);
	int fd = openat(
		w->dir_fd, w->name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return; /* goes on in the old file */
	close(w->fd);
	w->fd = fd;
	w->size = 0;
}

static void put_out(struct log_writer *w)
{
	size_t n = w->out.len;
	if (w->fd >= 0 && n > 0) {
		if (w->size >= w->max_size)
			rotate(w);
		if (write_all(w->fd, w->out.data, n) < 0)
			(void)!ftruncate(w->fd, w->size); /* no half line stays */
		else
			w->size += (int64_t)n;
	}
	w->out.len = 0;
	if (w->out.cap > 32768) { /* an idle monitor keeps no large buffers */
		buf_free(&w->out);
		w->out = BUF_INIT;
	}
}

/* Bytes that stand for themselves between the quotes. Docker's encoder escapes <, > and & too. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* Length of the UTF-8 sequence at p by Go's rules; 0 where it is not one. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char lo, hi, first_lo, first_hi, len;
	} rows[] = {
		{0xC2, 0xDF, 0x80, 0xBF, 2},
		{0xE0, 0xE0, 0xA0, 0xBF, 3},
		{0xE1, 0xEC, 0x80, 0xBF, 3},
		{0xED, 0xED, 0x80, 0x9F, 3},
		{0xEE, 0xEF, 0x80, 0xBF, 3},
		{0xF0, 0xF0, 0x90, 0xBF, 4},
		{0xF1, 0xF3, 0x80, 0xBF, 4},
		{0xF4, 0xF4, 0x80, 0x8F, 4},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (p[0] < rows[i].lo || p[0] > rows[i].hi)
			continue;
		if (n < rows[i].len || p[1] < rows[i].first_lo || p[1] > rows[i].first_hi)
			return 0;
		for (size_t k = 2; k < rows[i].len; k++)
			if (p[k] < 0x80 || p[k] > 0xBF)
				return 0;
		return rows[i].len;
	}
	return 0;
}

/* One special byte or sequence; returns how many bytes it took. */
static size_t escape_one(struct buf *out, const unsigned char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = p[0];
	if (c < 0x80) {
		char text[7] = "\\u00";
		text[4] = hex[c >> 4];
		text[5] = hex[c & 15];
		if (c == '"' || c == '\\')
			buf_add(out, (char[]){'\\', (char)c}, 2);
		else if (c == '\n')
			buf_add(out, "\\n", 2);
		else if (c == '\r')
			buf_add(out, "\\r", 2);
		else
			buf_add(out, text, 6);
		return 1;
	}
	size_t k = utf8_len(p, n);
	if (k == 0) {
		buf_add(out, "\\ufffd", 6);
		return 1;
	}
	if (k == 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9))
		buf_add(out, p[2] == 0xA8 ? "\\u2028" : "\\u2029", 6);
	else
		buf_add(out, p, k);
	return k;
}

static void escape(struct buf *out, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + n;
	while (p < end) {
		const unsigned char *run = p;
		while (p < end && is_plain(*p))
			p++;
		if (p > run)
			buf_add(out, run, (size_t)(p - run));
		if (p < end)
			p += escape_one(out, p, (size_t)(end - p));
	}
}

/* RFC3339Nano: the fraction without its trailing zeros. */
static void put_time(struct buf *out, int64_t ns)
{
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;
	char text[64];
	gmtime_r(&s, &tm);
	int n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%09d",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		(int)(ns % NS_PER_S));
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	buf_add(out, text, (size_t)n);
}

struct stamp {
	int64_t ns;
	struct buf tail; /* `","stream":"stdout","time":"..."}\n`, made once a batch */
};

static void put_record(struct log_writer *w, enum log_stream stream, const char *p, size_t n,
	bool newline, int64_t ns, struct stamp *st)
{
	if (st->ns != ns || st->tail.len == 0) {
		st->ns = ns;
		st->tail.len = 0;
		buf_puts(&st->tail, stream == LOG_STDOUT ? "\",\"stream\":\"stdout\",\"time\":\""
							 : "\",\"stream\":\"stderr\",\"time\":\"");
		put_time(&st->tail, ns);
		buf_puts(&st->tail, "Z\"}\n");
	}
	buf_add(&w->out, "{\"log\":\"", 8);
	escape(&w->out, p, n);
	if (newline)
		buf_add(&w->out, "\\n", 2);
	buf_add(&w->out, st->tail.data, st->tail.len);
	/* The record that fills the file is its last one. */
	if (w->size + (int64_t)w->out.len >= w->max_size)
		put_out(w);
}

void log_writer_add(
	struct log_writer *w, enum log_stream stream, const char *p, size_t n, int64_t now_ns)
{
	struct log_partial *part = &w->partial[stream];
	struct stamp st = {0};
	if (w->fd < 0)
		return;
	while (n > 0) {
		const char *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n;
		size_t room = LOG_LINE_MAX - part->text.len;
		bool is_full = k >= room; /* also where the newline comes next, as Docker */
		if (is_full)
			k = room;
		if (part->text.len == 0 && !part->has_pieces)
			part->time_ns = now_ns;
		bool ends = nl && !is_full;
		if (part->text.len == 0 && (ends || is_full)) {
			put_record(w, stream, p, k, ends, part->time_ns, &st);
		} else {
			buf_add(&part->text, p, k);
			if (ends || is_full) {
				put_record(w, stream, part->text.data, part->text.len, ends,
					part->time_ns, &st);
				part->text.len = 0;
			}
		}
		if (ends || is_full)
			part->has_pieces = is_full;
		p += k + ends;
		n -= k + ends;
	}
	buf_free(&st.tail);
	if (w->out.len > 0)
		put_out(w);
}

void log_writer_close(struct log_writer *w)
{
	for (int i = 0; i < 2; i++) {
		struct stamp st = {0};
		struct log_partial *part = &w->partial[i];
		if (w->fd >= 0 && part->text.len > 0)
			put_record(w, (enum log_stream)i, part->text.data, part->text.len, false,
				part->time_ns, &st);
		buf_free(&st.tail);
		buf_free(&part->text);
	}
	put_out(w);
	buf_free(&w->out);
	scope_close(&w->fd);
	w->fd = -1;
	scope_free(&w->name);
	w->name = NULL;
}
