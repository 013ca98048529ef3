/* userns: the one user namespace that all of a user's containers share (DESIGN section 4).
 *
 * Container id 0 is the user, 1... the user's ranges in /etc/subuid and /etc/subgid, written by
 * newuidmap and newgidmap side by side; with no range a single-id map and one warning; as root an
 * identity map of every id of the current namespace, without the helpers. A namespace that a live
 * monitor holds is joined instead: open its pidfd, setns, then compare the inode.
 *
 * Every failure names its cure in the hint: newuidmap missing or not set-uid, no range in
 * /etc/subuid, user namespaces switched off (kernel.unprivileged_userns_clone,
 * user.max_user_namespaces), AppArmor's restriction.
 */
#ifndef BASE_USERNS_H
#define BASE_USERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/proc.h"
#include "base/spawn.h"

struct err;

struct id_range {
	uint32_t inside, outside, count;
};

struct userns_map {
	struct id_range *uids, *gids;
	size_t n_uids, n_gids;
	bool is_single; /* the user only: no subordinate range */
	bool is_identity; /* run as root */
};

/* Reads the user's ranges. */
int userns_map_load(struct userns_map *m, struct err *e);
/* Adds the ranges of `name` (may be NULL) or `uid` in the text of a subid file
 * ("user:start:count"), one after the other from 1. Lines that cannot be read are passed over, as
 * newuidmap does. */
void userns_ranges_parse(
	const char *text, const char *name, uid_t uid, struct id_range **r, size_t *n);
void userns_map_deinit(struct userns_map *m);

/* Splits ranges where the ids that they name outside are not in one range of `of` (whose inside
 * they are): the kernel takes each line of a map from one line of the parent's. -EINVAL where one
 * is in none. *out is the caller's. */
int userns_ranges_split(const struct id_range *r, size_t n, const struct id_range *of, size_t n_of,
	struct id_range **out, size_t *n_out, struct err *e);
/* In the namespace that contains it: the maps of the namespace that the process has just made. */
int userns_map_nested(const struct userns_map *m, pid_t pid, struct err *e);

/* Processes whose user namespace may be joined (ns_ino = inode of their user namespace). */
struct userns_candidates {
	const struct proc_id *live;
	size_t n;
};

/* Starts a program inside the user's namespace, as its root with all capabilities: joins the
 * first candidate that is what it was, else makes a namespace. *ns_ino (may be NULL) is the inode
 * of the namespace it is in, *was_made whether it is new. spawn.prepare runs inside, before exec.
 * Use it through engine/enter.h, which knows the candidates and takes the creation lock. */
int userns_spawn(const struct userns_candidates *c, const struct spawn *s, pid_t *pid, int *pidfd,
	uint64_t *ns_ino, bool *was_made, struct err *e);

/* Is this process root of a user namespace that is not the machine's own, with a mount namespace that
 * belongs to it: the inside of `moss unshare`? */
bool userns_has_mounts(void);

/* Runs fn in a forked child inside the namespace and waits; its result and error come back. */
int userns_call(const struct userns_candidates *c, int (*fn)(void *arg, struct err *e), void *arg,
	struct err *e);

#endif
