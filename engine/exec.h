/* exec: `moss exec`, from the container's row to the exit code.
 *
 * The command starts a holder, a fork of itself that joins the container (launch_exec), holds the
 * pipes or the terminal of the new process, and speaks the attach stream of engine/monitor.h with
 * the command. So the command can be detached from, stopped or killed, and the process lives on;
 * and no descriptor of the user's own gets into the container. The holder is inside the container's
 * namespaces; who waits for it and records the end is outside: the command, or, where that does not
 * wait (-d, the detach keys), a fork of it, its shadow.
 */
#ifndef ENGINE_EXEC_H
#define ENGINE_EXEC_H

#include <stdbool.h>
#include <sys/types.h>

struct container_row;
struct err;
struct exec_request;
struct launch_plan;
struct proc_id;
struct store;

struct exec_options {
	bool interactive, detached;
	const char *detach_keys; /* NULL = ctrl-p,ctrl-q */
};

/* The process's exit code (0 where options.detached), or an error with the status to exit with: 1
 * "read escape sequence" where the user left by the detach keys. */
int container_exec(struct store *s, const struct container_row *row, const struct exec_request *r,
	const struct exec_options *o, struct err *e);

/* The part that starts: the holder (*pid, the caller's to reap) and, once the process runs, the
 * stream to it, the caller's. Errors have the status to exit with and Docker's words. */
int exec_start(const struct launch_plan *plan, const struct proc_id *init,
	const struct exec_request *request, const struct exec_options *options, pid_t *pid,
	struct err *e);

/* The holder's loop: passes bytes between the process and the stream until the process has ended
 * and what it wrote is passed on, then sends its exit code. in, out, err_out: our ends of its pipes
 * (-1 = none); with a terminal in and out are its master. Takes the descriptors. Returns when there
 * is nothing left to do. */
struct exec_streams {
	int stream; /* to the command */
	int in, out, err_out;
	int pidfd, pid;
	int lock; /* of its exec_record; held to the end; -1 = none */
	bool is_terminal;
};
void exec_serve(const struct exec_streams *x);

#endif
