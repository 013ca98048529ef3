/* gomatch: Go's path.Match, which Docker's patterns for names are: "*" and "?" match no "/",
 * "[a-z]" and "[^a-z]" one byte, "\" takes what follows as it is. */
#ifndef BASE_GOMATCH_H
#define BASE_GOMATCH_H

#include <stdbool.h>

/* False for what Go calls "syntax error in pattern". */
bool gomatch_valid(const char *pattern);
/* The whole of name. A pattern that is not valid matches nothing. */
bool gomatch(const char *pattern, const char *name);

#endif
