/* members: the processes of a running container, by their ids in our own pid namespace.
 *
 * A container that owns its pid namespace consists of the processes in it and in those made below
 * it. One that shares another's (--pid=host, --pid=container:X) consists of the processes in its
 * mount namespace and their descendants. Either way the processes of `exec` are among them. The
 * user owns the containers' user namespace, so the kernel shows all of this, and lets it be
 * signalled, from outside.
 *
 * The list is what was there while /proc was read: a process that forks meanwhile can leave a child
 * out. Numbers are never trusted alone: each comes with its start time, and is opened with
 * proc_open.
 */
#ifndef ENGINE_MEMBERS_H
#define ENGINE_MEMBERS_H

#include <stddef.h>

#include "base/proc.h"

struct err;

struct members {
	struct proc_id *v; /* the oldest first: init, and parents before the children they make */
	size_t n;
};

/* init as the row has it. None where it has ended. */
int members_list(const struct proc_id *init, struct members *m, struct err *e);
void members_deinit(struct members *m);
#define auto_members __attribute__((cleanup(members_deinit))) struct members

/* The state of /proc/PID/stat ('R', 'S', 'T', 'Z' ...), 0 where there is no such process. */
char member_state(const struct proc_id *id);

#endif
