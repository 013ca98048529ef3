/* complete_names: the names of containers, images and volumes for completion. */
#ifndef CMD_COMPLETE_NAMES_H
#define CMD_COMPLETE_NAMES_H

#include "cmd/opt.h"

struct globals;

/* Calls fn for each; silent where the store cannot be opened. */
void complete_names(const struct globals *g, enum complete kind,
	void (*fn)(const char *name, const char *text, void *arg), void *arg);

#endif
