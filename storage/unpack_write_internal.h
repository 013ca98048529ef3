/* What the files of the layer writer share: entries (unpack_write.c), replacing and folder times
 * (unpack_replace.c). */
#ifndef STORAGE_UNPACK_WRITE_INTERNAL_H
#define STORAGE_UNPACK_WRITE_INTERNAL_H

#include <stdbool.h>
#include <time.h>

#include "storage/unpack_write.h"

#define OPAQUE_XATTR "user.overlay.opaque"

/* Where an entry belongs. */
struct place {
	char *path; /* cleaned, below diff/; "" = the root */
	int at; /* its parent; the writer's */
	const char *last; /* in path; "." for the root */
	bool was_whiteout;
};

char *layer_clean_name(const char *name);
int layer_place_find(struct layer_writer *w, const char *name, struct place *p, struct err *e);
void layer_forget_parent(struct layer_writer *w);
/* Removes what stands in the way of the entry, keeping content that tar-split names. */
int layer_make_room(
	struct layer_writer *w, struct place *p, const struct tar_entry *en, struct err *e);
/* Remembers a folder's time. */
int layer_folder_add(
	struct layer_writer *w, const char *path, struct timespec mtime, struct err *e);

#endif
