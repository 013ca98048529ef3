/* fmt.Sprintf: flags, width, precision, *, argument indexes, and Go's complaints in the text. */
#include "cmd/format/value.h"

#include <string.h>

#include "base/str.h"
#include "cmd/format/utf8.h"

enum { NUMBER_MAX = 1000000 };

struct printer {
	struct buf *out;
	const char *fmt;
	size_t len, pos;
	const struct val *args;
	size_t n, arg;
	bool reordered, good_index, after_index;
	struct arena *arena;
};

/* Decimal digits at pos; false where there are none. Too large a number is cut. */
static bool read_number(struct printer *p, int *out)
{
	size_t start = p->pos;
	*out = 0;
	while (p->pos < p->len && p->fmt[p->pos] >= '0' && p->fmt[p->pos] <= '9') {
		*out = *out * 10 + (p->fmt[p->pos++] - '0');
		if (*out > NUMBER_MAX)
			*out = NUMBER_MAX;
	}
	return p->pos > start;
}

/* "[n]": the next argument is the n-th. */
static void read_index(struct printer *p)
{
	if (p->pos >= p->len || p->fmt[p->pos] != '[')
		return;
	int n;
	p->reordered = true;
	p->pos++;
	bool ok = read_number(p, &n) && p->pos < p->len && p->fmt[p->pos] == ']';
	while (p->pos < p->len && p->fmt[p->pos] != ']')
		p->pos++;
	p->pos += p->pos < p->len;
	p->after_index = true;
	if (ok && n >= 1 && (size_t)n <= p->n)
		p->arg = (size_t)n - 1;
	else
		p->good_index = false;
}

/* The argument of a "*". */
static bool read_star(struct printer *p, int *out)
{
	p->pos++;
	bool ok = p->arg < p->n && p->args[p->arg].type && p->args[p->arg].type->kind == GO_INT &&
		  p->args[p->arg].i <= NUMBER_MAX && p->args[p->arg].i >= -NUMBER_MAX;
	if (ok)
		*out = (int)p->args[p->arg].i;
	if (p->arg < p->n)
		p->arg++;
	p->after_index = false;
	return ok;
}

static void read_flags(struct printer *p, struct go_spec *spec)
{
	for (; p->pos < p->len; p->pos++) {
		switch (p->fmt[p->pos]) {
		case '#':
			spec->sharp = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case '-':
			spec->minus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		default:
			return;
		}
	}
}

static void read_width(struct printer *p, struct go_spec *spec)
{
	read_index(p);
	if (p->pos < p->len && p->fmt[p->pos] == '*') {
		spec->has_width = read_star(p, &spec->width);
		if (!spec->has_width)
			buf_puts(p->out, "%!(BADWIDTH)");
		if (spec->width < 0) {
			spec->width = -spec->width;
			spec->minus = true;
			spec->zero = false;
		}
	} else {
		spec->has_width = read_number(p, &spec->width);
		if (p->after_index && spec->has_width)
			p->good_index = false;
	}
}

static void read_precision(struct printer *p, struct go_spec *spec)
{
	if (p->pos >= p->len || p->fmt[p->pos] != '.')
		return;
	p->pos++;
	if (p->after_index)
		p->good_index = false;
	read_index(p);
	if (p->pos < p->len && p->fmt[p->pos] == '*') {
		spec->has_precision = read_star(p, &spec->precision);
		if (spec->precision < 0)
			spec->has_precision = false;
		if (!spec->has_precision)
			buf_puts(p->out, "%!(BADPREC)");
	} else {
		read_number(p, &spec->precision);
		spec->has_precision = true;
	}
}

static void one_verb(struct printer *p)
{
	struct go_spec spec = {0};
	size_t width;
	p->good_index = true;
	p->after_index = false;
	read_flags(p, &spec);
	read_width(p, &spec);
	read_precision(p, &spec);
	if (!p->after_index)
		read_index(p);
	if (p->pos >= p->len) {
		buf_puts(p->out, "%!(NOVERB)");
		return;
	}
	const char *verb = p->fmt + p->pos;
	uint32_t r = utf8_decode(verb, p->len - p->pos, &width);
	p->pos += width;
	spec.verb = r < 0x80 ? (char)r : '?';
	if (r == '%') {
		buf_putc(p->out, '%');
	} else if (!p->good_index) {
		buf_printf(p->out, "%%!%.*s(BADINDEX)", (int)width, verb);
	} else if (p->arg >= p->n) {
		buf_printf(p->out, "%%!%.*s(MISSING)", (int)width, verb);
	} else {
		if (spec.verb == 'w') {
			buf_puts(p->out, "%!w(");
			go_sprint(p->out, &p->args[p->arg++], 1, false, p->arena);
			buf_putc(p->out, ')');
			return;
		}
		go_format(p->out, p->args[p->arg++], &spec, p->arena);
	}
}

static void extra_arguments(struct printer *p)
{
	struct go_spec plain = {.verb = 'v'};
	buf_puts(p->out, "%!(EXTRA ");
	for (size_t i = p->arg; i < p->n; i++) {
		if (i > p->arg)
			buf_puts(p->out, ", ");
		if (p->args[i].type && p->args[i].type->kind != GO_ANY)
			buf_printf(p->out, "%s=", p->args[i].type->name);
		go_format(p->out, p->args[i], &plain, p->arena);
	}
	buf_putc(p->out, ')');
}

void go_sprintf(struct buf *out, const char *fmt, size_t fmt_len, const struct val *args, size_t n,
	struct arena *a)
{
	struct printer p = {.out = out, .fmt = fmt, .len = fmt_len, .args = args, .n = n};
	p.arena = a;
	while (p.pos < p.len) {
		const char *at = memchr(p.fmt + p.pos, '%', p.len - p.pos);
		size_t end = at ? (size_t)(at - p.fmt) : p.len;
		buf_add(out, p.fmt + p.pos, end - p.pos);
		p.pos = end;
		if (at) {
			p.pos++;
			one_verb(&p);
		}
	}
	if (!p.reordered && p.arg < p.n)
		extra_arguments(&p);
}
