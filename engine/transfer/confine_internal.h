/* What the files of confine share: mounts (confine.c) and system call filters
 * (confine_filter.c). */
#ifndef ENGINE_TRANSFER_CONFINE_INTERNAL_H
#define ENGINE_TRANSFER_CONFINE_INTERNAL_H

#include <stddef.h>

struct err;

int filter_unpacker(struct err *e);
int filter_fetcher(struct err *e);
/* Landlock: below each folder (fd -1 = nowhere) everything, or only reading. Success where the
 * kernel has no Landlock. */
struct landlock_folder {
	int fd, may_write;
};
int landlock_restrict(const struct landlock_folder *folders, size_t n, struct err *e);

#endif
