/* spawn: starting helper programs (never a file of an image).
 *
 * The child gets exactly the descriptors it is given: 0, 1, 2 from `fd_in`, `fd_out`, `fd_err`
 * (-1: /dev/null; SPAWN_INIT has the caller's stderr), then `fds[i]` as number 3 + i; all others
 * are closed. Signals are back at their defaults and unblocked.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

struct err;

struct spawn {
	const char *file;         /* looked up in PATH where it has no slash */
	char *const *argv;
	char *const *envp;        /* NULL: inherited */
	int fd_in, fd_out, fd_err;
	const int *fds;
	size_t n_fds;
	bool new_session;         /* setsid in the child */
	int death_signal;         /* PDEATHSIG, 0 = none */
	/* Runs in the child before exec, after the descriptors are in place; a negative result
	 * with e filled is reported to the parent. */
	int (*prepare)(void *arg, struct err *e);
	void *prepare_arg;
	int keep_fd;              /* stays open for prepare, at its number (>= 64); 0 = none */
};
#define SPAWN_INIT ((struct spawn){.fd_in = -1, .fd_out = -1, .fd_err = 2})

/* Starts the program; *pid (and *pidfd where not NULL) are the caller's to reap. A failing exec is
 * reported here (-ENOENT where the program is missing). */
int spawn_start(const struct spawn *s, pid_t *pid, int *pidfd, struct err *e);
/* The two halves of spawn_start, for whoever must do something for the child before it can exec:
 * *report is then given to spawn_finish, which waits for the exec (and reaps on failure). */
int spawn_begin(const struct spawn *s, pid_t *pid, int *report, struct err *e);
int spawn_finish(const struct spawn *s, pid_t pid, int report, int *pidfd, struct err *e);
/* Reaps: the exit code, or 128 + signal. -errno if there is no such child. */
int spawn_wait(pid_t pid);
/* Runs to the end with stdout and stderr collected (each at most max bytes); the exit code, or
 * -errno where it could not be started. out and err_text may be NULL. */
int spawn_capture(char *const *argv, size_t max, struct buf *out, struct buf *err_text,
	struct err *e);
/* The program's path: the folder of the running binary's helpers ($MOSS_LIBEXEC for tests from
 * the build tree, else the configured libexec/moss). Owned. */
char *spawn_helper_path(const char *name);

#endif
