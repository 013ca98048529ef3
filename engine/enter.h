/* enter: running things inside the user's shared user namespace.
 *
 * Knows the candidates (monitors of running containers, from the database, and shells of unshare) and takes the creation
 * lock (locks/userns): without a live candidate the namespace is made under the lock, and the
 * lock is kept until the new holder is recorded, so that two commands never make two.
 */
#ifndef ENGINE_ENTER_H
#define ENGINE_ENTER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/proc.h"
#include "base/spawn.h"

struct err;
struct proc_id;
struct store;

struct entered {
	pid_t pid;
	int pidfd;
	uint64_t userns_ino;
	struct proc_id id; /* with the user namespace's inode */
	int creation_lock; /* held while >= 0: close once the process is recorded as a candidate */
};

/* Starts a helper program inside. */
int enter_spawn(struct store *s, const struct spawn *sp, struct entered *out, struct err *e);
/* Those whose namespace may be joined: monitors, and the commands of `moss unshare`. The array is the
 * caller's. */
int enter_candidates(struct store *s, struct proc_id **ids, size_t *n, struct err *e);
/* Runs fn in a forked child inside and waits. */
int enter_call(struct store *s, int (*fn)(void *arg, struct err *e), void *arg, struct err *e);
/* Starts it in the user namespace of a process that this command has started inside and that still
 * lives, where that is so: that saves newuidmap and newgidmap where no container runs. Else, and
 * with NULL, as enter_spawn. */
int enter_spawn_beside(struct store *s, const struct proc_id *peer, const struct spawn *sp,
	struct entered *out, struct err *e);
/* path_remove_at inside the namespace (files of subordinate ids), tried as the user first. */
int enter_remove_tree(struct store *s, const char *parent, const char *name, struct err *e);
/* The same for what may be in trash/: of a layer whose files a running container has, too, those
 * stay (engine/share.h). */
int enter_remove(struct store *s, const char *parent, const char *name, struct err *e);

#endif
