/* confirm: the question that Docker's prune commands ask. */
#ifndef CMD_CONFIRM_H
#define CMD_CONFIRM_H

#include <stdbool.h>

/* "WARNING! This will remove <what>.", the question on stdout, an answer from stdin. */
bool confirm_removal(const char *what);
/* The same with a text of its own before the question. */
bool confirm_text(const char *text);

#endif
