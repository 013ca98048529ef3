/* pack: a folder's tree as a tar stream, by descriptor.
 *
 * Entries come sorted by name, a folder before what is in it, the folder itself not at all. Headers
 * are ustar where that can hold what there is to say, with a PAX header in front where it cannot
 * (long or non-ASCII names, large numbers, extended attributes, holes); times are whole seconds, as
 * Docker writes them. Files with several names are written once, the others are hard links to the
 * first. Holes are kept (GNU sparse 1.0). Sockets are passed over.
 *
 * Two modes: PACK_PLAIN takes the tree as it is (export, cp); PACK_LAYER reads it as an overlay
 * layer: a character device 0/0 is written as ".wh.NAME", a folder with user.overlay.opaque has
 * ".wh..wh..opq" as its first entry, user.overlay.* stays out (storage/upper_tidy.h has made one
 * kind of mark of the drivers' several).
 *
 * Nothing here hashes or writes: the sink does. Memory is bounded by the folders' widths and by the
 * number of files with several names. The tree may change meanwhile (a running container): what
 * disappears is passed over, a file that has become shorter is filled up with zeros, one that has
 * become longer is cut. No name is followed out of the tree.
 */
#ifndef STORAGE_PACK_H
#define STORAGE_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "storage/unpack_tar.h"

struct err;

enum pack_mode { PACK_PLAIN, PACK_LAYER };

struct pack_sink {
	/* Bytes that are no content of a file: headers, padding, the end. */
	int (*raw)(void *arg, const void *p, size_t n, struct err *e);
	/* The content of one regular file: en->stored bytes, at en->extents where en->is_sparse,
	 * else from 0 on, are to be read from fd (pack_content does it). en->path is the name in
	 * the archive. */
	int (*content)(void *arg, const struct tar_entry *en, int fd, struct err *e);
	void *arg;
};

struct pack_options {
	enum pack_mode mode;
	/* Put in front of every name: "x/"; NULL = "". What is packed is then an entry, too. */
	const char *prefix;
	/* This name of the folder alone (with what is in it), called `as`. */
	const char *only, *as;
	/* false = left out, with all that is in it; may be NULL. path: without prefix. */
	bool (*wanted)(void *arg, const char *path, const struct stat *st);
	void *arg;
};

struct pack_result {
	uint64_t entries; /* headers that were written */
	uint64_t files; /* bytes of regular files, as `size` of a layer counts them */
};

/* One entry after the other, without making a stream of it. en->path has the prefix, en->mtime_ns
 * what headers do not tell. fd: a regular file that is not a link to an earlier one; else -1. */
typedef int (*pack_entry_fn)(void *arg, const struct tar_entry *en, int fd, struct err *e);
int pack_walk(int dir_fd, const struct pack_options *o, pack_entry_fn entry, void *arg,
	struct pack_result *out, struct err *e);
/* The whole stream with its end. */
int pack_tree(int dir_fd, const struct pack_options *o, const struct pack_sink *sink,
	struct pack_result *out, struct err *e);
/* Reads what `content` is to read, piece by piece. */
int pack_content(const struct tar_entry *en, int fd, void *buffer, size_t room,
	int (*take)(void *arg, const void *p, size_t n, struct err *e), void *arg, struct err *e);

#endif
