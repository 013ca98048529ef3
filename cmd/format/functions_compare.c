/* eq, ne, lt, le, gt, ge: values of one basic kind, and integers of either sign. */
#include "cmd/format/functions.h"

#include <string.h>

#include "base/str.h"

static const char incompatible[] = "incompatible types for comparison";
static const char bad_type[] = "invalid type for comparison";

static bool is_basic(struct val v)
{
	enum go_kind k = val_kind(v);
	return k == GO_BOOL || k == GO_INT || k == GO_UINT || k == GO_FLOAT || k == GO_STRING;
}

static bool is_nil(struct val v)
{
	enum go_kind k = val_kind(v);
	return !v.type || k == GO_ANY || ((k == GO_PTR || k == GO_MAP || k == GO_SLICE) && !v.j);
}

static int compare_strings(struct val a, struct val b)
{
	int r = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);
	return r ? r : (a.n > b.n) - (a.n < b.n);
}

static bool equal_basic(struct val a, struct val b)
{
	switch (val_kind(a)) {
	case GO_BOOL:
		return a.b == b.b;
	case GO_FLOAT:
		return a.f == b.f;
	case GO_STRING:
		return compare_strings(a, b) == 0;
	default:
		return a.i == b.i;
	}
}

static bool not_comparable(struct call *c, struct val v)
{
	static const struct go_spec string = {.verb = 's'};
	auto_buf text = BUF_INIT;
	go_format(&text, v, &string, c->arena);
	return call_fail(c, "non-comparable type %.300s: %s", text.data, v.type->name);
}

static bool never_comparable(struct call *c, struct val a, struct val b)
{
	static const struct go_spec string = {.verb = 's'}, plain = {.verb = 'v'};
	auto_buf text_a = BUF_INIT;
	auto_buf text_b = BUF_INIT;
	go_format(&text_a, a, &string, c->arena);
	go_format(&text_b, b, &plain, c->arena);
	return call_fail(c, "non-comparable types %.200s: %s, %s: %.200s", text_a.data,
		a.type->name, b.type->name, text_b.data);
}

static bool equal_two(struct call *c, struct val a, struct val b, bool *out)
{
	enum go_kind ka = val_kind(a), kb = val_kind(b);
	bool a_basic = is_basic(a), b_basic = is_basic(b);
	*out = false;
	if (a_basic && b_basic && ka != kb) {
		if ((ka == GO_INT && kb == GO_UINT) || (ka == GO_UINT && kb == GO_INT)) {
			*out = a.i >= 0 && a.i == b.i;
			return true;
		}
		return call_fail(c, "%s", incompatible);
	}
	if (a_basic && b_basic) {
		*out = equal_basic(a, b);
		return true;
	}
	if (a_basic != b_basic)
		return a.type && b.type && ka != GO_ANY && kb != GO_ANY
			       ? call_fail(c, "%s", incompatible)
			       : true;
	if (a.type && b.type && ka != GO_ANY && kb != GO_ANY && ka != kb)
		return never_comparable(c, a, b);
	if (is_nil(a) || is_nil(b)) {
		*out = is_nil(a) == is_nil(b);
		return true;
	}
	if (kb == GO_SLICE || kb == GO_MAP)
		return not_comparable(c, b);
	*out = a.type == b.type && json_equal(a.j, b.j);
	return true;
}

bool function_eq(struct call *c, struct val *out)
{
	bool equal = false;
	if (c->n < 2)
		return call_fail(c, "missing argument for comparison");
	for (size_t i = 1; i < c->n && !equal; i++) {
		if (!equal_two(c, c->args[0], c->args[i], &equal))
			return false;
	}
	*out = val_bool(equal);
	return true;
}

bool function_ne(struct call *c, struct val *out)
{
	bool equal;
	if (!equal_two(c, c->args[0], c->args[1], &equal))
		return false;
	*out = val_bool(!equal);
	return true;
}

static bool less(struct call *c, bool *out)
{
	struct val a = c->args[0], b = c->args[1];
	enum go_kind ka = val_kind(a), kb = val_kind(b);
	if (!is_basic(a) || !is_basic(b))
		return call_fail(c, "%s", bad_type);
	if (ka == GO_INT && kb == GO_UINT) {
		*out = a.i < 0 || (uint64_t)a.i < b.u;
		return true;
	}
	if (ka == GO_UINT && kb == GO_INT) {
		*out = b.i >= 0 && a.u < (uint64_t)b.i;
		return true;
	}
	if (ka != kb)
		return call_fail(c, "%s", incompatible);
	switch (ka) {
	case GO_FLOAT:
		*out = a.f < b.f;
		return true;
	case GO_INT:
		*out = a.i < b.i;
		return true;
	case GO_UINT:
		*out = a.u < b.u;
		return true;
	case GO_STRING:
		*out = compare_strings(a, b) < 0;
		return true;
	default:
		return call_fail(c, "%s", bad_type);
	}
}

static bool less_or_equal(struct call *c, bool *out)
{
	if (!less(c, out))
		return false;
	return *out || equal_two(c, c->args[0], c->args[1], out);
}

bool function_lt(struct call *c, struct val *out)
{
	bool r;
	if (!less(c, &r))
		return false;
	*out = val_bool(r);
	return true;
}

bool function_le(struct call *c, struct val *out)
{
	bool r;
	if (!less_or_equal(c, &r))
		return false;
	*out = val_bool(r);
	return true;
}

bool function_gt(struct call *c, struct val *out)
{
	bool r;
	if (!less_or_equal(c, &r))
		return false;
	*out = val_bool(!r);
	return true;
}

bool function_ge(struct call *c, struct val *out)
{
	bool r;
	if (!less(c, &r))
		return false;
	*out = val_bool(!r);
	return true;
}
