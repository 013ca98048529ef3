/* ps_filter: the --filter flags of ps: values of one name are alternatives, labels all needed. */
#ifndef CMD_PS_FILTER_H
#define CMD_PS_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

struct filters {
	struct strv names, values; /* of equal length */
};
void filters_deinit(struct filters *f);
#define auto_filters __attribute__((cleanup(filters_deinit))) struct filters

/* From the values of an OPT_FILTER. `known`: the names the command has, NULL-terminated. -EINVAL:
 * "invalid filter 'x'". */
int filters_parse(
	const struct strv *typed, const char *const *known, struct filters *out, struct err *e);
bool filters_has(const struct filters *f, const char *name);
/* Calls fn for each value of that name; stops at a non-zero result and returns it. */
int filters_each(const struct filters *f, const char *name,
	int (*fn)(const char *value, void *arg, struct err *e), void *arg, struct err *e);
/* Whether one of the values is `text`; true where there is no such filter. */
bool filters_equal(const struct filters *f, const char *name, const char *text);
/* The same with values as regular expressions that may match anywhere in text. */
bool filters_match(const struct filters *f, const char *name, const char *text);
/* Every "key" or "key=value" of that name is among the labels (a JSON object of strings). */
struct json_t;
bool filters_labels(const struct filters *f, const char *name, const struct json_t *labels);

#endif
