/* Go's fmt, as far as templates can reach it. */
#include "cmd/format/value.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/arena.h"
#include "cmd/format/utf8.h"

enum { DEPTH_MAX = 250 };

static void format_value(
	struct buf *out, struct val v, const struct go_spec *spec, int depth, struct arena *a);

static void pad(struct buf *out, const char *s, size_t n, const struct go_spec *spec, bool zero)
{
	size_t width = spec->has_width ? (size_t)spec->width : 0, have = utf8_count(s, n);
	size_t blanks = width > have ? width - have : 0;
	if (spec->minus)
		buf_add(out, s, n);
	for (size_t i = 0; i < blanks; i++)
		buf_putc(out, zero && !spec->minus ? '0' : ' ');
	if (!spec->minus)
		buf_add(out, s, n);
}

/* Zeros go behind the sign. */
static void pad_number(struct buf *out, const struct buf *b, const struct go_spec *spec)
{
	const char *s = b->data;
	size_t n = b->len;
	bool has_sign = n && (s[0] == '-' || s[0] == '+' || s[0] == ' ');
	if (spec->zero && !spec->minus && spec->has_width && has_sign) {
		struct go_spec rest = *spec;
		rest.width = spec->width > 0 ? spec->width - 1 : 0;
		buf_putc(out, s[0]);
		pad(out, s + 1, n - 1, &rest, true);
	} else {
		pad(out, s, n, spec, spec->zero);
	}
}

static void bad_verb(struct buf *out, struct val v, const struct go_spec *spec, struct arena *a)
{
	struct go_spec plain = *spec;
	plain.verb = 'v';
	buf_printf(out, "%%!%c(", spec->verb);
	if (!v.type || v.type->kind == GO_ANY) {
		buf_puts(out, "<nil>");
	} else {
		/* No String method is called while something is wrong. */
		struct gotype type = *v.type;
		type.flags &= ~(unsigned)(GO_DURATION | GO_TIME);
		v.type = &type;
		buf_printf(out, "%s=", type.name);
		format_value(out, v, &plain, 0, a);
	}
	buf_putc(out, ')');
}

static void digits_of(struct buf *b, uint64_t u, unsigned base, bool upper)
{
	char text[64];
	int n = 0;
	do {
		text[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[u % base];
		u /= base;
	} while (u);
	while (n)
		buf_putc(b, text[--n]);
}

static void format_integer(struct buf *out, bool negative, uint64_t u, const struct go_spec *spec)
{
	auto_buf b = BUF_INIT;
	auto_buf digits = BUF_INIT;
	unsigned base = 10;
	const char *prefix = "";
	switch (spec->verb) {
	case 'b':
		base = 2;
		prefix = spec->sharp ? "0b" : "";
		break;
	case 'o':
	case 'O':
		base = 8;
		prefix = spec->verb == 'O' ? "0o" : spec->sharp ? "0" : "";
		break;
	case 'x':
	case 'X':
		base = 16;
		prefix = spec->sharp ? spec->verb == 'x' ? "0x" : "0X" : "";
		break;
	}
	digits_of(&digits, u, base, spec->verb == 'X');
	if (negative || spec->plus || spec->space)
		buf_putc(&b, negative ? '-' : spec->plus ? '+' : ' ');
	buf_puts(&b, prefix);
	for (size_t i = digits.len; spec->has_precision && i < (size_t)spec->precision; i++)
		buf_putc(&b, '0');
	buf_add(&b, digits.data, digits.len);
	struct go_spec padding = *spec;
	padding.zero = spec->zero && !spec->has_precision;
	pad_number(out, &b, &padding);
}

/* time.Duration's own form: 1h2m3.5s */
static void duration_text(struct buf *b, int64_t ns)
{
	uint64_t u = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	if (ns < 0)
		buf_putc(b, '-');
	if (u == 0) {
		buf_puts(b, "0s");
	} else if (u < (uint64_t)NS_PER_S) {
		uint64_t unit = u < 1000 ? 1 : u < 1000000 ? 1000 : 1000000;
		go_float_text(b, (double)u / (double)unit, 'f', -1);
		buf_puts(b, unit == 1 ? "ns" : unit == 1000 ? "µs" : "ms");
	} else {
		uint64_t s = u / (uint64_t)NS_PER_S, rest = u % (uint64_t)NS_PER_S;
		if (s >= 3600)
			buf_printf(b, "%lluh", (unsigned long long)(s / 3600));
		if (s >= 60)
			buf_printf(b, "%llum", (unsigned long long)(s / 60 % 60));
		buf_printf(b, "%llu", (unsigned long long)(s % 60));
		if (rest) {
			buf_printf(b, ".%09llu", (unsigned long long)rest);
			while (b->data[b->len - 1] == '0')
				b->data[--b->len] = '\0';
		}
		buf_putc(b, 's');
	}
}

static void format_string(struct buf *out, const char *s, size_t n, const struct go_spec *spec)
{
	auto_buf b = BUF_INIT;
	size_t width, used = 0, runes = 0;
	if (spec->has_precision && spec->verb != 'x' && spec->verb != 'X') {
		while (used < n && runes < (size_t)spec->precision) {
			(void)utf8_decode(s + used, n - used, &width);
			used += width;
			runes++;
		}
		n = used;
	}
	switch (spec->verb) {
	case 'q':
		if (spec->sharp && !memchr(s, '`', n))
			buf_printf(&b, "`%.*s`", (int)n, s);
		else
			go_quote(&b, s, n, '"', spec->plus);
		break;
	case 'x':
	case 'X':
		if (spec->has_precision && (size_t)spec->precision < n)
			n = (size_t)spec->precision;
		for (size_t i = 0; i < n; i++) {
			if (spec->sharp && (i == 0 || spec->space))
				buf_puts(&b, spec->verb == 'x' ? "0x" : "0X");
			buf_printf(&b, spec->verb == 'x' ? "%02x" : "%02X", (unsigned char)s[i]);
			if (spec->space && i + 1 < n)
				buf_putc(&b, ' ');
		}
		break;
	default:
		if (spec->sharp)
			go_quote(&b, s, n, '"', false);
		else
			buf_add(&b, s, n);
	}
	pad(out, b.len ? b.data : "", b.len, spec, spec->zero && spec->verb != 'q');
}

static void format_int_value(
	struct buf *out, struct val v, const struct go_spec *spec, struct arena *a)
{
	bool is_signed = v.type->kind == GO_INT;
	bool negative = is_signed && v.i < 0;
	uint64_t u = negative ? -v.u : v.u;
	auto_buf b = BUF_INIT;
	switch (spec->verb) {
	case 'v':
	case 's':
		if (v.type->flags & GO_DURATION) {
			duration_text(&b, v.i);
			pad(out, b.data, b.len, spec, spec->zero);
			return;
		}
		if (spec->verb == 's') {
			bad_verb(out, v, spec, a);
			return;
		}
		/* fall through */
	case 'd':
	case 'b':
	case 'o':
	case 'O':
	case 'x':
	case 'X':
		format_integer(out, negative, u, spec);
		return;
	case 'c':
		utf8_add(&b, u > 0x10FFFF ? RUNE_ERROR : (uint32_t)u);
		pad(out, b.data, b.len, spec, spec->zero);
		return;
	case 'q':
		go_quote_rune(&b, u > 0x10FFFF ? RUNE_ERROR : (uint32_t)u, spec->plus);
		pad(out, b.data, b.len, spec, false);
		return;
	case 'U':
		buf_printf(&b, "U+%04llX", (unsigned long long)u);
		pad(out, b.data, b.len, spec, false);
		return;
	default:
		bad_verb(out, v, spec, a);
	}
}

static void format_float(struct buf *out, struct val v, const struct go_spec *spec, struct arena *a)
{
	auto_buf b = BUF_INIT;
	char verb = spec->verb;
	int precision = spec->has_precision ? spec->precision : -1;
	if (!strchr("vgGeEfF", verb)) {
		bad_verb(out, v, spec, a);
		return;
	}
	if (strchr("eEfF", verb) && precision < 0)
		precision = 6;
	if (v.f >= 0 && (spec->plus || spec->space))
		buf_putc(&b, spec->plus ? '+' : ' ');
	go_float_text(&b, v.f, verb == 'v' ? 'g' : verb, precision);
	if (b.len > 1 && b.data[0] == '+' && b.data[1] == '+')
		memmove(b.data, b.data + 1, b.len--);
	pad_number(out, &b, spec);
}

/* time.Time's own form: 2006-01-02 15:04:05.999999999 +0000 UTC */
static void format_time(struct buf *out, struct val v, const struct go_spec *spec)
{
	auto_buf b = BUF_INIT;
	buf_add(&b, v.s, v.n);
	char *t = v.n ? strchr(b.data, 'T') : NULL, *z = v.n ? strchr(b.data, 'Z') : NULL;
	if (t && z) {
		*t = ' ';
		b.len = (size_t)(z - b.data);
		buf_puts(&b, " +0000 UTC");
	} else if (!v.n) {
		buf_puts(&b, "0001-01-01 00:00:00 +0000 UTC");
	}
	pad(out, b.data, b.len, spec, spec->zero);
}

static void format_scalar(
	struct buf *out, struct val v, const struct go_spec *spec, struct arena *a)
{
	switch (v.type->kind) {
	case GO_BOOL:
		if (spec->verb == 'v' || spec->verb == 't')
			pad(out, v.b ? "true" : "false", v.b ? 4 : 5, spec, spec->zero);
		else
			bad_verb(out, v, spec, a);
		return;
	case GO_INT:
	case GO_UINT:
		format_int_value(out, v, spec, a);
		return;
	case GO_FLOAT:
		format_float(out, v, spec, a);
		return;
	default:
		if ((v.type->flags & GO_TIME) && strchr("vs", spec->verb))
			format_time(out, v, spec);
		else if (strchr("vsqxX", spec->verb))
			format_string(out, v.s, v.n, spec);
		else
			bad_verb(out, v, spec, a);
	}
}

static void format_map(
	struct buf *out, struct val v, const struct go_spec *spec, int depth, struct arena *a)
{
	size_t n;
	const char **keys = val_sorted_keys(v, &n, a);
	const struct gotype key = {
		.kind = GO_STRING, .name = v.type->key ? v.type->key : go_string.name};
	if (spec->sharp && spec->verb == 'v')
		buf_printf(out, "%s{", v.type->name);
	else
		buf_puts(out, "map[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_puts(out, spec->sharp && spec->verb == 'v' ? ", " : " ");
		struct val name = val_str(keys[i], strlen(keys[i]));
		name.type = &key;
		format_value(out, name, spec, depth + 1, a);
		buf_putc(out, ':');
		format_value(out, val_key(v, keys[i], strlen(keys[i]), a), spec, depth + 1, a);
	}
	buf_putc(out, spec->sharp && spec->verb == 'v' ? '}' : ']');
}

static void format_slice(
	struct buf *out, struct val v, const struct go_spec *spec, int depth, struct arena *a)
{
	size_t n = val_len(v);
	bool go = spec->sharp && spec->verb == 'v';
	if (go && !v.j) {
		buf_printf(out, "%s(nil)", v.type->name);
		return;
	}
	if (go)
		buf_puts(out, v.type->name);
	buf_putc(out, go ? '{' : '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_puts(out, go ? ", " : " ");
		format_value(out, val_index(v, i, a), spec, depth + 1, a);
	}
	buf_putc(out, go ? '}' : ']');
}

static void format_struct(
	struct buf *out, struct val v, const struct go_spec *spec, int depth, struct arena *a)
{
	bool go = spec->sharp && spec->verb == 'v';
	if ((v.type->flags & GO_ULIMIT) && !go) {
		auto_free char *text =
			xasprintf("%s=%lld:%lld", json_string_value(json_object_get(v.j, "Name")),
				(long long)json_integer_value(json_object_get(v.j, "Soft")),
				(long long)json_integer_value(json_object_get(v.j, "Hard")));
		pad(out, text, strlen(text), spec, false);
		return;
	}
	if (go)
		buf_puts(out, v.type->name);
	buf_putc(out, '{');
	for (const struct gofield *f = v.type->fields; f->name; f++) {
		json_t *j = v.j ? json_object_get(v.j, f->json ? f->json : f->name) : NULL;
		if (f != v.type->fields)
			buf_puts(out, go ? ", " : " ");
		if (spec->plus || go)
			buf_printf(out, "%s:", f->name);
		format_value(out, val_from_json(f->type, j, a), spec, depth + 1, a);
	}
	buf_putc(out, '}');
}

static bool is_composite(const struct gotype *t)
{
	return t->kind == GO_STRUCT || t->kind == GO_MAP || t->kind == GO_SLICE;
}

static void format_pointer(
	struct buf *out, struct val v, const struct go_spec *spec, int depth, struct arena *a)
{
	bool shows_target = v.j && depth == 0 && is_composite(v.type->elem);
	if (!shows_target && !(v.type->elem->flags & GO_ULIMIT) && !strchr("vpbodxX", spec->verb)) {
		bad_verb(out, v, spec, a);
	} else if (!v.j) {
		pad(out, "<nil>", 5, spec, false);
	} else if (v.type->elem->flags & GO_ULIMIT) {
		format_value(out, val_from_json(v.type->elem, v.j, a), spec, depth + 1, a);
	} else if (shows_target) {
		buf_putc(out, '&');
		format_value(out, val_from_json(v.type->elem, v.j, a), spec, depth + 1, a);
	} else {
		/* An address in Go's heap; any will do. */
		buf_puts(out, "0xc000012345");
	}
}

static void format_value(
	struct buf *out, struct val v, const struct go_spec *spec, int depth, struct arena *a)
{
	if (depth > DEPTH_MAX) {
		buf_puts(out, "...");
		return;
	}
	if (!v.type || v.type->kind == GO_ANY) {
		if (depth)
			buf_puts(out, "<nil>");
		else if (spec->verb == 'v')
			pad(out, "<nil>", 5, spec, false);
		else
			buf_printf(out, "%%!%c(<nil>)", spec->verb);
		return;
	}
	if (spec->verb == 'T') {
		pad(out, v.type->name, strlen(v.type->name), spec, false);
		return;
	}
	switch (v.type->kind) {
	case GO_MAP:
		format_map(out, v, spec, depth, a);
		return;
	case GO_SLICE:
		format_slice(out, v, spec, depth, a);
		return;
	case GO_STRUCT:
		format_struct(out, v, spec, depth, a);
		return;
	case GO_PTR:
		format_pointer(out, v, spec, depth, a);
		return;
	default:
		format_scalar(out, v, spec, a);
	}
}

void go_format(struct buf *out, struct val v, const struct go_spec *spec, struct arena *a)
{
	format_value(out, v, spec, 0, a);
}

void go_sprint(struct buf *out, const struct val *args, size_t n, bool line, struct arena *a)
{
	struct go_spec plain = {.verb = 'v'};
	bool before_is_string = false;
	for (size_t i = 0; i < n; i++) {
		bool is_string = args[i].type && args[i].type->kind == GO_STRING;
		if (i && (line || (!is_string && !before_is_string)))
			buf_putc(out, ' ');
		format_value(out, args[i], &plain, 0, a);
		before_is_string = is_string;
	}
	if (line)
		buf_putc(out, '\n');
}
