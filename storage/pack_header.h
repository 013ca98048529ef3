/* pack_header: tar headers as storage/pack.h says. */
#ifndef STORAGE_PACK_HEADER_H
#define STORAGE_PACK_HEADER_H

#include "base/str.h"
#include "storage/unpack_tar.h"

/* The bytes that stand before the content: the PAX header where one is needed, the header, the map
 * of a sparse file. en->stored: bytes of content without the map. */
void pack_header(const struct tar_entry *en, struct buf *out);

#endif
