/* shells: the commands that `moss unshare` runs, so that others find them.
 *
 * shells/<boot>-<pid>-<start>-<user namespace> in the data root is an empty file for each. It is no
 * truth: who reads it looks whether there still is such a process, and forgets those that are gone.
 * They are found for two reasons: containers that start join their user namespace, as they join
 * that of running ones; and what is mounted in their mount namespaces is looked for there only
 * (storage/mounted.h), never in that of a container.
 */
#ifndef STORAGE_SHELLS_H
#define STORAGE_SHELLS_H

#include <stddef.h>
#include <sys/types.h>

struct err;
struct proc_id;

/* Of this process, before it execs the command. */
int shells_add(const char *store_root, struct err *e);
void shells_remove(const char *store_root, pid_t pid);
/* Adds those that live to an array that may have some already (NULL, 0: none); ns_ino is the inode
 * of the user namespace. The array is the caller's. */
void shells_list(const char *store_root, struct proc_id **ids, size_t *n);

#endif
