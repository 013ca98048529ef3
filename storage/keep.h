/* keep: what rm, rmi and volume rm removed can come back for a while (`moss undo`).
 *
 * A row in `trash` (kind, name, when, and as JSON what the object's own row was) and, for
 * containers and volumes, the object's folder renamed to undo/<id>. The layers a container or an
 * image had are held by trash_layer; an image's config and manifests stay in blobs/. Ids: a
 * container's own, an image's hex digits, a random one for a volume.
 *
 * Whether a removal keeps is the store's `keeps` (storage/store.h), which the removing command
 * sets. Row and folder change together: the rename is done inside the transaction, just before its
 * end. A kill in between is put right from what the rows say:
 *
 *   container   its row says `removing`: whoever finishes that (storage/recover.c,
 *               engine/remove.c) calls keep_container again, which does not mind that the folder
 *               has gone to undo/ already. Coming back: the trash's row is still there, and
 *               keep_restore does not mind that the folder is back.
 *   volume      an intent "keep <trash id> volumes/<name>" (storage/intent.h): with a row in the
 *               trash the folder belongs to undo/<id>, else to the volume, where that has a row,
 *               else to trash/
 *   image       has no folder
 *
 * Limits: a day ("trash-age" in config.json, a Go duration), and free space: with less than a
 * twentieth of the file system, at most 2 GiB, free ("trash-free", bytes), everything goes, the
 * oldest first. keep_expire looks at both whenever the store is opened; where nothing is kept that
 * costs one stat. Freed is what was kept by moving it to trash/, from where store_purge removes it.
 */
#ifndef STORAGE_KEEP_H
#define STORAGE_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/db/trash_row.h"

struct container_row;
struct err;
struct image;
struct store;
struct strv;

extern const char keep_is_container[], keep_is_image[], keep_is_volume[]; /* kinds */

/* ---- removing; within the caller's transaction ---- */

/* Folder and row of the container go to the trash. ROW_OK, or ROW_ABSENT where it has no row. */
int keep_container(struct store *s, const struct container_row *row, struct err *e);
/* was: it before rmi has taken its names; NULL = it had none. */
int keep_image(struct store *s, const struct image *image, const struct image *was, struct err *e);
/* Adds the paths of the blobs of an image of that id that is kept already: keep_image takes its
 * place, and what only the other had has no row then (storage/intent.h). */
int keep_replaced(struct store *s, const char *id, struct strv *paths, struct err *e);
/* stage: of the caller (store_stage), for the intent. */
int keep_volume(struct store *s, const char *stage, const char *name, struct err *e);

/* ---- what is kept ---- */

int keep_list(struct store *s, struct trash_row **out, size_t *n, struct err *e);
/* When it will be freed, at the latest. */
int64_t keep_until_ns(struct store *s, const struct trash_row *t);
/* Frees one: rows, and the files to trash/. */
int keep_free(struct store *s, const struct trash_row *t, struct err *e);
/* All. Counts in *n (may be NULL). */
int keep_free_all(struct store *s, size_t *n, struct err *e);
/* By age and free space; never an error. */
void keep_expire(struct store *s);

/* ---- bringing back ---- */

/* Makes the object what it was, named `name` (NULL = as it was). -EEXIST where the name is taken.
 * A container is stopped, and no policy starts it; a volume it had without a name that is gone is
 * made new, one with a name must be there: *missing (owned) names it, with -ENOENT. */
int keep_restore(struct store *s, const struct trash_row *t, const char *name, char **missing,
	struct err *e);

/* For storage/intent.c: the line "keep <trash id> volumes/<name>". */
int keep_settle_volume(struct store *s, const char *trash_id, const char *name, struct err *e);

#endif
