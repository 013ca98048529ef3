/* pack_layer: the other way round from storage/unpack.h: a folder that is a layer gets its diff ID
 * and its tar-split, in one pass over the files. Nothing is written but the tar-split: the tar
 * exists only as the stream that is hashed, on a thread of its own.
 *
 * Runs in the confined helper. Only moss-unpack links it.
 */
#ifndef STORAGE_PACK_LAYER_H
#define STORAGE_PACK_LAYER_H

#include <stdint.h>

struct err;
struct share;

struct pack_layer_result {
	char diff_id[72]; /* "sha256:<hex>" */
	int64_t size; /* bytes of regular files */
	uint64_t entries; /* 0: an empty layer */
};

/* Beside the tar-split of a layer whose folder was not unpacked from a tar: what a tar cannot say
 * (fractions of seconds) may be different in it. */
#define PACKED_MARK "packed"

/* diff_fd: the folder, tidied (storage/upper_tidy.h). Makes tar-split and mark in stage_fd. share
 * (storage/share.h) is told of the files that may be shared; NULL = nobody is. */
int pack_layer(int diff_fd, int stage_fd, struct share *share, struct pack_layer_result *out,
	struct err *e);

#endif
