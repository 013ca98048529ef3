/* part_sums: checksums of what has arrived of a blob, block by block: parts/<digest>.sums beside
 * the part file (registry/parts.h).
 *
 * After a kill a part file is as it was written: the kernel has the bytes. After a power cut blocks
 * of it may be zeros or older, and a disk may damage any. The checksums tell which, so that only
 * what is behind the first bad block is fetched again. They are a help, no proof: the whole blob is
 * hashed by whoever reads it, and nobody else ever writes these files.
 *
 *	64 bytes of text: "moss-part-sums 1 <boot id>", filled up with newlines
 *	u64 for each whole block of 1 MiB: CRC-64 (ECMA-182, reflected), little-endian
 *
 * Boot id: of whoever wrote last. In the same boot all of a part file is believed without reading
 * it; in a later one each whole block is compared, and what is in no whole block is given up.
 */
#ifndef REGISTRY_PART_SUMS_H
#define REGISTRY_PART_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { PART_BLOCK = 1024 * 1024 };

struct part_sums {
	int fd; /* owned; -1 = none are kept */
	uint64_t crc; /* of the block that is being filled */
	int64_t at; /* bytes of the part that are accounted for */
};
#define PART_SUMS_NONE ((struct part_sums){.fd = -1})

/* Takes sums_fd (-1: none are kept). Cuts the part file to what can be built upon, and *have is its
 * length then. must_check: the reader of the blob found it bad: blocks are compared in the same
 * boot, too, and where all are right (so that what the registry sent was wrong) nothing is kept. */
int part_sums_start(struct part_sums *s, int sums_fd, int part_fd, const char *boot,
	bool must_check, int64_t *have, struct err *e);
void part_sums_deinit(struct part_sums *s);
/* n bytes were appended to the part file. A checksum that cannot be kept is no error: what has none
 * is not believed after the next boot. */
void part_sums_add(struct part_sums *s, const void *p, size_t n);
/* The part file was emptied. */
void part_sums_reset(struct part_sums *s);

#endif
