/* prompt: a question at the user's terminal. */
#ifndef BASE_PROMPT_H
#define BASE_PROMPT_H

#include <stdbool.h>

struct err;

/* A person sits at standard input. */
bool prompt_possible(void);
/* Writes the question to standard output and reads one line (owned, without its end) from standard
 * input. is_secret: nothing is echoed; the terminal is as it was before on every way out, also
 * where a signal ends the program: it is held back until then. -ECANCELED where input ends. */
int prompt_line(const char *question, bool is_secret, char **line, struct err *e);

#endif
