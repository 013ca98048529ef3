/* deflate: one block of bytes as raw deflate that ends at a whole byte, so that blocks can be put
 * one after the other (storage/gzip_blocks.h). Levels 0 to 3 by isa-l, 4 to 9 by zlib. */
#ifndef STORAGE_DEFLATE_H
#define STORAGE_DEFLATE_H

#include <stddef.h>

enum { DEFLATE_DICTIONARY = 32 * 1024 };

/* What one thread works with. */
struct deflate;
struct deflate *deflate_new(int level);
void deflate_free(struct deflate *d);

/* What a block of n bytes takes at most. */
size_t deflate_room(size_t n);
/* p[0..n); `dictionary` bytes before p (0 or DEFLATE_DICTIONARY) are known to who inflates it.
 * *made: bytes in out. 0, or -EIO. */
int deflate_block(struct deflate *d, const unsigned char *p, size_t n, size_t dictionary,
	unsigned char *out, size_t room, size_t *made);

#endif
