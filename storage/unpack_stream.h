/* unpack_stream: from the compressed bytes of a layer to its tar, hashing both on the way.
 *
 *	thread 1: read -> SHA-256 of the compressed bytes -> inflate -> ring of buffers
 *	thread 2: ring -> SHA-256 of the tar (the diff id)
 *	caller:   ring -> stream_next (the tar reader)
 *
 * A buffer of the ring is used again once both have let it go, so the slowest sets the pace and
 * the memory is bounded. The compression is told by its first bytes, whatever the media type says
 * (as Docker does): gzip (also of several members), zstd, none; bzip2, xz and compress too.
 */
#ifndef STORAGE_UNPACK_STREAM_H
#define STORAGE_UNPACK_STREAM_H

#include <stdint.h>
#include <sys/types.h>

struct err;

enum {
	ZSTD_WINDOW_LOG_MAX = 25, /* 32 MiB; what zstd -20 asks for */
	XZ_MEMORY_MAX = 72 * 1024 * 1024, /* what xz -9 asks for, and a little */
	RATIO_MAX = 200, /* tar bytes for one compressed byte... */
};
#define RATIO_FREE_BYTES (INT64_C(1) << 30) /* ...counted from here on */

struct stream_result {
	char digest[72]; /* "sha256:<hex>" of the bytes as they came */
	char diff_id[72]; /* of the tar */
	unsigned char diff_sha256[32];
	uint64_t compressed, length;
};

/* Where bytes come from that are no descriptor's own: `read` puts at most n there and returns how
 * many, 0 at the end. Called by another thread, one call at a time, until stream_finish or
 * stream_free, which wait for it. */
struct stream_source {
	ssize_t (*read)(void *arg, void *p, size_t n, struct err *e);
	void *arg;
	int64_t size; /* how many there will be; 0 = not known */
};

struct unpack_stream;
/* Starts the threads. The descriptor stays the caller's and must outlive the stream. */
struct unpack_stream *stream_new(int fd, struct err *e);
struct unpack_stream *stream_new_from(const struct stream_source *from, struct err *e);
/* Without thread 2, and without any digest. */
struct unpack_stream *stream_new_unhashed(int fd, struct err *e);
/* Stops the threads, also in the middle. */
void stream_free(struct unpack_stream *s);
static inline void stream_drop(struct unpack_stream **s) { stream_free(*s); }
#define auto_stream __attribute__((cleanup(stream_drop))) struct unpack_stream *
/* For struct tar_io: the next piece, until the next call; 0 at the end. */
ssize_t stream_next(void *stream, const unsigned char **p, struct err *e);
/* After stream_next returned 0. */
void stream_finish(struct unpack_stream *s, struct stream_result *out);
/* Compressed bytes read so far. */
uint64_t stream_position(struct unpack_stream *s);

#endif
