#include "cmd/format/value.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/format/arena.h"

struct val val_bool(bool b) { return (struct val){.type = &go_bool, .b = b}; }

struct val val_int(int64_t i) { return (struct val){.type = &go_int, .i = i}; }

struct val val_str(const char *s, size_t n)
{
	return (struct val){.type = &go_string, .s = s, .n = n};
}

/* json.Number keeps the text of the number. */
static struct val number_text(json_t *j, struct arena *a)
{
	auto_buf b = BUF_INIT;
	if (json_is_integer(j))
		buf_printf(&b, "%lld", (long long)json_integer_value(j));
	else
		go_json_float(&b, json_real_value(j));
	return (struct val){.type = &go_number, .s = arena_strndup(a, b.data, b.len), .n = b.len};
}

static struct val any_from_json(const struct gotype *type, json_t *j, struct arena *a)
{
	struct val v = {.type = type, .j = NULL};
	bool is_raw = type->flags & GO_NUMBERS, is_plain = type->flags & GO_STRICT;
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		v.type = is_raw ? &go_raw_map : is_plain ? &go_plain_map : &go_any_map;
		v.j = j;
		return v;
	case JSON_ARRAY:
		v.type = is_raw ? &go_raw_slice : is_plain ? &go_plain_slice : &go_any_slice;
		v.j = j;
		return v;
	case JSON_STRING:
		return val_str(json_string_value(j), json_string_length(j));
	case JSON_TRUE:
	case JSON_FALSE:
		return val_bool(json_is_true(j));
	case JSON_INTEGER:
	case JSON_REAL:
		if (is_raw)
			return number_text(j, a);
		if (is_plain && json_is_integer(j))
			return val_int(json_integer_value(j));
		v.type = &go_float;
		v.f = json_number_value(j);
		return v;
	case JSON_NULL:
		break;
	}
	return v;
}

struct val val_from_json(const struct gotype *type, json_t *j, struct arena *a)
{
	struct val v = {.type = type, .s = NULL, .n = 0};
	if (json_is_null(j))
		j = NULL;
	switch (type->kind) {
	case GO_ANY:
		if (!j)
			return type->flags & GO_CELL ? val_str("", 0) : v;
		v = any_from_json(type, j, a);
		v.boxed = !(type->flags & GO_CELL);
		return v;
	case GO_BOOL:
		v.b = json_is_true(j);
		return v;
	case GO_INT:
	case GO_UINT:
		v.i = json_is_real(j) ? (int64_t)json_real_value(j) : json_integer_value(j);
		return v;
	case GO_FLOAT:
		v.f = json_number_value(j);
		return v;
	case GO_STRING:
		v.s = json_is_string(j) ? json_string_value(j) : "";
		v.n = json_string_length(j);
		return v;
	case GO_SLICE:
		v.j = json_is_array(j) ? j : NULL;
		return v;
	case GO_MAP:
	case GO_STRUCT:
	case GO_LOOKUP:
		v.j = json_is_object(j) ? j : NULL;
		return v;
	case GO_PTR:
		v.j = j;
		return v;
	}
	return v;
}

struct val val_indirect(struct val v, bool *is_nil)
{
	*is_nil = false;
	if (val_kind(v) == GO_ANY) {
		*is_nil = true;
	} else if (val_kind(v) == GO_PTR) {
		if (!v.j)
			*is_nil = true;
		else
			return val_from_json(v.type->elem, v.j, NULL);
	}
	return v;
}

bool val_truth(struct val v)
{
	switch (val_kind(v)) {
	case GO_BOOL:
		return v.b;
	case GO_INT:
	case GO_UINT:
		return v.i != 0;
	case GO_FLOAT:
		return v.f != 0;
	case GO_STRING:
	case GO_SLICE:
	case GO_MAP:
		return val_len(v) > 0;
	case GO_STRUCT:
		return true;
	case GO_PTR:
		return v.j != NULL;
	default:
		return false;
	}
}

size_t val_len(struct val v)
{
	switch (val_kind(v)) {
	case GO_STRING:
		return v.n;
	case GO_SLICE:
		return json_array_size(v.j);
	case GO_MAP:
		return json_object_size(v.j);
	default:
		return 0;
	}
}

struct val val_index(struct val slice, size_t i, struct arena *a)
{
	return val_from_json(slice.type->elem, json_array_get(slice.j, i), a);
}

struct val val_key(struct val map, const char *key, size_t n, struct arena *a)
{
	char *copy = arena_strndup(a, key, n);
	json_t *j = strlen(copy) == n ? json_object_get(map.j, copy) : NULL;
	if (!j)
		return (struct val){.type = NULL};
	return val_from_json(map.type->elem, j, a);
}

const struct gofield *val_field(const struct gotype *type, const char *name)
{
	for (const struct gofield *f = type->fields; f && f->name; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **val_sorted_keys(struct val map, size_t *n, struct arena *a)
{
	*n = json_object_size(map.j);
	const char **keys = arena_alloc(a, *n * sizeof(*keys));
	const char *key;
	json_t *value;
	size_t i = 0;
	json_object_foreach (map.j, key, value)
		keys[i++] = key;
	if (i)
		qsort(keys, i, sizeof(*keys), compare_keys);
	return keys;
}

const char *val_type_name(struct val v) { return v.type ? v.type->name : "<nil>"; }
