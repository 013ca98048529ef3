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
int share_index_open(const struct share_index *x, uint32_t layer, const char *path);
const char *share_index_layer(const struct share_index *x, uint32_t layer);

/* Adds the checksum to a complete index. */
void share_index_seal(struct buf *text);

#endif
