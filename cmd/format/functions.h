/* functions: what a template can call. */
#ifndef CMD_FORMAT_FUNCTIONS_H
#define CMD_FORMAT_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/format/value.h"

enum param {
	PARAM_END = 0,
	PARAM_ANY, /* interface{}: nil has type NULL */
	PARAM_VALUE, /* reflect.Value: the same, but its kind is looked at */
	PARAM_STRING,
	PARAM_INT,
	PARAM_STRINGS,
};

struct node;

struct call {
	const struct val *args;
	size_t n;
	const struct node *first; /* the first argument as written; may be NULL */
	struct arena *arena;
	char msg[512]; /* why it failed */
};

struct function {
	const char *name;
	enum param params[3]; /* the fixed ones */
	enum param rest; /* type of the further ones; PARAM_END = none */
	/* Writes the result; false with call->msg set. NULL: and, or, done by the executor. */
	bool (*run)(struct call *c, struct val *out);
};

const struct function *function_find(const char *name);
/* What it is while the header of a table is made: most give back their first argument. */
const struct function *function_find_header(const char *name);
const char *param_type_name(enum param p);

bool call_fail(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* functions_compare.c */
bool function_eq(struct call *c, struct val *out);
bool function_ne(struct call *c, struct val *out);
bool function_lt(struct call *c, struct val *out);
bool function_le(struct call *c, struct val *out);
bool function_gt(struct call *c, struct val *out);
bool function_ge(struct call *c, struct val *out);

/* functions_text.c */
bool function_split(struct call *c, struct val *out);
bool function_join(struct call *c, struct val *out);
bool function_title(struct call *c, struct val *out);
bool function_lower(struct call *c, struct val *out);
bool function_upper(struct call *c, struct val *out);
bool function_pad(struct call *c, struct val *out);
bool function_truncate(struct call *c, struct val *out);
bool function_html(struct call *c, struct val *out);
bool function_js(struct call *c, struct val *out);
bool function_urlquery(struct call *c, struct val *out);
bool function_print(struct call *c, struct val *out);
bool function_println(struct call *c, struct val *out);
bool function_printf(struct call *c, struct val *out);
bool function_json(struct call *c, struct val *out);

#endif
