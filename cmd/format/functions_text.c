#include "cmd/format/functions.h"

#include <string.h>

#include "base/str.h"
#include "cmd/format/arena.h"
#include "cmd/format/utf8.h"

enum { PAD_MAX = 1000000 };

static bool give(struct call *c, struct val *out, const struct buf *b)
{
	*out = val_str(arena_strndup(c->arena, b->len ? b->data : "", b->len), b->len);
	return true;
}

static void add_piece(json_t *array, const char *s, size_t n)
{
	json_array_append_new(array, json_stringn_nocheck(s, n));
}

bool function_split(struct call *c, struct val *out)
{
	struct val s = c->args[0], sep = c->args[1];
	json_t *array = arena_keep(c->arena, json_array());
	size_t start = 0, width;
	*out = (struct val){.type = &go_strings, .j = array};
	for (size_t i = 0; sep.n == 0 && i < s.n; i += width) {
		(void)utf8_decode(s.s + i, s.n - i, &width);
		add_piece(array, s.s + i, width);
	}
	if (sep.n == 0)
		return true;
	for (;;) {
		const char *at =
			s.n - start ? memmem(s.s + start, s.n - start, sep.s, sep.n) : NULL;
		if (!at)
			break;
		add_piece(array, s.s + start, (size_t)(at - s.s) - start);
		start = (size_t)(at - s.s) + sep.n;
	}
	add_piece(array, s.s + start, s.n - start);
	return true;
}

bool function_join(struct call *c, struct val *out)
{
	auto_buf b = BUF_INIT;
	size_t n = val_len(c->args[0]);
	for (size_t i = 0; i < n; i++) {
		struct val v = val_index(c->args[0], i, c->arena);
		if (i)
			buf_add(&b, c->args[1].s, c->args[1].n);
		buf_add(&b, v.s, v.n);
	}
	return give(c, out, &b);
}

static bool is_separator(uint32_t r)
{
	if (r < 0x80)
		return !(rune_is_letter(r) || (r >= '0' && r <= '9') || r == '_');
	return r == 0x85 || r == 0xA0 || r == 0x3000 || (r >= 0x2000 && r <= 0x200A);
}

/* Each rune through `change`, or, with `title`, the first of each word. */
static bool change_case(struct call *c, struct val *out, uint32_t (*change)(uint32_t), bool title)
{
	auto_buf b = BUF_INIT;
	struct val s = c->args[0];
	uint32_t before = ' ';
	size_t width;
	for (size_t i = 0; i < s.n; i += width) {
		uint32_t r = utf8_decode(s.s + i, s.n - i, &width);
		utf8_add(&b, !title || is_separator(before) ? change(r) : r);
		before = r;
	}
	return give(c, out, &b);
}

bool function_title(struct call *c, struct val *out)
{
	return change_case(c, out, rune_upper, true);
}

bool function_lower(struct call *c, struct val *out)
{
	return change_case(c, out, rune_lower, false);
}

bool function_upper(struct call *c, struct val *out)
{
	return change_case(c, out, rune_upper, false);
}

static void add_blanks(struct buf *b, int64_t n)
{
	while (n-- > 0)
		buf_putc(b, ' ');
}

bool function_pad(struct call *c, struct val *out)
{
	auto_buf b = BUF_INIT;
	struct val s = c->args[0];
	int64_t before = c->args[1].i, after = c->args[2].i;
	if (s.n == 0)
		return give(c, out, &b);
	if (before < 0 || after < 0)
		return call_fail(c, "strings: negative Repeat count");
	if (before > PAD_MAX || after > PAD_MAX)
		return call_fail(c, "more than %d blanks", PAD_MAX);
	add_blanks(&b, before);
	buf_add(&b, s.s, s.n);
	add_blanks(&b, after);
	return give(c, out, &b);
}

bool function_truncate(struct call *c, struct val *out)
{
	struct val s = c->args[0];
	int64_t n = c->args[1].i;
	if (n < 0)
		return call_fail(
			c, "runtime error: slice bounds out of range [:%lld]", (long long)n);
	*out = val_str(s.s, (int64_t)s.n < n ? s.n : (size_t)n);
	return true;
}

/* The arguments as the template would print them. */
static void printed(struct call *c, struct buf *b)
{
	struct val *args = arena_alloc(c->arena, (c->n + 1) * sizeof(*args));
	for (size_t i = 0; i < c->n; i++) {
		bool is_nil;
		args[i] = c->args[i];
		if (!args[i].type || args[i].type->kind == GO_ANY)
			args[i] = val_str("<no value>", strlen("<no value>"));
		else
			args[i] = val_indirect(args[i], &is_nil);
	}
	go_sprint(b, args, c->n, false, c->arena);
}

bool function_html(struct call *c, struct val *out)
{
	auto_buf text = BUF_INIT;
	auto_buf b = BUF_INIT;
	printed(c, &text);
	for (size_t i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case '\0':
			buf_puts(&b, "\xEF\xBF\xBD");
			break;
		case '"':
			buf_puts(&b, "&#34;");
			break;
		case '\'':
			buf_puts(&b, "&#39;");
			break;
		case '&':
			buf_puts(&b, "&amp;");
			break;
		case '<':
			buf_puts(&b, "&lt;");
			break;
		case '>':
			buf_puts(&b, "&gt;");
			break;
		default:
			buf_putc(&b, text.data[i]);
		}
	}
	return give(c, out, &b);
}

static void js_escape(struct buf *b, uint32_t r, const char *bytes, size_t width)
{
	switch (r) {
	case '\\':
	case '\'':
	case '"':
		buf_putc(b, '\\');
		buf_putc(b, (char)r);
		return;
	case '<':
	case '>':
	case '&':
	case '=':
		buf_printf(b, "\\u%04X", r);
		return;
	default:
		if (r < ' ' || (r >= 0x80 && !rune_is_print(r)))
			buf_printf(b, "\\u%04X", r);
		else
			buf_add(b, bytes, width);
	}
}

bool function_js(struct call *c, struct val *out)
{
	auto_buf text = BUF_INIT;
	auto_buf b = BUF_INIT;
	size_t width;
	printed(c, &text);
	for (size_t i = 0; i < text.len; i += width) {
		uint32_t r = utf8_decode(text.data + i, text.len - i, &width);
		js_escape(&b, r, text.data + i, width);
	}
	return give(c, out, &b);
}

bool function_urlquery(struct call *c, struct val *out)
{
	auto_buf text = BUF_INIT;
	auto_buf b = BUF_INIT;
	printed(c, &text);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char ch = (unsigned char)text.data[i];
		if ((ch < 0x80 && rune_is_letter(ch)) || (ch >= '0' && ch <= '9') ||
			(ch && strchr("-_.~", ch)))
			buf_putc(&b, (char)ch);
		else if (ch == ' ')
			buf_putc(&b, '+');
		else
			buf_printf(&b, "%%%02X", ch);
	}
	return give(c, out, &b);
}

bool function_print(struct call *c, struct val *out)
{
	auto_buf b = BUF_INIT;
	go_sprint(&b, c->args, c->n, false, c->arena);
	return give(c, out, &b);
}

bool function_println(struct call *c, struct val *out)
{
	auto_buf b = BUF_INIT;
	go_sprint(&b, c->args, c->n, true, c->arena);
	return give(c, out, &b);
}

bool function_printf(struct call *c, struct val *out)
{
	auto_buf b = BUF_INIT;
	go_sprintf(&b, c->args[0].s, c->args[0].n, c->args + 1, c->n - 1, c->arena);
	return give(c, out, &b);
}

bool function_json(struct call *c, struct val *out)
{
	auto_buf b = BUF_INIT;
	go_json(&b, c->args[0], NULL, false, c->arena);
	return give(c, out, &b);
}
