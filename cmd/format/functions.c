#include "cmd/format/functions.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/arena.h"
#include "cmd/format/node.h"

bool call_fail(struct call *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(c->msg, sizeof(c->msg), fmt, ap);
	va_end(ap);
	return false;
}

const char *param_type_name(enum param p)
{
	switch (p) {
	case PARAM_STRING:
		return "string";
	case PARAM_INT:
		return "int";
	case PARAM_STRINGS:
		return "[]string";
	case PARAM_VALUE:
		return "reflect.Value";
	default:
		return "interface {}";
	}
}

/* An index into something of `limit` elements. */
static bool index_arg(struct call *c, struct val v, size_t limit, size_t *out)
{
	if (!v.type)
		return call_fail(c, "cannot index slice/array with nil");
	if (v.type->kind != GO_INT && v.type->kind != GO_UINT)
		return call_fail(c, "cannot index slice/array with type %s",
			v.boxed ? go_any.name : v.type->name);
	if (v.i < 0 || (uint64_t)v.i > limit)
		return call_fail(c, "index out of range: %lld", (long long)v.i);
	*out = (size_t)v.i;
	return true;
}

static bool index_map(struct call *c, struct val map, struct val key, struct val *out)
{
	const char *want = map.type->key ? map.type->key : "string";
	if (!key.type || key.type->kind == GO_ANY)
		return call_fail(c, "value is nil; should be of type %s", want);
	if (strcmp(key.type->name, want) != 0)
		return call_fail(c, "value has type %s; should be %s", key.type->name, want);
	*out = val_key(map, key.s, key.n, c->arena);
	if (!out->type)
		*out = val_from_json(map.type->elem, NULL, c->arena);
	return true;
}

static bool index_one(struct call *c, struct val v, struct val key, struct val *out)
{
	static const struct gotype byte = {.kind = GO_UINT, .name = "uint8"};
	bool is_nil;
	size_t i;
	v = val_indirect(v, &is_nil);
	key.boxed = false;
	if (val_kind(key) == GO_ANY)
		key.type = NULL;
	if (is_nil)
		return call_fail(c, "index of nil pointer");
	switch (v.type->kind) {
	case GO_STRING:
	case GO_SLICE:
		if (!index_arg(c, key, val_len(v), &i))
			return false;
		if (i == val_len(v))
			return call_fail(c, "reflect: %s index out of range",
				v.type->kind == GO_STRING ? "string" : "slice");
		if (v.type->kind == GO_SLICE)
			*out = val_index(v, i, c->arena);
		else
			*out = (struct val){.type = &byte, .u = (unsigned char)v.s[i]};
		return true;
	case GO_MAP:
		return index_map(c, v, key, out);
	default:
		return call_fail(c, "can't index item of type %s", v.type->name);
	}
}

static bool function_index(struct call *c, struct val *out)
{
	struct val v = c->args[0];
	if (!v.type || v.type->kind == GO_ANY)
		return call_fail(c, "index of untyped nil");
	for (size_t i = 1; i < c->n; i++) {
		if (!index_one(c, v, c->args[i], &v))
			return false;
	}
	*out = v;
	return true;
}

static bool slice_of(struct call *c, struct val v, size_t from, size_t to, struct val *out)
{
	*out = v;
	if (v.type->kind == GO_STRING) {
		out->s = v.s + from;
		out->n = to - from;
		return true;
	}
	out->j = arena_keep(c->arena, json_array());
	for (size_t i = from; i < to; i++)
		json_array_append(out->j, json_array_get(v.j, i));
	return true;
}

static bool function_slice(struct call *c, struct val *out)
{
	struct val v = c->args[0];
	if (!v.type || v.type->kind == GO_ANY)
		return call_fail(c, "slice of untyped nil");
	if (c->n > 4)
		return call_fail(c, "too many slice indexes: %zu", c->n - 1);
	if (v.type->kind != GO_STRING && v.type->kind != GO_SLICE)
		return call_fail(c, "can't slice item of type %s", v.type->name);
	if (v.type->kind == GO_STRING && c->n == 4)
		return call_fail(c, "cannot 3-index slice a string");
	size_t at[3] = {0, val_len(v), val_len(v)};
	for (size_t i = 0; i + 1 < c->n; i++) {
		if (!index_arg(c, c->args[i + 1], val_len(v), &at[i]))
			return false;
	}
	for (size_t i = 1; i < 3; i++) {
		if (at[i - 1] > at[i])
			return call_fail(c, "invalid slice index: %zu > %zu", at[i - 1], at[i]);
	}
	return slice_of(c, v, at[0], at[1], out);
}

static bool function_len(struct call *c, struct val *out)
{
	bool is_nil;
	struct val v = c->args[0];
	if (!v.type)
		return call_fail(c, "reflect: call of reflect.Value.Type on zero Value");
	v = val_indirect(v, &is_nil);
	if (is_nil)
		return call_fail(c, "len of nil pointer");
	if (v.type->kind != GO_STRING && v.type->kind != GO_SLICE && v.type->kind != GO_MAP)
		return call_fail(c, "len of type %s", v.type->name);
	*out = val_int((int64_t)val_len(v));
	return true;
}

static bool function_not(struct call *c, struct val *out)
{
	*out = val_bool(!val_truth(c->args[0]));
	return true;
}

static bool function_call(struct call *c, struct val *out)
{
	(void)out;
	if (!c->args[0].type)
		return call_fail(c, "call of nil");
	auto_buf text = BUF_INIT;
	if (c->first)
		node_text(&text, c->first);
	return call_fail(c, "non-function %.200s of type %s", text.len ? text.data : "",
		val_type_name(c->args[0]));
}

// clang-format off
static const struct function functions[] = {
	{"and", {PARAM_VALUE}, PARAM_VALUE, NULL},
	{"call", {PARAM_VALUE}, PARAM_VALUE, function_call},
	{"eq", {PARAM_VALUE}, PARAM_VALUE, function_eq},
	{"ge", {PARAM_VALUE, PARAM_VALUE}, PARAM_END, function_ge},
	{"gt", {PARAM_VALUE, PARAM_VALUE}, PARAM_END, function_gt},
	{"html", {PARAM_END}, PARAM_ANY, function_html},
	{"index", {PARAM_VALUE}, PARAM_VALUE, function_index},
	{"join", {PARAM_STRINGS, PARAM_STRING}, PARAM_END, function_join},
	{"js", {PARAM_END}, PARAM_ANY, function_js},
	{"json", {PARAM_ANY}, PARAM_END, function_json},
	{"le", {PARAM_VALUE, PARAM_VALUE}, PARAM_END, function_le},
	{"len", {PARAM_VALUE}, PARAM_END, function_len},
	{"lower", {PARAM_STRING}, PARAM_END, function_lower},
	{"lt", {PARAM_VALUE, PARAM_VALUE}, PARAM_END, function_lt},
	{"ne", {PARAM_VALUE, PARAM_VALUE}, PARAM_END, function_ne},
	{"not", {PARAM_VALUE}, PARAM_END, function_not},
	{"or", {PARAM_VALUE}, PARAM_VALUE, NULL},
	{"pad", {PARAM_STRING, PARAM_INT, PARAM_INT}, PARAM_END, function_pad},
	{"print", {PARAM_END}, PARAM_ANY, function_print},
	{"printf", {PARAM_STRING}, PARAM_ANY, function_printf},
	{"println", {PARAM_END}, PARAM_ANY, function_println},
	{"slice", {PARAM_VALUE}, PARAM_VALUE, function_slice},
	{"split", {PARAM_STRING, PARAM_STRING}, PARAM_END, function_split},
	{"title", {PARAM_STRING}, PARAM_END, function_title},
	{"truncate", {PARAM_STRING, PARAM_INT}, PARAM_END, function_truncate},
	{"upper", {PARAM_STRING}, PARAM_END, function_upper},
	{"urlquery", {PARAM_END}, PARAM_ANY, function_urlquery},
};
// clang-format on

static bool function_first(struct call *c, struct val *out)
{
	*out = c->args[0];
	return true;
}

// clang-format off
static const struct function header_functions[] = {
	{"join", {PARAM_STRING, PARAM_STRING}, PARAM_END, function_first},
	{"json", {PARAM_STRING}, PARAM_END, function_first},
	{"lower", {PARAM_STRING}, PARAM_END, function_first},
	{"split", {PARAM_STRING, PARAM_STRING}, PARAM_END, function_first},
	{"title", {PARAM_STRING}, PARAM_END, function_first},
	{"truncate", {PARAM_STRING, PARAM_INT}, PARAM_END, function_first},
	{"upper", {PARAM_STRING}, PARAM_END, function_first},
};
// clang-format on

static const struct function *find(const struct function *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

const struct function *function_find(const char *name)
{
	return find(functions, ARRAY_LEN(functions), name);
}

const struct function *function_find_header(const char *name)
{
	const struct function *f = find(header_functions, ARRAY_LEN(header_functions), name);
	return f ? f : function_find(name);
}
