/* manifest_push: pushing a list, for `manifest push` and for `push` of a list's name. */
#ifndef CMD_MANIFEST_PUSH_H
#define CMD_MANIFEST_PUSH_H

#include <stdbool.h>

#include "cmd/push_opts.h"

struct err;
struct manifest_list;
struct reference;

/* Prints as Docker does; to --digestfile, too. */
int manifest_push_list(struct cmd_call *call, const struct push_opts *a, bool list_only,
	struct manifest_list *l, const struct reference *to, struct err *e);

#endif
