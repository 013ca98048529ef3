/* cgroup_scope: a cgroup from the user's service manager, for a limit that no cgroup of ours can
 * set.
 *
 * A login session belongs to systemd itself (session-3.scope): nothing there is the user's to
 * write. His service manager (user@UID.service) has a part of the tree, and gives a piece of it to
 * a process that asks: one call of StartTransientUnit, over D-Bus's protocol, on the manager's own
 * socket. No library, no bus, nothing else of D-Bus. The monitor asks for itself, before it makes
 * the container; the scope ends with the last process in it.
 */
#ifndef ENGINE_CGROUP_SCOPE_H
#define ENGINE_CGROUP_SCOPE_H

#include <stdbool.h>

struct err;

/* Is there a manager to be asked? */
bool scope_is_there(void);
/* The controllers that it could give, CGROUP_*. Not from inside the user namespace. */
unsigned scope_available(void);
/* Moves this process into a new scope moss-<first 12 of id>.scope with Delegate=yes and waits until
 * it is there. */
int scope_enter(const char *id, struct err *e);
/* Moves this process to where the monitor of that container is, where its cgroup (as in the `0::`
 * line) is in such a scope and we are not: exec from a login session. Nothing is said where that
 * cannot be done. */
void scope_join(const char *id, const char *cgroup);

#endif
