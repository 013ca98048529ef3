/* tarsplit: what of a layer's tar stream is not the content of its files, so that the exact tar,
 * to the byte, can be made again from diff/ and checked against its diff id.
 *
 * File layers/<id>/tar-split, one zstd frame of:
 *
 *	"moss-tar-split 1\n"
 *	'R' u32 n, n bytes              copied as they are: headers, extensions, padding, trailer,
 *	                                and the content of what was not written to diff/
 *	'F' u64 size, u64 key, u64 crc, u16 n, path      a whole file of diff/
 *	'S' as 'F', then u32 k, k × (u64 offset, u64 length)   pieces of a sparse file
 *	'E' u64 length, 32 bytes        the stream's length and SHA-256; always the last
 *
 * and behind it, for what looks at the file itself, a skippable frame of zstd (16 bytes: magic
 *number 0x184d2a50, length 8, CRC-64/XZ of all bytes before it), which older files have not.
 *
 * Numbers are little-endian; crc is CRC-64/XZ of the bytes that stood in the stream. A tar may hold
 * a path twice, and the later one wins in diff/. Then the earlier content is in
 * layers/<id>/replaced/<key in decimal>, which is looked for first; the folder is missing where
 * nothing was replaced (in practice: always).
 */
#ifndef STORAGE_TARSPLIT_H
#define STORAGE_TARSPLIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "storage/unpack_tar.h"

struct err;
struct tarsplit_writer;

/* Makes the file in the folder. */
struct tarsplit_writer *tarsplit_writer_new(int dir_fd, const char *name, struct err *e);
/* Frees and closes; a file without tarsplit_finish is refused by tarsplit_assemble. */
void tarsplit_writer_free(struct tarsplit_writer *w);
int tarsplit_raw(struct tarsplit_writer *w, const void *p, size_t n, struct err *e);
/* en tells the path, the stored size and, where sparse, the pieces. */
int tarsplit_file(struct tarsplit_writer *w, const struct tar_entry *en, const char *path,
	uint64_t key, uint64_t crc, struct err *e);
int tarsplit_finish(
	struct tarsplit_writer *w, uint64_t length, const unsigned char sha256[32], struct err *e);
uint64_t tarsplit_crc(uint64_t crc, const void *p, size_t n); /* starts at 0 */

/* Reads the tar again from the folder of a layer (diff, tar-split, perhaps replaced). Every file's
 * length and checksum and the whole stream's SHA-256 are compared: the last piece has been handed
 * out before a difference in the latter is known. */
struct tarsplit_reader;
struct tarsplit_reader *tarsplit_reader_new(int layer_fd, struct err *e);
void tarsplit_reader_free(struct tarsplit_reader *r);
/* To be told of files that are not what they were, instead of an error: their place in the stream
 * is filled with zeros where need be, and then the stream's SHA-256 is not compared. */
typedef void (*tarsplit_damage)(void *arg, const char *path, const char *message);
void tarsplit_reader_tell(struct tarsplit_reader *r, tarsplit_damage fn, void *arg);
/* The next piece (borrowed until the next call): its length, 0 at the end, negative. */
ssize_t tarsplit_read(struct tarsplit_reader *r, const unsigned char **p, struct err *e);
/* After the end: the SHA-256 that the stream had when it was taken apart. */
const unsigned char *tarsplit_reader_sha256(const struct tarsplit_reader *r);
/* Is the file itself, byte for byte, what was written? To be asked before anything is read, and
 * again after the end. -EBADMSG where it is not. */
int tarsplit_reader_check_file(struct tarsplit_reader *r, struct err *e);

/* The same, pushed. */
typedef int (*tarsplit_sink)(void *arg, const void *p, size_t n, struct err *e);
int tarsplit_assemble(int layer_fd, tarsplit_sink sink, void *arg, struct err *e);
/* And what its SHA-256 is: that of all that sink was given, so that nobody needs another. */
int tarsplit_assemble_sha256(
	int layer_fd, tarsplit_sink sink, void *arg, unsigned char sha256[32], struct err *e);
/* How long the tar will be, from tar-split alone: no file is read and nothing compared. */
int tarsplit_length(int layer_fd, uint64_t *length, struct err *e);

#endif
