#include "base/toml_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"

/* ---- strings ---- */

static bool starts(const struct toml *t, const char *s)
{
	size_t n = strlen(s);
	return (size_t)(t->end - t->p) >= n && !memcmp(t->p, s, n);
}

static void put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(out, (char)c);
	} else if (c < 0x800) {
		buf_putc(out, (char)(0xc0 | c >> 6));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_putc(out, (char)(0xe0 | c >> 12));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_putc(out, (char)(0xf0 | c >> 18));
		buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int read_unicode(struct toml *t, int digits, struct buf *out)
{
	uint32_t c = 0;
	for (int i = 0; i < digits; i++) {
		int v = hex_digit(toml_peek(t));
		if (v < 0)
			return toml_fail(t, "\\%c needs %d hexadecimal digits",
				digits == 4 ? 'u' : 'U', digits);
		c = c << 4 | (uint32_t)v;
		t->p++;
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return toml_fail(t, "\\u%04x is no character", c);
	put_utf8(out, c);
	return 0;
}

/* A backslash at the end of a line of a long string: all blanks up to the next word go. */
static bool skip_line_break(struct toml *t)
{
	const char *p = t->p;
	while (p < t->end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	if (p == t->end || *p != '\n')
		return false;
	for (; p < t->end && strchr(" \t\r\n", *p); p++)
		t->line += *p == '\n';
	t->p = p;
	return true;
}

static int read_escape(struct toml *t, bool is_long, struct buf *out)
{
	static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
	if (is_long && skip_line_break(t))
		return 0;
	char c = toml_peek(t);
	if (!c)
		return toml_fail(t, "a string without an end");
	t->p++;
	if (c == 'u' || c == 'U')
		return read_unicode(t, c == 'u' ? 4 : 8, out);
	const char *at = strchr(names, c);
	if (!at)
		return toml_fail(t, "unknown escape in a string");
	buf_putc(out, values[at - names]);
	return 0;
}

static int read_plain(struct toml *t, bool is_long, struct buf *out)
{
	char c = *t->p;
	if (c == '\r' && starts(t, "\r\n"))
		c = *++t->p;
	if (c == '\n' && !is_long)
		return toml_fail(t, "a string without an end");
	if (((unsigned char)c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
		return toml_fail(t, "a control character in a string");
	t->line += c == '\n';
	t->p++;
	buf_putc(out, c);
	return 0;
}

/* Up to two more quotes may stand before the three that end a long string. */
static void take_quotes(struct toml *t, char quote, struct buf *out)
{
	t->p += 3;
	for (int i = 0; i < 2 && toml_peek(t) == quote; i++, t->p++)
		buf_putc(out, quote);
}

static char *checked(struct toml *t, struct buf *out)
{
	auto_json probe = json_stringn(out->data, out->len);
	if (probe)
		return buf_take(out);
	toml_fail(t, "a string that is not UTF-8");
	return NULL;
}

char *toml_string(struct toml *t, bool may_be_long)
{
	char quote = *t->p;
	const char triple[4] = {quote, quote, quote, '\0'};
	bool is_long = may_be_long && starts(t, triple);
	auto_buf out = BUF_INIT;
	buf_puts(&out, "");
	t->p += is_long ? 3 : 1;
	if (is_long && starts(t, "\r\n"))
		t->p++;
	if (is_long && toml_peek(t) == '\n') {
		t->p++;
		t->line++;
	}
	while (t->p < t->end) {
		if (is_long && starts(t, triple)) {
			take_quotes(t, quote, &out);
			return checked(t, &out);
		}
		if (!is_long && *t->p == quote) {
			t->p++;
			return checked(t, &out);
		}
		int r;
		if (quote == '"' && *t->p == '\\') {
			t->p++;
			r = read_escape(t, is_long, &out);
		} else {
			r = read_plain(t, is_long, &out);
		}
		if (r < 0)
			return NULL;
	}
	toml_fail(t, "a string without an end");
	return NULL;
}

static json_t *string_value(struct toml *t)
{
	auto_free char *text = toml_string(t, true);
	return text ? json_string(text) : NULL;
}

/* ---- numbers and words ---- */

static int digit_base(const char **p)
{
	static const struct {
		const char *prefix;
		int base;
	} table[] = {{"0x", 16}, {"0o", 8}, {"0b", 2}};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (str_starts(*p, table[i].prefix)) {
			*p += 2;
			return table[i].base;
		}
	return 10;
}

/* Digits with single underscores between them. */
static bool read_digits(const char *p, int base, bool is_negative, json_int_t *out)
{
	uint64_t v = 0, max = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
	if (base == 10 && p[0] == '0' && p[1])
		return false;
	for (const char *start = p; *p || p == start; p++) {
		if (*p == '_' && p > start && p[-1] != '_' && p[1])
			continue;
		int d = hex_digit(*p);
		if (d < 0 || d >= base || v > (max - (uint64_t)d) / (uint64_t)base)
			return false;
		v = v * (uint64_t)base + (uint64_t)d;
	}
	*out = is_negative ? (json_int_t)(0 - v) : (json_int_t)v;
	return true;
}

static json_t *word_value(struct toml *t)
{
	const char *start = t->p;
	while (toml_peek(t) && !strchr(" \t\r\n,]}#=", *t->p))
		t->p++;
	auto_free char *word = xstrndup(start, (size_t)(t->p - start));
	if (!strcmp(word, "true"))
		return json_true();
	if (!strcmp(word, "false"))
		return json_false();
	json_int_t n = 0;
	const char *p = word;
	bool has_sign = *p == '-' || *p == '+';
	if (has_sign)
		p++;
	int base = has_sign ? 10 : digit_base(&p);
	if (read_digits(p, base, *word == '-', &n))
		return json_integer(n);
	if (*p >= '0' && *p <= '9')
		toml_fail(t, "no number that is understood here (integers are)");
	else
		toml_fail(t, "no value: a string needs quotes");
	return NULL;
}

/* ---- arrays and inline tables ---- */

/* Blanks, comments and line ends between the elements of an array. */
static int skip_lines(struct toml *t)
{
	for (;;) {
		toml_blanks(t);
		char c = toml_peek(t);
		if (!c || !strchr("#\r\n", c))
			return 0;
		int r = toml_line_end(t);
		if (r < 0)
			return r;
	}
}

static json_t *array_value(struct toml *t)
{
	auto_json list = json_array();
	t->p++;
	for (;;) {
		if (skip_lines(t) < 0)
			return NULL;
		if (toml_peek(t) == ']')
			break;
		json_t *value = toml_value(t);
		if (!value)
			return NULL;
		json_array_append_new(list, value);
		if (skip_lines(t) < 0)
			return NULL;
		if (toml_peek(t) != ',' && toml_peek(t) != ']') {
			toml_fail(t, "\",\" or \"]\" is missing in an array");
			return NULL;
		}
		if (toml_peek(t) == ',')
			t->p++;
	}
	t->p++;
	return take_ptr(list);
}

static json_t *inline_table(struct toml *t)
{
	auto_json table = json_object();
	size_t marks = t->n_marks;
	t->p++;
	toml_blanks(t);
	while (toml_peek(t) != '}') {
		if (toml_assignment(t, table) < 0)
			return NULL;
		toml_blanks(t);
		char c = toml_peek(t);
		if (c != ',' && c != '}') {
			toml_fail(t, "\",\" or \"}\" is missing in an inline table");
			return NULL;
		}
		if (c == '}')
			break;
		t->p++;
		toml_blanks(t);
		if (toml_peek(t) == '}') {
			toml_fail(t, "\",\" before \"}\" in an inline table");
			return NULL;
		}
	}
	t->p++;
	/* Nothing can be added to it from outside: its dotted tables are closed. */
	t->n_marks = marks;
	return take_ptr(table);
}

json_t *toml_value(struct toml *t)
{
	json_t *j;
	if (++t->depth > TOML_DEPTH_MAX) {
		toml_fail(t, "values more than %d deep", TOML_DEPTH_MAX);
		return NULL;
	}
	switch (toml_peek(t)) {
	case '"':
	case '\'':
		j = string_value(t);
		break;
	case '[':
		j = array_value(t);
		break;
	case '{':
		j = inline_table(t);
		break;
	case '\0':
	case '\r':
	case '\n':
	case '#':
		toml_fail(t, "a value is missing here");
		j = NULL;
		break;
	default:
		j = word_value(t);
	}
	t->depth--;
	return j;
}
