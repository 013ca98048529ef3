/* What the files of the layer writer share: entries (unpack_write.c), regular files
 * (unpack_file.c), owners, modes, times and attributes (unpack_metadata.c), replacing and folder
 * times (unpack_replace.c). */
#ifndef STORAGE_UNPACK_WRITE_INTERNAL_H
#define STORAGE_UNPACK_WRITE_INTERNAL_H

#include <stdbool.h>
#include <sys/stat.h>
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

/* Takes the entry's content from the reader, and accounts for it in ts. */
int layer_write_regular(struct layer_writer *w, struct place *p, struct tar_reader *t,
	const struct tar_entry *en, struct tarsplit_writer *ts, struct err *e);

struct timespec layer_entry_time(const struct tar_entry *en);
/* name: "" = `at` itself. */
int layer_set_owner(struct layer_writer *w, int at, const char *name, const struct tar_entry *en,
	struct err *e);
/* name: NULL = `at` itself, which is open. */
int layer_set_times(int at, const char *name, const struct tar_entry *en, struct err *e);
/* Owner, mode and attributes of a file or folder by its descriptor, which `is` tells of. */
int layer_set_metadata(struct layer_writer *w, int fd, const struct stat *is,
	const struct tar_entry *en, struct err *e);
/* Of what has just been made by its name and has no mode of its own. */
int layer_set_link_owner(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e);
/* As Docker does, a hard link's own header has the last word on what both names show. */
int layer_set_link_metadata(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e);

#endif
