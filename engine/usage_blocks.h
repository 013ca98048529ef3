/* usage_blocks: what of a file lies in blocks that other files have, too, on file systems that can
 * have that (storage/share.h).
 */
#ifndef ENGINE_USAGE_BLOCKS_H
#define ENGINE_USAGE_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* Can files of the file system that `path` is on share blocks? */
bool usage_blocks_can_be_shared(const char *path);
/* Calls fn with the place (in bytes, on its disk) and the length of each run of shared blocks.
 * Returns the bytes of them together; 0 where it cannot be told. */
int64_t usage_blocks_shared(
	const char *path, void (*fn)(uint64_t place, int64_t bytes, void *arg), void *arg);

#endif
