/* compress: bytes into a descriptor, as they are or compressed, with the SHA-256 of what was
 * written.
 *
 * The same bytes, kind and level always give the same result, on any number of processors: gzip
 * (storage/gzip_blocks.h) is without a name and a time. Levels: gzip 0 to 3 by isa-l (the default,
 * 3, is as dense as zlib's 3 at five times its speed), 4 to 9 by zlib; zstd 1 to 19, 3 by default.
 */
#ifndef STORAGE_COMPRESS_H
#define STORAGE_COMPRESS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct compress;

enum compress_kind { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD };
enum { COMPRESS_LEVEL_DEFAULT = -1 };

/* "none", "gzip", "zstd"; -EINVAL. */
int compress_kind_parse(const char *text, enum compress_kind *out, struct err *e);

/* fd: borrowed. NULL with e set where there is no such level. */
struct compress *compress_new(int fd, enum compress_kind kind, int level, struct err *e);
void compress_free(struct compress *c);
#define auto_compress __attribute__((cleanup(compress_cleanup))) struct compress *
static inline void compress_cleanup(struct compress **c) { compress_free(*c); }

int compress_add(struct compress *c, const void *p, size_t n, struct err *e);
/* Once, at the end. digest: "sha256:<hex>"; *size: bytes written. */
int compress_finish(struct compress *c, char digest[72], int64_t *size, struct err *e);

#endif
