/* join: sharing namespaces with another container (--network, --pid, --ipc, --uts, --cgroupns
 * container:X).
 *
 * When a container is made, X is looked up and its full id is kept: in HostConfig ("container:<64
 * hex>") and in the annotations moss.join.<namespace>. At each start the id is looked up again, X
 * must run, and its init of that moment is what is joined: a restart of X leaves those who joined
 * before in the old namespace, as in Docker.
 */
#ifndef ENGINE_JOIN_H
#define ENGINE_JOIN_H

struct container_row;
struct db;
struct err;
struct launch_plan;

/* Where X was found: 0 and *id is "container:<64 hex>" (owned), *row is X's. "No such container" is
 * -ENOENT. */
int join_find(struct db *db, const char *what, char **id, struct container_row *row, struct err *e);

/* In the monitor, before launch_clone: which processes the plan's containers are now. A namespace
 * that X has of the host is the host's for us, too. Opens the database only where there is
 * something to look up. Docker's words: "cannot join network of a non running container: ID",
 * "failed to join PID namespace: container ID is not running". */
int join_resolve(struct launch_plan *p, const char *root, struct err *e);

#endif
