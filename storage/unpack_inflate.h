/* unpack_inflate: the decompressors of unpack_stream, one interface.
 *
 * Source and sink are callbacks, so that the decompressor writes straight into the ring.
 */
#ifndef STORAGE_UNPACK_INFLATE_H
#define STORAGE_UNPACK_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

struct inflate_io {
	/* The next input: its length, 0 at the end. Borrowed until the next call. */
	ssize_t (*in)(void *arg, const unsigned char **p, struct err *e);
	/* Room for output: its size. */
	ssize_t (*room)(void *arg, unsigned char **p, struct err *e);
	/* n bytes of the room were filled. */
	int (*filled)(void *arg, size_t n, struct err *e);
	void *arg;
};

/* Decompresses to the end of the input. */
int inflate_all(const struct inflate_io *io, struct err *e);
/* By the first 6 bytes (or as many as there are): would anything be done to them? */
bool inflate_is_compressed(const void *head, size_t n);

#endif
