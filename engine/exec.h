/* exec: `moss exec`, from the container's row to the exit code.
 *
 * The command starts a holder, a fork of itself that joins the container (launch_exec), holds the
 * pipes or the terminal of the new process, and speaks the attach stream of engine/monitor.h with
 * the command. So the command can be detached from, stopped or killed, and the process lives on;
 * and no descriptor of the user's own gets into the container.
 */
#ifndef ENGINE_EXEC_H
#define ENGINE_EXEC_H

#include <stdbool.h>

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

/* The holder's loop: passes bytes between the process and the stream until the process has ended
 * and what it wrote is passed on, then sends its exit code. in, out, err_out: our ends of its pipes
 * (-1 = none); with a terminal in and out are its master. Takes the descriptors. Returns when there
 * is nothing left to do. */
struct exec_streams {
	int stream; /* to the command */
	int in, out, err_out;
	int pidfd, pid;
	bool is_terminal;
};
void exec_serve(const struct exec_streams *x);

#endif
