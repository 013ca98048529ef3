/* migrate_internal: what is found in Podman's store, and by whom. */
#ifndef ENGINE_TRANSFER_MIGRATE_INTERNAL_H
#define ENGINE_TRANSFER_MIGRATE_INTERNAL_H

#include <jansson.h>

#include "base/str.h"

struct err;

struct found {
	char *id; /* "sha256:..." */
	struct strv names; /* as Podman writes them */
};

struct found_list {
	struct found *v;
	size_t n;
};
/* The one of that id, made where there is none. */
struct found *found_list_add(struct found_list *l, const char *id);

/* Without podman: what the files of the store list. Names and ids only; skopeo reads the images. */
int migrate_storage_list(struct found_list *l, struct err *e);
/* images.json and layers.json of containers/storage. Images without a name on whose layers others
 * stand are left out, as `podman images` does. -EBADMSG. */
int migrate_storage_read(
	const json_t *images, const json_t *layers, struct found_list *l, struct err *e);

#endif
