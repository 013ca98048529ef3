/* What the files of confine share: mounts (confine.c) and system call filters
 * (confine_filter.c). */
#ifndef ENGINE_TRANSFER_CONFINE_INTERNAL_H
#define ENGINE_TRANSFER_CONFINE_INTERNAL_H

struct err;

int filter_unpacker(struct err *e);
int filter_fetcher(struct err *e);
/* Landlock: below beneath_fd (a folder; -1 = nowhere) everything, or only reading. Success where
 * the kernel has no Landlock. */
int landlock_restrict(int beneath_fd, int may_write, struct err *e);

#endif
