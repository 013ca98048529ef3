/* filter: the values of --filter, "key=value", for the listing commands. */
#ifndef CMD_FILTER_H
#define CMD_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct strv;

/* Every value (of an OPT_FILTER) has a key of the space-separated `known` ("label!" stands for
 * itself). "invalid filter 'x'" otherwise. */
int filter_check(const struct strv *filters, const char *known, struct err *e);
/* The value where f is "key=value" (key in any case, blanks around it ignored), else NULL. */
const char *filter_value(const char *f, const char *key);
/* "true", "1", "false", "0" ...: *given, *wanted. "invalid filter 'dangling=[x]'". */
int filter_bool(
	const struct strv *filters, const char *key, bool *given, bool *wanted, struct err *e);
/* All label= (each must match: "k" or "k=v") and label!= filters against an object of strings. */
bool filter_labels(const struct strv *filters, const json_t *labels);
/* "2026-01-02T15:04:05Z", "2026-01-02", seconds since 1970 or a duration before now. */
int filter_time(const char *value, int64_t *ns, struct err *e);

#endif
