/* lock: whole-file locks that go with an open file description (fcntl OFD): kept by whoever holds
 * a copy of the descriptor, dropped by the kernel when the last copy is closed. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>

enum lock_result { LOCK_TAKEN = 0, LOCK_BUSY = 1 };

/* Write lock; waits where `wait`, else LOCK_BUSY. LOCK_TAKEN or -errno. */
int lock_take(int fd, bool wait);
/* Is it held by someone else? 1, 0, -errno. */
int lock_is_held(int fd);
int lock_drop(int fd);

#endif
