/* migrate: the images of Podman's store, copied into ours. Podman itself writes them out (`podman
 * save`), else skopeo, for which the lists of images and layers of the store are read here; an
 * unpacker reads each like any archive. The store is not changed. */
#ifndef ENGINE_TRANSFER_MIGRATE_H
#define ENGINE_TRANSFER_MIGRATE_H

struct err;
struct store;
struct strv;

/* Called for an image that cannot be written out or whose archive is malformed (a manifest list
 * without an image for this machine, say): the others are copied all the same. */
typedef void (*migrate_failure)(void *arg, const struct err *failure);

/* Images that are here already only get their names. lines receives what image_load says of each;
 * those of a failed run are there all the same, and the next run goes on with the rest. The number
 * of images that failed; -ENOENT where there is neither podman nor
 * skopeo, or without podman no such store. */
int images_migrate(
	struct store *s, struct strv *lines, migrate_failure failed, void *arg, struct err *e);

#endif
