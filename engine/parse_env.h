/* parse_env: `-e`, `--env-file`, `--label`, `--label-file`.
 *
 * An env file has one NAME=value a line: leading blanks are dropped, empty lines and lines that
 * begin with # are passed over, the value is kept as it is (quotes are part of it). A bare NAME
 * takes the value of the caller's environment, or is left out where there is none.
 */
#ifndef ENGINE_PARSE_ENV_H
#define ENGINE_PARSE_ENV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

/* One -e value; errors have status 125. A bare name that is not set is kept bare: it removes the
 * variable of the image. */
int env_parse_flag(const char *text, struct strv *out, struct err *e);
/* Text of an env file. with_environment: bare names are looked up (not so for labels). */
int env_parse_lines(
	const char *text, size_t len, bool with_environment, struct strv *out, struct err *e);
int env_read_file(const char *path, bool with_environment, struct strv *out, struct err *e);

/* NAME=value replaces an earlier value in place or is appended; a bare NAME removes it. */
void env_apply(struct strv *env, const char *assignment);
/* The value, or NULL. */
const char *env_get(const struct strv *env, const char *name);

#endif
