#include "cmd/format/utf8.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

uint32_t utf8_decode(const char *s, size_t n, size_t *width)
{
	const unsigned char *p = (const unsigned char *)s;
	*width = 1;
	if (p[0] < 0x80)
		return p[0];
	size_t need = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
	if (p[0] < 0xC2 || p[0] > 0xF4 || n < need)
		return RUNE_ERROR;
	uint32_t r = p[0] & (0x7Fu >> need);
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return RUNE_ERROR;
		r = r << 6 | (p[i] & 0x3F);
	}
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (r < least[need] || r > 0x10FFFF || (r >= 0xD800 && r < 0xE000))
		return RUNE_ERROR;
	*width = need;
	return r;
}

void utf8_add(struct buf *b, uint32_t r)
{
	if (r > 0x10FFFF || (r >= 0xD800 && r < 0xE000))
		r = RUNE_ERROR;
	if (r < 0x80) {
		buf_putc(b, (char)r);
	} else if (r < 0x800) {
		buf_putc(b, (char)(0xC0 | r >> 6));
		buf_putc(b, (char)(0x80 | (r & 0x3F)));
	} else if (r < 0x10000) {
		buf_putc(b, (char)(0xE0 | r >> 12));
		buf_putc(b, (char)(0x80 | (r >> 6 & 0x3F)));
		buf_putc(b, (char)(0x80 | (r & 0x3F)));
	} else {
		buf_putc(b, (char)(0xF0 | r >> 18));
		buf_putc(b, (char)(0x80 | (r >> 12 & 0x3F)));
		buf_putc(b, (char)(0x80 | (r >> 6 & 0x3F)));
		buf_putc(b, (char)(0x80 | (r & 0x3F)));
	}
}

size_t utf8_count(const char *s, size_t n)
{
	size_t count = 0, width;
	for (size_t i = 0; i < n; i += width, count++)
		(void)utf8_decode(s + i, n - i, &width);
	return count;
}

/* Controls, separators, surrogates and private use are escaped; unassigned code points are not
 * told apart from assigned ones. */
bool rune_is_print(uint32_t r)
{
	if (r < 0x80)
		return r >= 0x20 && r < 0x7F;
	if (r < 0xA1 || r == 0xAD || r == 0x1680 || r == 0x180E)
		return false;
	if ((r >= 0x2000 && r <= 0x200F) || (r >= 0x2028 && r <= 0x202F))
		return false;
	if ((r >= 0x205F && r <= 0x206F) || r == 0x3000 || r == 0xFEFF)
		return false;
	if ((r >= 0xD800 && r <= 0xF8FF) || (r >= 0xFFF0 && r <= 0xFFFB))
		return false;
	return (r & 0xFFFE) != 0xFFFE && r < 0xE0000;
}

bool rune_is_letter(uint32_t r)
{
	if (r < 0x80)
		return (r | 0x20) >= 'a' && (r | 0x20) <= 'z';
	if (r < 0xC0)
		return r == 0xAA || r == 0xB5 || r == 0xBA;
	return r != 0xD7 && r != 0xF7 && (r < 0x2000 || r > 0x206F) && rune_is_print(r);
}

uint32_t rune_upper(uint32_t r)
{
	if (r >= 'a' && r <= 'z')
		return r - 32;
	if ((r >= 0xE0 && r <= 0xFE && r != 0xF7) || (r >= 0x3B1 && r <= 0x3C9 && r != 0x3C2) ||
		(r >= 0x430 && r <= 0x44F))
		return r - 32;
	if (r >= 0x450 && r <= 0x45F)
		return r - 80;
	if ((r >= 0x100 && r <= 0x137) || (r >= 0x14A && r <= 0x177))
		return r & ~1u;
	return r;
}

uint32_t rune_lower(uint32_t r)
{
	if (r >= 'A' && r <= 'Z')
		return r + 32;
	if ((r >= 0xC0 && r <= 0xDE && r != 0xD7) || (r >= 0x391 && r <= 0x3A9 && r != 0x3A2) ||
		(r >= 0x410 && r <= 0x42F))
		return r + 32;
	if (r >= 0x400 && r <= 0x40F)
		return r + 80;
	if ((r >= 0x100 && r <= 0x137) || (r >= 0x14A && r <= 0x177))
		return r | 1;
	return r;
}

static void escape_rune(struct buf *b, uint32_t r, char quote, bool ascii)
{
	static const char from[] = "\a\b\f\n\r\t\v";
	static const char to[] = "abfnrtv";
	const char *p;
	if (r == (uint32_t)quote || r == '\\') {
		buf_putc(b, '\\');
		buf_putc(b, (char)r);
	} else if (ascii ? r < 0x7F && r >= 0x20 : rune_is_print(r)) {
		utf8_add(b, r);
	} else if (r && r < 0x20 && (p = strchr(from, (int)r))) {
		buf_putc(b, '\\');
		buf_putc(b, to[p - from]);
	} else if (r < ' ' || r == 0x7F) {
		buf_printf(b, "\\x%02x", r);
	} else if (r < 0x10000) {
		buf_printf(b, "\\u%04x", r);
	} else {
		buf_printf(b, "\\U%08x", r);
	}
}

void go_quote(struct buf *b, const char *s, size_t n, char quote, bool ascii)
{
	size_t width;
	buf_putc(b, quote);
	for (size_t i = 0; i < n; i += width) {
		uint32_t r = utf8_decode(s + i, n - i, &width);
		if (r == RUNE_ERROR && width == 1)
			buf_printf(b, "\\x%02x", (unsigned char)s[i]);
		else
			escape_rune(b, r, quote, ascii);
	}
	buf_putc(b, quote);
}

void go_quote_rune(struct buf *b, uint32_t r, bool ascii)
{
	buf_putc(b, '\'');
	escape_rune(b, r > 0x10FFFF ? RUNE_ERROR : r, '\'', ascii);
	buf_putc(b, '\'');
}
