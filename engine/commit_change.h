/* commit_change: the instructions of `commit --change` and `import --change`.
 *
 * The texts are lines of one Dockerfile (spec: Dockerfile reference): comments, continued lines,
 * case of the instruction's name, exec form (a JSON list of strings) and shell form, quotes and
 * $VARIABLES. CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR
 * are taken; another one "is not a valid change command". Variables are those of the
 * configuration's Env, as they were before the instruction.
 *
 * Errors are worded as Docker's. The texts come from the user, but they are often pasted: any bytes
 * are survived (tests/fuzz/change.c).
 */
#ifndef ENGINE_COMMIT_CHANGE_H
#define ENGINE_COMMIT_CHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;
struct strv;

/* The configuration an image gets: base (Config of a container or an image in the form of
 * inspect; NULL or {} for import) with the changes. As Docker merges the two: a list that the
 * changes leave empty is that of the base. New reference; no member is missing that Docker always
 * writes. */
json_t *change_config(const json_t *base, const struct strv *changes, struct err *e);

/* ---- commit_words.c ---- */

/* Splits at blanks outside quotes; quotes and escapes stay. */
void change_words(const char *text, struct strv *out);
/* Takes quotes and escapes away and puts values in for $NAME, ${NAME}, ${NAME:-word} and so on.
 * "failed to process "text": why". Owned. */
char *change_expand(const char *text, const struct strv *env, struct err *e);
/* The same, split again at the blanks that unquoted values brought in. */
int change_expand_words(const char *text, const struct strv *env, struct strv *out, struct err *e);

#endif
