/* size: how much containers have written and volumes hold. */
#ifndef ENGINE_SIZE_H
#define ENGINE_SIZE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

/* Bytes of the files in each container's writable layer, hard links counted once. Files of
 * subordinate ids cannot all be seen from outside, so this enters the user namespace, once. */
int container_sizes(
	struct store *s, const char *const *ids, size_t n, int64_t *bytes, struct err *e);
/* The same of volumes, of what lies in their own folders. */
int volume_sizes(
	struct store *s, const char *const *names, size_t n, int64_t *bytes, struct err *e);

/* The same for folders of the trash (storage/keep.h). */
int kept_sizes(struct store *s, const char *const *ids, size_t n, int64_t *bytes, struct err *e);

/* From begin to end the store counts what its removals free of the disk: blocks of files whose last
 * name goes, and of folders. End gives the sum. */
int size_freed_begin(struct store *s, struct err *e);
int64_t size_freed_end(struct store *s);

#endif
