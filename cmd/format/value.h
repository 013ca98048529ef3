/* value: what a template computes with: a Go type and its value. */
#ifndef CMD_FORMAT_VALUE_H
#define CMD_FORMAT_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/format/gotype.h"

struct arena;
struct buf;

/* type NULL: no value at all. Of kind GO_ANY only a nil interface is left. Strings are bytes, not
 * terminated. Slices, maps, structs and non-nil pointers hold JSON; NULL = nil or zero. */
struct val {
	const struct gotype *type;
	bool boxed; /* came out of an interface{}: errors about fields say so */
	union {
		bool b;
		int64_t i;
		uint64_t u;
		double f;
		struct {
			const char *s;
			size_t n;
		};
		json_t *j;
	};
};

static inline enum go_kind val_kind(struct val v)
{
	return v.type ? v.type->kind : (enum go_kind)0;
}

struct val val_bool(bool b);
struct val val_int(int64_t i);
struct val val_str(const char *s, size_t n);
/* The JSON value (borrowed, may be NULL) as that type. */
struct val val_from_json(const struct gotype *type, json_t *j, struct arena *a);
/* Follows pointers to what they point to; *is_nil where one is nil (then v is that one). */
struct val val_indirect(struct val v, bool *is_nil);
bool val_truth(struct val v);
size_t val_len(struct val v); /* of strings, slices and maps */
struct val val_index(struct val slice, size_t i, struct arena *a);
/* The element of a map; type NULL where there is none. */
struct val val_key(struct val map, const char *key, size_t n, struct arena *a);
const struct gofield *val_field(const struct gotype *type, const char *name);
/* Keys in order; *n receives their number. In the arena. */
const char **val_sorted_keys(struct val map, size_t *n, struct arena *a);
const char *val_type_name(struct val v);

/* fmt.Sprint's form of one operand (verb %v); `plus` and `sharp` as in %+v and %#v. */
struct go_spec {
	char verb;
	bool plus, minus, sharp, space, zero;
	bool has_width, has_precision;
	int width, precision;
};
void go_format(struct buf *out, struct val v, const struct go_spec *spec, struct arena *a);
void go_sprint(struct buf *out, const struct val *args, size_t n, bool line, struct arena *a);
void go_sprintf(struct buf *out, const char *fmt, size_t fmt_len, const struct val *args, size_t n,
	struct arena *a);
/* strconv.FormatFloat(f, verb, precision, 64); precision -1 = the shortest. */
void go_float_text(struct buf *out, double f, char verb, int precision);

void go_json_float(struct buf *out, double f);
/* encoding/json: maps sorted by key, structs in their order. indent NULL = compact; html escapes
 * <, > and & as well. */
void go_json(struct buf *out, struct val v, const char *indent, bool html, struct arena *a);
/* An array whose elements have each its type. */
void go_json_list(struct buf *out, json_t *list, const struct gotype *const *types,
	const char *indent, bool html, struct arena *a);

#endif
