/* goregex: regular expressions in Go's syntax (RE2), for flags that Docker gives to Go's regexp.
 *
 * Literals, ".", classes (also [[:alpha:]], \d \s \w and their opposites), ^ $ \A \z \b \B, groups
 * (capturing, (?:...), (?P<name>...), flags i m s U), "|", and * + ? {n,m} (greedy or not: which
 * does not matter for a yes or no). \p classes know ASCII and "L" for everything beyond. Patterns
 * and texts are UTF-8. Matching takes time proportional to pattern times text, whatever they are.
 */
#ifndef BASE_GOREGEX_H
#define BASE_GOREGEX_H

#include <stdbool.h>

struct err;
struct goregex;

/* Errors are Go's words: "error parsing regexp: missing closing ): `(`". */
int goregex_compile(const char *pattern, struct goregex **out, struct err *e);
/* Anywhere in the text. */
bool goregex_match(const struct goregex *re, const char *text);
void goregex_free(struct goregex *re);

#endif
