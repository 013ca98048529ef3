/* migrate: the images of Podman's store, copied into ours. Podman itself writes them out (`podman
 * save`), an unpacker reads them like any archive: its store is neither read nor changed by us. */
#ifndef ENGINE_TRANSFER_MIGRATE_H
#define ENGINE_TRANSFER_MIGRATE_H

struct err;
struct store;
struct strv;

/* Called for an image that Podman cannot save or whose archive is malformed (a manifest list
 * without an image for this machine, say): the others are copied all the same. */
typedef void (*migrate_failure)(void *arg, const struct err *failure);

/* Images that are here already only get their names. lines receives what image_load says of each;
 * those of a failed run are there all the same, and the next run goes on with the rest. The number
 * of images that failed; -ENOENT where there is no podman. */
int images_migrate(
	struct store *s, struct strv *lines, migrate_failure failed, void *arg, struct err *e);

#endif
