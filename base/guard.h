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
};
#define GUARD_INIT ((struct guard){.fd = -1, .pid = -1})

/* Guards `name` in the folder dir_fd, a file or a whole tree; it may not be there yet. */
int guard_start(struct guard *g, int dir_fd, const char *name, struct err *e);
/* There is nothing to remove any more. */
void guard_end(struct guard *g);

#endif
