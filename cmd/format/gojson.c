/* Go's encoding/json: what it escapes, how it writes numbers, maps in the order of their keys. */
#include "cmd/format/value.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "cmd/format/arena.h"
#include "cmd/format/utf8.h"

struct encoder {
	struct buf *out;
	const char *indent;
	bool html;
	struct arena *arena;
};

static void encode(struct encoder *c, const struct gotype *type, json_t *j, int depth);

static void encode_string(struct encoder *c, const char *s, size_t n)
{
	size_t width;
	buf_putc(c->out, '"');
	for (size_t i = 0; i < n; i += width) {
		uint32_t r = utf8_decode(s + i, n - i, &width);
		static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
		const char *p = r && r < 0x80 ? strchr(from, (int)r) : NULL;
		if (p) {
			buf_putc(c->out, '\\');
			buf_putc(c->out, to[p - from]);
		} else if (r < 0x20 || r == 0x2028 || r == 0x2029 ||
			   (c->html && (r == '<' || r == '>' || r == '&'))) {
			buf_printf(c->out, "\\u%04x", r);
		} else if (r == RUNE_ERROR && width == 1) {
			buf_puts(c->out, "\\ufffd");
		} else {
			buf_add(c->out, s + i, width);
		}
	}
	buf_putc(c->out, '"');
}

void go_json_float(struct buf *out, double f)
{
	double size = fabs(f);
	bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
	size_t start = out->len;
	go_float_text(out, f, exponent ? 'e' : 'f', -1);
	/* e-09 is written e-9 */
	char *p = out->data + start;
	size_t n = out->len - start;
	if (exponent && n >= 4 && p[n - 4] == 'e' && p[n - 3] == '-' && p[n - 2] == '0') {
		p[n - 2] = p[n - 1];
		p[n - 1] = '\0';
		out->len--;
	}
}

static void line(struct encoder *c, int depth)
{
	if (!c->indent)
		return;
	buf_putc(c->out, '\n');
	for (int i = 0; i < depth; i++)
		buf_puts(c->out, c->indent);
}

static void encode_member(struct encoder *c, const char *key, const struct gotype *type, json_t *j,
	bool first, int depth)
{
	if (!first)
		buf_putc(c->out, ',');
	line(c, depth + 1);
	encode_string(c, key, strlen(key));
	buf_puts(c->out, c->indent ? ": " : ":");
	encode(c, type, j, depth + 1);
}

static const struct gotype *member_type(const struct gotype *type, const char *key)
{
	if (type && type->kind == GO_STRUCT) {
		for (const struct gofield *f = type->fields; f->name; f++) {
			if (strcmp(f->json ? f->json : f->name, key) == 0)
				return f->type;
		}
	}
	return type && type->kind == GO_MAP ? type->elem : NULL;
}

static void encode_sorted(struct encoder *c, const struct gotype *type, json_t *j, int depth)
{
	size_t n;
	struct val map = {.type = type, .j = j};
	const char **keys = val_sorted_keys(map, &n, c->arena);
	bool first = true;
	for (size_t i = 0; i < n; i++) {
		const struct gotype *t = member_type(type, keys[i]);
		if ((type->flags & GO_METHODS) &&
			(!t || t->kind == GO_LOOKUP || (t->flags & GO_HIDDEN)))
			continue;
		encode_member(c, keys[i], t, json_object_get(j, keys[i]), first, depth);
		first = false;
	}
}

/* Known fields in their order, then what else there is. */
static void encode_struct(struct encoder *c, const struct gotype *type, json_t *j, int depth)
{
	bool first = true;
	const char *key;
	json_t *value;
	for (const struct gofield *f = type ? type->fields : NULL; f && f->name; f++) {
		key = f->json ? f->json : f->name;
		value = json_object_get(j, key);
		if (!value)
			continue;
		encode_member(c, key, f->type, value, first, depth);
		first = false;
	}
	json_object_foreach (j, key, value) {
		if (member_type(type, key))
			continue;
		encode_member(c, key, NULL, value, first, depth);
		first = false;
	}
}

static void encode_object(struct encoder *c, const struct gotype *type, json_t *j, int depth)
{
	bool html = c->html;
	buf_putc(c->out, '{');
	/* The rows of a listing go through a marshaller of their own, which escapes. */
	c->html |= type && (type->flags & GO_METHODS);
	if (type && (type->kind == GO_MAP || (type->flags & GO_METHODS)))
		encode_sorted(c, type, j, depth);
	else
		encode_struct(c, type, j, depth);
	c->html = html;
	if (json_object_size(j))
		line(c, depth);
	buf_putc(c->out, '}');
}

/* types: one for each element; NULL: all have that type. */
static void encode_array(struct encoder *c, const struct gotype *type,
	const struct gotype *const *types, json_t *j, int depth)
{
	buf_putc(c->out, '[');
	for (size_t i = 0; i < json_array_size(j); i++) {
		if (i)
			buf_putc(c->out, ',');
		line(c, depth + 1);
		encode(c, types ? types[i] : type, json_array_get(j, i), depth + 1);
	}
	if (json_array_size(j))
		line(c, depth);
	buf_putc(c->out, ']');
}

/* The type an interface's value has there. */
static const struct gotype *settle(const struct gotype *type, const json_t *j)
{
	while (type && type->kind == GO_PTR)
		type = type->elem;
	if (type && type->kind == GO_ANY) {
		struct val v = val_from_json(type, (json_t *)j, NULL);
		return json_is_object(j) || json_is_array(j) ? v.type : NULL;
	}
	return type;
}

static void encode(struct encoder *c, const struct gotype *type, json_t *j, int depth)
{
	if (json_is_object(j) || json_is_array(j))
		type = settle(type, j);
	switch (j ? json_typeof(j) : JSON_NULL) {
	case JSON_OBJECT:
		encode_object(c, type, j, depth);
		return;
	case JSON_ARRAY:
		encode_array(c, type ? type->elem : NULL, NULL, j, depth);
		return;
	case JSON_STRING:
		encode_string(c, json_string_value(j), json_string_length(j));
		return;
	case JSON_INTEGER:
		buf_printf(c->out, "%lld", (long long)json_integer_value(j));
		return;
	case JSON_REAL:
		go_json_float(c->out, json_real_value(j));
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_puts(c->out, json_is_true(j) ? "true" : "false");
		return;
	case JSON_NULL:
		buf_puts(c->out, "null");
		return;
	}
}

void go_json(struct buf *out, struct val v, const char *indent, bool html, struct arena *a)
{
	struct encoder c = {.out = out, .indent = indent, .html = html, .arena = a};
	switch (val_kind(v)) {
	case GO_BOOL:
		buf_puts(out, v.b ? "true" : "false");
		return;
	case GO_INT:
		buf_printf(out, "%lld", (long long)v.i);
		return;
	case GO_UINT:
		buf_printf(out, "%llu", (unsigned long long)v.u);
		return;
	case GO_FLOAT:
		go_json_float(out, v.f);
		return;
	case GO_STRING:
		if (v.type == &go_number)
			buf_add(out, v.s, v.n);
		else
			encode_string(&c, v.s, v.n);
		return;
	case GO_SLICE:
	case GO_MAP:
	case GO_STRUCT:
	case GO_PTR:
		c.html = html;
		encode(&c, v.type, v.j, 0);
		return;
	default:
		buf_puts(out, "null");
	}
}

void go_json_list(struct buf *out, json_t *list, const struct gotype *const *types,
	const char *indent, bool html, struct arena *a)
{
	struct encoder c = {.out = out, .indent = indent, .html = html, .arena = a};
	encode_array(&c, NULL, types, list, 0);
}
