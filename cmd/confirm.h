/* confirm: the question that Docker's prune commands ask, and their configured filters. */
#ifndef CMD_CONFIRM_H
#define CMD_CONFIRM_H

#include <stdbool.h>

struct globals;
struct strv;

/* "WARNING! This will remove <what>.", the question on stdout, an answer from stdin. */
bool confirm_removal(const char *what);
/* The same with a text of its own before the question. */
bool confirm_text(const char *text);
/* Adds pruneFilters of config.json ("label!=keep") to the flags as typed; what a flag contradicts
 * stays out. */
void prune_filters_configured(const struct globals *g, struct strv *filters);

#endif
