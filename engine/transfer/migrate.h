/* migrate: the images of Podman's store, copied into ours. Podman itself writes them out (`podman
 * save`), an unpacker reads them like any archive: its store is neither read nor changed by us. */
#ifndef ENGINE_TRANSFER_MIGRATE_H
#define ENGINE_TRANSFER_MIGRATE_H

struct err;
struct store;
struct strv;

/* Images that are here already only get their names. lines receives what image_load says of each;
 * those of a failed run are there all the same, and the next run goes on with the rest. -ENOENT
 * where there is no podman. */
int images_migrate(struct store *s, struct strv *lines, struct err *e);

#endif
