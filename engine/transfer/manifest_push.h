/* manifest_push: a list, with its members, to a registry. */
#ifndef ENGINE_TRANSFER_MANIFEST_PUSH_H
#define ENGINE_TRANSFER_MANIFEST_PUSH_H

#include <stdbool.h>

struct err;
struct manifest_list;
struct push_options;
struct reference;
struct store;
struct strv;

struct manifest_push_options {
	const struct push_options *push;
	bool list_only; /* --all=false: the members are there already */
};

/* `lines` receives what Docker prints of each member ("Pushed ref ... with digest: ..."). *digest:
 * the list's, owned. Members of the store that are sent in another form change their entries in
 * `l` (not in the store). */
int manifest_push(struct store *s, struct manifest_list *l, const struct reference *to,
	const struct manifest_push_options *o, struct strv *lines, char **digest, struct err *e);

#endif
