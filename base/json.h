/* json: what we add to jansson: limits when reading, lookups that cannot crash. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

void json_drop(json_t **j);
#define auto_json __attribute__((cleanup(json_drop))) json_t *

/* Parses text; duplicate keys and a depth over 200 are errors. `what` names it in the error.
 * Returns a new reference or NULL with e set. */
json_t *json_parse(const char *text, size_t len, const char *what, struct err *e);
/* The same for text that holds secrets: the error quotes none of it. */
json_t *json_parse_secret(const char *text, size_t len, const char *what, struct err *e);
/* Compact text, keys in insertion order, "/" not escaped. Owned. */
char *json_text(const json_t *j);
/* As Go's json.MarshalIndent: a line for each element, `indent` for each level, one blank after a
 * colon, "/" and "<" not escaped; no newline at the end. Owned. */
char *json_pretty(const json_t *j, const char *indent);

/* Borrowed lookups: NULL (or the default) where the key is missing or of another type. j may be
 * NULL. A path has keys separated by '/', e.g. "linux/resources/memory". */
json_t *json_at(const json_t *j, const char *path);
const char *json_str(const json_t *j, const char *path);          /* NULL if missing */
const char *json_str_or(const json_t *j, const char *path, const char *def);
int64_t json_int_or(const json_t *j, const char *path, int64_t def);
bool json_bool_or(const json_t *j, const char *path, bool def);

void json_set_str(json_t *obj, const char *key, const char *s); /* NULL s: sets null */
void json_set_int(json_t *obj, const char *key, int64_t v);
void json_set_bool(json_t *obj, const char *key, bool v);
/* Takes the reference. */
void json_set(json_t *obj, const char *key, json_t *value);
/* An object with its keys sorted, as Go prints maps. Takes o; a new reference. */
json_t *json_sorted(json_t *o);
/* New array of strings. */
json_t *json_from_strv(const struct strv *s);
/* New object from "KEY=VALUE" words, in their order; a word without "=" has the value "". */
json_t *json_from_words(const struct strv *words);
/* Appends the strings of a JSON array (non-strings and NULL are passed over). */
void json_to_strv(const json_t *array, struct strv *out);

#endif
