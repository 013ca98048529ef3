/* guard: a small process that removes a name if its maker dies.
 *
 * For what can only be made under a temporary name of its own (a folder, a file where there is no
 * O_TMPFILE): a signal handler would not run at SIGKILL. The guard waits at the end of a socket.
 * It is in a session of its own, so that what is sent to the command's process group (Ctrl-C) or
 * its terminal does not reach it.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <sys/types.h>

struct err;

struct guard {
	int fd; /* the socket that tells it: closed without a word = remove */
	pid_t pid;
	/* private */
	char *name; /* in memory that both have; "" = nothing */
	dev_t dev; /* of the folder that it was told last */
	ino_t ino;
};
#define GUARD_INIT ((struct guard){.fd = -1, .pid = -1})

/* Guards `name` in the folder dir_fd, a file or a whole tree; it may not be there yet. */
int guard_start(struct guard *g, int dir_fd, const char *name, struct err *e);

/* For many names, one after the other: a process that guards nothing yet. keep: a descriptor that
 * it is to hold as long as it lives, -1 = none; confine: what it does to itself first, NULL =
 * nothing. */
int guard_start_idle(struct guard *g, int keep, int (*confine)(struct err *e), struct err *e);
/* From here on this name, and no other. Costs next to nothing while the folder stays the same. */
int guard_watch(struct guard *g, int dir_fd, const char *name, struct err *e);
/* It is not there any more, or what it is to be. */
void guard_forget(struct guard *g);

/* There is nothing to remove any more. */
void guard_end(struct guard *g);

#endif
