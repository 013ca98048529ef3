/* json-file, reading: our own lines quickly, any other JSON object of strings too. */
#include "engine/log_record.h"
#include "base/clock.h"

#include <ctype.h>
#include <string.h>

/* A cursor over one line: a small JSON reader for objects of strings, which is all there is. */
struct cursor {
	const char *p, *end;
};

static void blanks(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r'))
		c->p++;
}

static bool take(struct cursor *c, char what)
{
	blanks(c);
	if (c->p >= c->end || *c->p != what)
		return false;
	c->p++;
	return true;
}

static int hex4(const char *p)
{
	int v = 0;
	for (int i = 0; i < 4; i++) {
		char ch = p[i];
		int d = ch >= '0' && ch <= '9'   ? ch - '0'
			: ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
			: ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
						 : -1;
		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

static void add_rune(struct buf *out, uint32_t r)
{
	char t[4];
	if (r < 0x80) {
		buf_putc(out, (char)r);
	} else if (r < 0x800) {
		t[0] = (char)(0xC0 | r >> 6);
		t[1] = (char)(0x80 | (r & 63));
		buf_add(out, t, 2);
	} else if (r < 0x10000) {
		t[0] = (char)(0xE0 | r >> 12);
		t[1] = (char)(0x80 | (r >> 6 & 63));
		t[2] = (char)(0x80 | (r & 63));
		buf_add(out, t, 3);
	} else {
		t[0] = (char)(0xF0 | r >> 18);
		t[1] = (char)(0x80 | (r >> 12 & 63));
		t[2] = (char)(0x80 | (r >> 6 & 63));
		t[3] = (char)(0x80 | (r & 63));
		buf_add(out, t, 4);
	}
}

static bool unicode_escape(struct cursor *c, struct buf *out)
{
	int v = c->end - c->p >= 4 ? hex4(c->p) : -1;
	if (v < 0)
		return false;
	c->p += 4;
	if (v >= 0xD800 && v < 0xE000) {
		int low = c->end - c->p >= 6 && c->p[0] == '\\' && c->p[1] == 'u' ? hex4(c->p + 2)
										  : -1;
		if (v < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
			c->p += 6;
			add_rune(out, 0x10000 + ((uint32_t)(v - 0xD800) << 10) +
					      (uint32_t)(low - 0xDC00));
			return true;
		}
		v = 0xFFFD;
	}
	add_rune(out, (uint32_t)v);
	return true;
}

/* Appends the string's bytes. */
static bool string(struct cursor *c, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (!take(c, '"'))
		return false;
	while (c->p < c->end) {
		const char *run = c->p;
		while (c->p < c->end && *c->p != '"' && *c->p != '\\')
			c->p++;
		if (c->p > run)
			buf_add(out, run, (size_t)(c->p - run));
		if (c->p >= c->end)
			return false;
		if (*c->p++ == '"')
			return true;
		if (c->p >= c->end)
			return false;
		char ch = *c->p++;
		const char *at = ch ? strchr(from, ch) : NULL;
		if (at)
			buf_putc(out, to[at - from]);
		else if (ch != 'u' || !unicode_escape(c, out))
			return false;
	}
	return false;
}

void log_query_escape(struct buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c == ' ')
			buf_putc(out, '+');
		else if (isalnum(c) || (c && strchr("-_.~", c)))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

static bool escaped_string(struct cursor *c, struct buf *out)
{
	auto_buf text = BUF_INIT;
	bool ok = string(c, &text);
	log_query_escape(out, text.data, text.len);
	return ok;
}

/* {"k":"v",...} as "k=v,k2=v2" (written sorted). */
static bool attributes(struct cursor *c, struct buf *out)
{
	if (!take(c, '{'))
		return false;
	for (bool first = true; !take(c, '}'); first = false) {
		if (!first && !take(c, ','))
			return false;
		if (!first)
			buf_putc(out, ',');
		if (!escaped_string(c, out) || !take(c, ':'))
			return false;
		buf_putc(out, '=');
		blanks(c);
		if (!escaped_string(c, out))
			return false;
	}
	return true;
}

/* One member; its value is added to scratch from *at on, NUL-terminated. */
static bool member(struct cursor *c, struct buf *scratch, size_t *key, size_t *value)
{
	*key = scratch->len;
	if (!string(c, scratch) || !take(c, ':'))
		return false;
	buf_putc(scratch, '\0');
	*value = scratch->len;
	blanks(c);
	bool ok = c->p < c->end && *c->p == '{' ? attributes(c, scratch) : string(c, scratch);
	return ok;
}

static bool parse_any(const char *line, size_t len, struct buf *scratch, struct log_record *r)
{
	struct cursor c = {line, line + len};
	size_t key, value, text = 0, text_len = 0, attrs = 0, time = 0;
	bool has_text = false, has_time = false;
	scratch->len = 0;
	*r = (struct log_record){.stream = LOG_STDOUT};
	if (!take(&c, '{'))
		return false;
	for (bool first = true; !take(&c, '}'); first = false) {
		if ((!first && !take(&c, ',')) || !member(&c, scratch, &key, &value))
			return false;
		size_t n = scratch->len - value;
		buf_putc(scratch, '\0');
		const char *name = scratch->data + key;
		if (!strcmp(name, "log")) {
			text = value;
			text_len = n;
			has_text = true;
		} else if (!strcmp(name, "stream")) {
			r->stream =
				strcmp(scratch->data + value, "stderr") ? LOG_STDOUT : LOG_STDERR;
		} else if (!strcmp(name, "time")) {
			time = value;
			has_time = true;
		} else if (!strcmp(name, "attrs")) {
			attrs = value;
		}
	}
	if (!has_text || !has_time || !clock_parse_rfc3339(scratch->data + time, &r->time_ns))
		return false;
	r->text = scratch->data + text;
	r->len = text_len;
	r->attrs = attrs ? scratch->data + attrs : "";
	return true;
}

/* The same time comes with every line of a read. */
static bool parse_time(const char *p, size_t n, int64_t *ns)
{
	static char seen[48];
	static size_t seen_len;
	static int64_t seen_ns;
	if (n != seen_len || memcmp(p, seen, n) != 0) {
		char text[sizeof(seen)];
		if (n >= sizeof(seen))
			return false;
		memcpy(text, p, n);
		text[n] = '\0';
		if (memchr(text, '\\', n) || !clock_parse_rfc3339(text, &seen_ns))
			return false;
		memcpy(seen, text, n);
		seen_len = n;
	}
	*ns = seen_ns;
	return true;
}

/* Lines as log_json.c writes them without attributes: nothing else is tried to understand. */
static bool parse_ours(const char *p, size_t n, struct buf *scratch, struct log_record *r)
{
	static const char head[] = "{\"log\":", out[] = ",\"stream\":\"stdout\",\"time\":\"",
			  err[] = ",\"stream\":\"stderr\",\"time\":\"";
	const size_t head_len = sizeof(head) - 1, tail_len = sizeof(out) - 1;
	struct cursor c = {p + head_len, p + n};
	if (n < head_len || memcmp(p, head, head_len) != 0)
		return false;
	scratch->len = 0;
	buf_reserve(scratch, n);
	if (!string(&c, scratch) || (size_t)(c.end - c.p) < tail_len + 2)
		return false;
	if (!memcmp(c.p, out, tail_len))
		r->stream = LOG_STDOUT;
	else if (!memcmp(c.p, err, tail_len))
		r->stream = LOG_STDERR;
	else
		return false;
	c.p += tail_len;
	if (memcmp(c.end - 2, "\"}", 2) != 0 ||
		!parse_time(c.p, (size_t)(c.end - 2 - c.p), &r->time_ns))
		return false;
	scratch->data[scratch->len] = '\0'; /* nothing has been added to an empty one */
	r->text = scratch->data;
	r->len = scratch->len;
	r->attrs = "";
	return true;
}

static bool parse(const char *p, size_t n, struct buf *scratch, struct log_record *r)
{
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	return parse_ours(p, n, scratch, r) || parse_any(p, n, scratch, r);
}

static int64_t frame(const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	/* Longer than any record: junk, passed over in pieces. */
	return nl ? nl - p + 1 : n > LOG_RECORD_MAX ? (int64_t)n : 0;
}

size_t log_json_whole(const char *p, size_t n)
{
	const char *nl = memrchr(p, '\n', n);
	return nl ? (size_t)(nl - p) + 1 : 0;
}

static int64_t last(const char *p, size_t n)
{
	if (n == 0 || p[n - 1] != '\n')
		return -1;
	const char *nl = memrchr(p, '\n', n - 1);
	return nl ? nl - p + 1 : -1;
}

/* The time is the last member of ours. */
static bool time_of(const char *p, size_t n, int64_t *time_ns)
{
	static const char key[] = "\"time\":\"";
	enum { LONGEST = 48 };
	if (n < 4 || memcmp(p + n - 3, "\"}\n", 3) != 0)
		return false;
	const char *from = n > LONGEST ? p + n - LONGEST : p;
	const char *at = memmem(from, (size_t)(p + n - from), key, sizeof(key) - 1);
	if (!at)
		return false;
	at += sizeof(key) - 1;
	return parse_time(at, (size_t)(p + n - 3 - at), time_ns);
}

const struct log_format log_format_json = {
	.frame = frame, .parse = parse, .time = time_of, .last = last};
