/* mountinfo: the mounts of a mount namespace, as /proc/PID/mountinfo tells them (proc(5)). What it
 * says of another process is as true as that process is trusted: names are its own root's. */
#ifndef BASE_MOUNTINFO_H
#define BASE_MOUNTINFO_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* Calls fn with each mount point (octal escapes undone) and file system type, in the table's order,
 * until it returns other than 0, which is returned. pid 0: this process. A negative errno where the
 * table cannot be read. */
typedef int (*mountinfo_fn)(void *arg, const char *point, const char *type);
int mountinfo_each(pid_t pid, mountinfo_fn fn, void *arg, struct err *e);
/* Is the folder a mount point of this process' namespace? 1, 0, -errno. */
int mountinfo_has(const char *point, struct err *e);
/* A mount whose server is dead answers ENOTCONN (stat may still answer from the cache, statfs never
 * does). */
bool mountinfo_is_dead(const char *point);

#endif
