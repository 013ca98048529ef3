/* unpack_spool: the files of an image archive, put down in the staging folder.
 *
 * `docker save` writes the list of what is what last, and the archive may come through a pipe: so
 * every regular file is first written to spool/<n>, under a number and never under its own name,
 * and then looked up by name. Links within the archive are followed. Read with libarchive: any tar
 * format, plain or compressed with gzip, bzip2, xz, zstd or compress.
 *
 * A folder that holds the same files is read in place: nothing is copied, names are resolved within
 * it, and only regular files count.
 */
#ifndef ENGINE_TRANSFER_UNPACK_SPOOL_H
#define ENGINE_TRANSFER_UNPACK_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum { SPOOL_ENTRIES_MAX = 65536 };

struct spool_file {
	char *name; /* cleaned */
	char *target; /* of a link, cleaned; NULL for a file */
	int64_t size;
};

struct spool {
	int dir_fd;
	int folder_fd; /* read in place; -1 = an archive. Borrowed */
	struct spool_file *files;
	size_t n;
};
#define SPOOL_INIT ((struct spool){.dir_fd = -1, .folder_fd = -1})
void spool_deinit(struct spool *s);
#define auto_spool __attribute__((cleanup(spool_deinit))) struct spool

/* Reads the whole archive. */
int spool_fill(struct spool *s, int data_fd, int stage_fd, struct err *e);
/* Takes the folder in place of an archive. */
void spool_use_folder(struct spool *s, int folder_fd);
/* Is there such a file? */
bool spool_has(const struct spool *s, const char *name);
/* The number of the archive's file that a name leads to; -1 where there is none. */
int spool_find(const struct spool *s, const char *name);
/* Opens it for reading; -ENOENT (e set) where there is none. */
int spool_open(const struct spool *s, const char *name, struct err *e);
/* The whole of a file of at most max bytes. */
int spool_read(const struct spool *s, const char *name, size_t max, struct buf *out, struct err *e);
/* Gives the file's space back. */
void spool_drop(const struct spool *s, const char *name);

#endif
