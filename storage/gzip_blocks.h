/* gzip_blocks: gzip, by as many threads as there are processors.
 *
 * The input is cut into blocks of 512 KiB. Each is deflated alone, with the 32 KiB before it as its
 * dictionary, and ends at a whole byte; put one after the other they are one gzip member. So the
 * result depends on the input and the level only: not on the number of threads, nor on the pieces
 * in which the input came. The dictionaries make it as small as what one thread makes at a stretch.
 *
 * The caller's thread fills blocks and writes what is done, in order; the others deflate. Where no
 * thread can be started, and where the input is shorter than a block, the caller deflates, too.
 */
#ifndef STORAGE_GZIP_BLOCKS_H
#define STORAGE_GZIP_BLOCKS_H

#include <stddef.h>

struct err;
struct gzip_blocks;

enum { GZIP_LEVEL_MAX = 9 };

/* Takes what is next of the result, in the caller's thread. */
typedef int (*gzip_sink)(void *arg, const void *p, size_t n, struct err *e);

/* threads: at most so many beside the caller's; 0 = none. */
struct gzip_blocks *gzip_blocks_new(int level, unsigned threads, gzip_sink sink, void *arg);
/* Stops the threads, also in the middle. */
void gzip_blocks_free(struct gzip_blocks *g);
int gzip_blocks_add(struct gzip_blocks *g, const void *p, size_t n, struct err *e);
/* Once, at the end. */
int gzip_blocks_finish(struct gzip_blocks *g, struct err *e);
/* The processors this process may use, bounded: what `threads` should be. */
unsigned gzip_blocks_threads(void);

#endif
