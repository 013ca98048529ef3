/* unpack_layout: one more image in the index.json of an OCI image layout, whose other entries and
 * keys stay as they are. */
#ifndef ENGINE_TRANSFER_UNPACK_LAYOUT_H
#define ENGINE_TRANSFER_UNPACK_LAYOUT_H

#include <jansson.h>
#include <stddef.h>

struct buf;
struct err;

/* bytes: the index that is there; none: a new one is made. entry: a descriptor, perhaps with an
 * annotation ref.name, which the entry that had that name before loses. */
int layout_add(const void *bytes, size_t n, const json_t *entry, struct buf *out, struct err *e);

#endif
