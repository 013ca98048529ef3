#include "engine/log.h"
#include "base/clock.h"

#include <stdlib.h>
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
		if (!string(c, out) || !take(c, ':'))
			return false;
		buf_putc(out, '=');
		blanks(c);
		if (!string(c, out))
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

bool log_parse_line(const char *line, size_t len, struct buf *scratch, struct log_record *r)
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
