/* json-file, writing: Docker's lines. */
#include "base/clock.h"
#include "base/scope.h"
#include "engine/log_record.h"
#include "engine/log_write.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Bytes that stand for themselves between the quotes. Docker's encoder escapes <, > and & too. */
static bool is_plain(unsigned char c)
{
	static const bool special[256] = {
		[0 ... 0x1F] = true,
		['"'] = true,
		['\\'] = true,
		['<'] = true,
		['>'] = true,
		['&'] = true,
		[0x80 ... 0xFF] = true,
	};
	return !special[c];
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

/* One special byte or sequence to `to` (room for 6); moves *p on. */
static char *escape_one(char *to, const unsigned char **pp, const unsigned char *end)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = *pp;
	unsigned char c = p[0];
	if (c >= 0x80) {
		size_t k = utf8_len(p, (size_t)(end - p));
		*pp += k ? k : 1;
		if (k == 0)
			return memcpy(to, "\\ufffd", 6), to + 6;
		if (k == 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9))
			return memcpy(to, p[2] == 0xA8 ? "\\u2028" : "\\u2029", 6), to + 6;
		return memcpy(to, p, k), to + k;
	}
	(*pp)++;
	*to++ = '\\';
	switch (c) {
	case '"':
	case '\\':
		*to++ = (char)c;
		return to;
	case '\n':
		*to++ = 'n';
		return to;
	case '\r':
		*to++ = 'r';
		return to;
	default:
		memcpy(to, "u00", 3);
		to[3] = hex[c >> 4];
		to[4] = hex[c & 15];
		return to + 5;
	}
}

/* Sixteen bytes at once: do all of them stand for themselves? As signed numbers what is below a
 * blank is also what is beyond ASCII. */
typedef signed char block __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));
static inline bool is_plain_block(block v)
{
	const block bad =
		(v < ' ') | (v == '"') | (v == '\\') | (v == '<') | (v == '>') | (v == '&');
	const halves h = (halves)bad;
	return (h[0] | h[1]) == 0;
}

/* To `to`, which has room for six times as much and a block; the end. */
static char *escape_to(char *to, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + n;
	while (p < end) {
		block v;
		while ((size_t)(end - p) >= sizeof(v)) {
			memcpy(&v, p, sizeof(v));
			if (!is_plain_block(v))
				break;
			memcpy(to, &v, sizeof(v));
			p += sizeof(v);
			to += sizeof(v);
		}
		while (p < end && is_plain(*p))
			*to++ = (char)*p++;
		if (p < end)
			to = escape_one(to, &p, end);
	}
	return to;
}

static void escape(struct buf *out, const char *text, size_t n)
{
	buf_reserve(out, 6 * n + sizeof(block));
	out->len = (size_t)(escape_to(out->data + out->len, text, n) - out->data);
	out->data[out->len] = '\0';
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

/* `","stream":"stdout","attrs":{...},"time":"..."}` and the newline: the same for all records of a
 * read. */
static const struct buf *stamp(struct log_writer *w, enum log_stream stream, int64_t ns)
{
	struct buf *st = &w->stamp[stream];
	if (w->stamp_ns[stream] == ns && st->len > 0)
		return st;
	w->stamp_ns[stream] = ns;
	st->len = 0;
	buf_puts(
		st, stream == LOG_STDOUT ? "\",\"stream\":\"stdout\"" : "\",\"stream\":\"stderr\"");
	buf_add(st, w->attrs.data ? w->attrs.data : "", w->attrs.len);
	buf_puts(st, ",\"time\":\"");
	put_time(st, ns);
	buf_puts(st, "Z\"}\n");
	return st;
}

void log_json_put(struct log_writer *w, const struct log_piece *p)
{
	const struct buf *st = stamp(w, p->stream, p->time_ns);
	struct buf *out = &w->out;
	buf_reserve(out, 8 + 6 * p->len + sizeof(block) + 2 + st->len);
	char *to = out->data + out->len;
	memcpy(to, "{\"log\":\"", 8);
	to = escape_to(to + 8, p->text, p->len);
	memcpy(to, "\\n", 2);
	to += p->ends_line ? 2 : 0;
	memcpy(to, st->data, st->len);
	out->len = (size_t)(to + st->len - out->data);
	out->data[out->len] = '\0';
}

void log_json_attrs(struct buf *out, const char *pairs, size_t n)
{
	bool first = true;
	for (const char *p = pairs, *end = pairs + n; p < end;
		p += strnlen(p, (size_t)(end - p)) + 1) {
		size_t len = strnlen(p, (size_t)(end - p));
		const char *eq = memchr(p, '=', len);
		if (!eq)
			continue;
		buf_puts(out, first ? ",\"attrs\":{\"" : ",\"");
		escape(out, p, (size_t)(eq - p));
		buf_puts(out, "\":\"");
		escape(out, eq + 1, len - (size_t)(eq + 1 - p));
		buf_putc(out, '"');
		first = false;
	}
	if (!first)
		buf_putc(out, '}');
}
