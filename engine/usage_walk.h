/* usage_walk: reads trees and says of each inode, and of each run of shared blocks, in which of
 * them it lies. */
#ifndef ENGINE_USAGE_WALK_H
#define ENGINE_USAGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage_inode {
	dev_t dev;
	uint64_t ino; /* or the place of shared blocks */
	bool is_blocks;
	int64_t bytes;
	uint32_t *trees;
	uint32_t n;
};

/* A table of inodes with several names and of blocks of several files. */
struct usage_walk {
	struct usage_inode *v;
	size_t n, room;
	int64_t *alone; /* for each tree: bytes that no other name and no other file has; the
			   caller's */
};

/* without_top: what is in the folder, not the folder itself. The tree's number must not be smaller
 * than that of the call before. A missing folder is empty, and what cannot be read is passed over.
 */
void usage_walk_tree(struct usage_walk *w, const char *path, bool without_top, uint32_t tree);
/* Calls fn for each inode that was met under a name that is not its only one, and for each run of
 * shared blocks. */
void usage_walk_each(const struct usage_walk *w,
	void (*fn)(const uint32_t *trees, uint32_t n, int64_t bytes, void *arg), void *arg);
void usage_walk_deinit(struct usage_walk *w);

#endif
