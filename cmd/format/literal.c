#include "cmd/format/literal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/format/node.h"
#include "cmd/format/utf8.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* `digits` hex digits at s[*i]; false where there are fewer. */
static bool read_hex(const char *s, size_t n, size_t *i, int digits, uint32_t *out)
{
	*out = 0;
	for (int k = 0; k < digits; k++) {
		int d = *i < n ? hex_digit(s[*i]) : -1;
		if (d < 0)
			return false;
		*out = *out << 4 | (uint32_t)d;
		(*i)++;
	}
	return true;
}

/* The escape behind a backslash; *is_byte tells \x and octal from runes. */
static bool read_escape(const char *s, size_t n, size_t *i, char quote, uint32_t *r, bool *is_byte)
{
	static const char from[] = "abfnrtv\\";
	static const char to[] = "\a\b\f\n\r\t\v\\";
	if (*i >= n)
		return false;
	char c = s[(*i)++];
	const char *p = c ? strchr(from, c) : NULL;
	*is_byte = false;
	if (p) {
		*r = (unsigned char)to[p - from];
		return true;
	}
	switch (c) {
	case 'x':
		*is_byte = true;
		return read_hex(s, n, i, 2, r);
	case 'u':
	case 'U':
		if (!read_hex(s, n, i, c == 'u' ? 4 : 8, r))
			return false;
		return *r <= 0x10FFFF && (*r < 0xD800 || *r >= 0xE000);
	case '\'':
	case '"':
		*r = (unsigned char)c;
		return c == quote;
	default:
		if (c < '0' || c > '7' || n - *i < 2)
			return false;
		*r = (uint32_t)(c - '0');
		for (int k = 0; k < 2; k++, (*i)++) {
			if (s[*i] < '0' || s[*i] > '7')
				return false;
			*r = *r << 3 | (uint32_t)(s[*i] - '0');
		}
		*is_byte = true;
		return *r <= 255;
	}
}

bool literal_unquote(const char *s, size_t n, struct buf *out)
{
	if (n < 2 || s[0] != s[n - 1])
		return false;
	char quote = s[0];
	if (quote == '`') {
		for (size_t i = 1; i < n - 1; i++) {
			if (s[i] != '\r')
				buf_putc(out, s[i]);
		}
		return true;
	}
	for (size_t i = 1; i < n - 1;) {
		uint32_t r;
		bool is_byte;
		if (s[i] != '\\') {
			buf_putc(out, s[i++]);
			continue;
		}
		i++;
		if (!read_escape(s, n - 1, &i, quote, &r, &is_byte))
			return false;
		if (is_byte)
			buf_putc(out, (char)r);
		else
			utf8_add(out, r);
	}
	return true;
}

void literal_quote(struct buf *out, const char *s, size_t n) { go_quote(out, s, n, '"', false); }

static const char *char_number(struct node *n)
{
	static const char wrong[] = "malformed character constant";
	uint32_t r;
	bool is_byte;
	size_t i = 1, end = n->len - 1, width;
	if (n->len < 3)
		return wrong;
	if (n->text[1] == '\\') {
		i++;
		if (!read_escape(n->text, end, &i, '\'', &r, &is_byte))
			return wrong;
	} else {
		r = utf8_decode(n->text + 1, end - 1, &width);
		i += width;
	}
	if (i != end)
		return wrong;
	n->i = (int64_t)r;
	n->u = r;
	n->f = r;
	n->is_int = n->is_uint = n->is_float = true;
	return NULL;
}

/* The text without "_" and with C's base: *base receives it. */
static void plain_digits(const char *text, char *out, size_t size, int *base)
{
	size_t k = 0;
	bool negative = text[0] == '-';
	if (text[0] == '-' || text[0] == '+')
		text++;
	*base = 10;
	if (text[0] == '0' && text[1]) {
		char c = (char)(text[1] | 0x20);
		*base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		text += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
	}
	if (negative)
		out[k++] = '-';
	for (; *text && k + 1 < size; text++) {
		if (*text != '_')
			out[k++] = *text;
	}
	out[k] = '\0';
}

static bool float_text(const struct node *n, double *f)
{
	char text[80], *end;
	size_t k = 0;
	for (const char *p = n->text; *p && k + 1 < sizeof(text); p++) {
		if (*p != '_')
			text[k++] = *p;
	}
	text[k] = '\0';
	*f = strtod(text, &end);
	return *end == '\0' && end != text && isfinite(*f);
}

const char *literal_number(struct node *n)
{
	static const char wrong[] = "illegal number syntax";
	char digits[80], *end;
	int base;
	if (n->text[0] == '\'')
		return char_number(n);
	if (n->len > 70 || n->text[n->len - 1] == 'i')
		return n->len > 70 ? wrong : "complex numbers are not supported";
	plain_digits(n->text, digits, sizeof(digits), &base);
	bool is_signed = n->text[0] == '-' || n->text[0] == '+';
	errno = 0;
	n->u = strtoull(digits, &end, base);
	n->is_uint = !is_signed && !errno && !*end && end != digits;
	errno = 0;
	n->i = strtoll(digits, &end, base);
	n->is_int = !errno && !*end && end != digits;
	if (n->is_int && n->i == 0)
		n->is_uint = true;
	if (n->is_int || n->is_uint) {
		n->f = n->is_int ? (double)n->i : (double)n->u;
		n->is_float = true;
		return NULL;
	}
	if (!float_text(n, &n->f))
		return wrong;
	if (!strpbrk(n->text, ".eEpP"))
		return "integer overflow";
	n->is_float = true;
	if (fabs(n->f) < 9e18 && n->f == (double)(int64_t)n->f) {
		n->i = (int64_t)n->f;
		n->is_int = true;
		n->u = (uint64_t)n->i;
		n->is_uint = n->i >= 0;
	}
	return NULL;
}
