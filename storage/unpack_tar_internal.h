/* What the files of the tar reader share: the reader (unpack_tar.c), PAX records (unpack_pax.c). */
#ifndef STORAGE_UNPACK_TAR_INTERNAL_H
#define STORAGE_UNPACK_TAR_INTERNAL_H

#include "storage/unpack_tar.h"

/* What the extensions in front of a header said. */
struct tar_pax {
	char *path, *link; /* NULL = not said */
	char *sparse_name;
	bool has_size, has_uid, has_gid, has_mtime;
	uint64_t size, uid, gid;
	int64_t mtime_s;
	int32_t mtime_ns;
	struct tar_xattr *xattrs;
	size_t n_xattrs;
	bool has_sparse_size, has_sparse_map;
	int sparse_major, sparse_minor; /* -1 = not said */
	uint64_t sparse_size;
	struct tar_extent *extents;
	size_t n_extents, cap_extents;
	bool half_extent; /* an offset whose length is still to come */
};

void tar_pax_init(struct tar_pax *p);
void tar_pax_deinit(struct tar_pax *p);
/* One block of "LEN KEY=VALUE\n" records; text[len] is writable (a NUL is put there). */
int tar_pax_parse(struct tar_pax *p, char *text, size_t len, struct err *e);
int tar_extent_add(struct tar_pax *p, uint64_t offset, uint64_t len, struct err *e);
/* Decimal digits of n bytes, nothing else, no overflow. */
bool tar_decimal(const char *s, size_t n, uint64_t *out);

#endif
