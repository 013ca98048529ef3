/* unpack_tar: a strict reader of tar streams that can account for every byte.
 *
 * One parser decides what is a header and what is content, for the files that are written and for
 * tar-split alike: so the two can never disagree about a malformed archive, as a general archive
 * library and a scanner beside it could. What Go's archive/tar accepts (which made most layers)
 * is accepted: v7, ustar, GNU long names and base-256 numbers, PAX (local records; global ones are
 * skipped, as Docker does), GNU sparse files in the old and the three PAX forms.
 *
 * The stream is pulled in chunks. Bytes that are not content of an entry (headers, extensions,
 * sparse maps, padding, the trailer) go to the `raw` callback in stream order. Content is handed
 * out by tar_data; what the caller does not take is dropped by the next tar_next: the caller who
 * needs every byte takes all of it.
 */
#ifndef STORAGE_UNPACK_TAR_H
#define STORAGE_UNPACK_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum {
	TAR_BLOCK = 512,
	TAR_EXTENSION_MAX = 1024 * 1024, /* bytes of one PAX or long-name record */
	TAR_PATH_MAX = 4095,
	TAR_EXTENTS_MAX = 128 * 1024,
	TAR_XATTRS_MAX = 1024,
};

struct tar_xattr {
	char *name;
	const char *value; /* within the same allocation as name */
	size_t len;
};

struct tar_extent {
	uint64_t offset, len;
};

/* Strings and arrays belong to the reader, until the next tar_next. */
struct tar_entry {
	char type; /* '0' file, '1' hard link, '2' symbolic link, '3' '4' devices, '5' folder, '6'
		      fifo; others as they stand in the header */
	char *path; /* as it stands in the archive, never empty */
	char *link;
	uint64_t stored; /* bytes of content in the stream */
	uint64_t size; /* bytes of the file (differs from stored for sparse files) */
	uint32_t mode; /* permission bits and set-id, sticky */
	uint64_t uid, gid;
	int64_t mtime_s;
	int32_t mtime_ns;
	uint32_t dev_major, dev_minor;
	struct tar_xattr *xattrs;
	size_t n_xattrs;
	bool is_sparse;
	struct tar_extent *extents; /* where the stored bytes belong */
	size_t n_extents;
};

struct tar_io {
	/* The next chunk (borrowed until the next call): its length, 0 at the end, negative. */
	ssize_t (*next)(void *arg, const unsigned char **p, struct err *e);
	/* May be NULL: passes over n bytes of content that nobody has asked for. */
	int (*skip)(void *arg, uint64_t n, struct err *e);
	/* May be NULL. */
	int (*raw)(void *arg, const void *p, size_t n, struct err *e);
	void *arg;
};

struct tar_reader;
struct tar_reader *tar_reader_new(const struct tar_io *io);
void tar_reader_free(struct tar_reader *t);
static inline void tar_reader_drop(struct tar_reader **t) { tar_reader_free(*t); }
#define auto_tar_reader __attribute__((cleanup(tar_reader_drop))) struct tar_reader *

/* 1 and *entry; 0 at the end, once the whole stream has been read. */
int tar_next(struct tar_reader *t, const struct tar_entry **entry, struct err *e);
/* Bytes of the stream that are dealt with: after tar_next, where the entry's content begins. */
uint64_t tar_position(const struct tar_reader *t);
/* The next piece of the entry's content: its length, 0 when there is no more. */
ssize_t tar_data(struct tar_reader *t, const unsigned char **p, struct err *e);

#endif
