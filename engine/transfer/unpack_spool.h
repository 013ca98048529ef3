/* unpack_spool: the files of an image archive, looked up by name, wherever their bytes are.
 *
 * `docker save` writes the list of what is what last, so the files come before it is known what
 * they are for. Where they are put until then depends on where the archive comes from:
 *
 *   a regular file that is not compressed   nowhere: only the headers are read, and what is
 *                                           looked up is read where it stands in the archive
 *   a pipe, or a compressed archive         what looks like a layer is given away as it comes by
 *                                           (struct spool_taker); the rest, small documents, is put
 *                                           down in the staging folder as spool/<n>, under a
 *                                           number and never under its own name
 *   a folder of the same files              nowhere: names are resolved within it, and only regular
 *                                           files count
 *
 * Links within the archive are followed. Read with storage/unpack_tar.h, plain or in any
 * compression that a layer may have.
 */
#ifndef ENGINE_TRANSFER_UNPACK_SPOOL_H
#define ENGINE_TRANSFER_UNPACK_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "storage/unpack_stream.h"

struct err;

enum { SPOOL_ENTRIES_MAX = 65536, SPOOL_NAMES_MAX = 16 * 1024 * 1024 };

enum spool_place { SPOOL_STORED, SPOOL_IN_PLACE, SPOOL_TAKEN };

struct spool_file {
	char *name; /* cleaned */
	char *target; /* of a link, cleaned; NULL for a file */
	enum spool_place place;
	uint64_t offset, size; /* in place: where in the archive */
	int taken; /* as the taker called it */
};

struct spool {
	int dir_fd;
	int folder_fd; /* read in place; -1 = an archive. Borrowed */
	int archive_fd; /* read in place; -1 = not. Borrowed */
	struct spool_file *files;
	size_t n, names_size;
};
#define SPOOL_INIT ((struct spool){.dir_fd = -1, .folder_fd = -1, .archive_fd = -1})
void spool_deinit(struct spool *s);
#define auto_spool __attribute__((cleanup(spool_deinit))) struct spool

/* Takes what comes by and looks like a layer: reads as much of it as it wants, by the end of the
 * call, and returns a number of its own; negative ends it all. */
struct spool_taker {
	int (*take)(
		void *arg, const char *name, const struct stream_source *content, struct err *e);
	void *arg;
};

/* Reads the archive, from the descriptor's position. taker: NULL = all is stored. */
int spool_fill(
	struct spool *s, int data_fd, int stage_fd, const struct spool_taker *taker, struct err *e);
/* Takes the folder in place of an archive. */
void spool_use_folder(struct spool *s, int folder_fd);
/* Is there such a file? */
bool spool_has(const struct spool *s, const char *name);
/* The number of the archive's file that a name leads to; -1 where there is none. */
int spool_find(const struct spool *s, const char *name);
/* What the taker called it; -1 where it was not taken. */
int spool_taken(const struct spool *s, const char *name);

/* A file that was not taken, open for reading. */
struct spool_content {
	struct stream_source source; /* borrows the struct */
	int fd;
	bool is_borrowed;
	uint64_t at, left;
};
#define SPOOL_CONTENT_INIT ((struct spool_content){.fd = -1})
/* -ENOENT (e set) where there is none. */
int spool_open(const struct spool *s, const char *name, struct spool_content *out, struct err *e);
void spool_close(struct spool_content *c);
#define auto_spool_content __attribute__((cleanup(spool_close))) struct spool_content
/* The whole of a file of at most max bytes. */
int spool_read(const struct spool *s, const char *name, size_t max, struct buf *out, struct err *e);
/* Gives the file's space back. */
void spool_drop(const struct spool *s, const char *name);

/* spool_fill's own (unpack_spool_fill.c): the name of a stored file. */
void spool_number_name(char name[16], size_t i);

#endif
