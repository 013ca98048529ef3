/* What the files of share have in common: the index (share.c), unpacking (share_unpack.c), linking
 * (share_link.c). */
#ifndef STORAGE_SHARE_INTERNAL_H
#define STORAGE_SHARE_INTERNAL_H

#include "storage/share.h"

#define SHARE_MAGIC "moss-share 1\n"
#define SHARE_LINKS_MAGIC "moss-links 1\n"

/* layers/<short>/share: SHARE_MAGIC, keys of 8 bytes, and the CRC-64/XZ of all that. */
uint64_t share_key(const char *path, const struct tar_entry *en, bool is_single_id);
int share_index_find(const struct share_index *x, const char *path, const struct tar_entry *en,
	bool is_single_id, uint32_t *layer);
/* The same, for who wants to look at all of them: *at starts at 0. */
int share_index_next(const struct share_index *x, const char *path, const struct tar_entry *en,
	bool is_single_id, size_t *at, uint32_t *layer);
int share_index_open(const struct share_index *x, uint32_t layer, const char *path);
const char *share_index_layer(const struct share_index *x, uint32_t layer);

/* Adds a layer that is there by now, after all others. */
void share_index_add(struct share_index *x, const char *layer);
/* Has a layer a key that one of the index's has? */
bool share_index_meets(const struct share_index *x, const char *layer);

/* Finds files of each layer that are equal to one of `others` or of a layer before it, where
 * neither has been shared yet. */
typedef int (*share_found)(
	void *arg, const char *layer, const char *twin, const char *path, struct err *e);
int share_match(int layers_fd, const struct strv *layers, const struct strv *others,
	bool is_single_id, share_found found, void *arg, struct err *e);

/* Adds the checksum to a complete index. */
void share_index_seal(struct buf *text);

#endif
