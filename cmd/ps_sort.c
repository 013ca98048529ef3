/* ps --sort: Podman's orders, the lesser first. */
#include "cmd/ps.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

static int by_text(const json_t *a, const json_t *b, const char *field)
{
	return strcmp(json_str_or(a, field, ""), json_str_or(b, field, ""));
}

static int by_number(const json_t *a, const json_t *b, const char *field)
{
	int64_t x = json_int_or(a, field, 0), y = json_int_or(b, field, 0);
	return x < y ? -1 : x > y;
}

static int by_command(const json_t *a, const json_t *b) { return by_text(a, b, "Command"); }
static int by_id(const json_t *a, const json_t *b) { return by_text(a, b, "ID"); }
static int by_image(const json_t *a, const json_t *b) { return by_text(a, b, "Image"); }
static int by_names(const json_t *a, const json_t *b) { return by_text(a, b, "Names"); }
static int by_status(const json_t *a, const json_t *b) { return by_text(a, b, "Status"); }
static int by_created(const json_t *a, const json_t *b) { return by_number(a, b, PS_CREATED_NS); }
static int by_size(const json_t *a, const json_t *b) { return by_number(a, b, PS_SIZE_BYTES); }

ps_compare_fn *ps_sort_order(const char *key)
{
	static const struct {
		const char *key;
		ps_compare_fn *fn;
	} orders[] = {{"command", by_command}, {"created", by_created}, {"id", by_id},
		{"image", by_image}, {"names", by_names}, {"runningfor", by_created},
		{"size", by_size}, {"status", by_status}};
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (strcmp(key, orders[i].key) == 0)
			return orders[i].fn;
	}
	return NULL;
}

struct placed {
	json_t *row;
	size_t place;
	ps_compare_fn *order;
};

static int compare(const void *va, const void *vb)
{
	const struct placed *a = va, *b = vb;
	int r = a->order(a->row, b->row);
	return r ? r : a->place < b->place ? -1 : 1;
}

json_t *ps_sorted(const json_t *rows, ps_compare_fn *order)
{
	size_t n = json_array_size(rows);
	auto_free struct placed *list = xcalloc(n + 1, sizeof(*list));
	json_t *out = json_array();
	for (size_t i = 0; i < n; i++)
		list[i] = (struct placed){json_array_get(rows, i), i, order};
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++)
		json_array_append(out, list[i].row);
	return out;
}
