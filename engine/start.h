/* start: the front's side of starting, attaching to, stopping and removing containers. */
#ifndef ENGINE_START_H
#define ENGINE_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "storage/db/container_row.h"

struct store;
struct container_new;

struct start_options {
	bool attach_stdin, attach_stdout, attach_stderr; /* none: detached */
	bool sig_proxy;
	const char *detach_keys; /* NULL = ctrl-p,ctrl-q */
	bool detach_fails; /* attach: leaving by these keys is an error (status 1), as Docker's is
			    */
	/* Called once the container is recorded and has started, before streaming (--cidfile, -d).
	 */
	void (*started)(const char *id, void *arg);
	void *started_arg;
};

/* Starts a prepared container that has no record yet (run): the monitor works while the record is
 * written. The container's exit status (0 when detached), or an error with status 125/126/127. */
int container_run(
	struct store *s, struct container_new *c, const struct start_options *o, struct err *e);
/* Starts a recorded one (start). Already running is success (0), or is attached to. */
int container_start(
	struct store *s, struct container_row *row, const struct start_options *o, struct err *e);

/* Joins one that runs: the exit status, 0 when detached by keys (see detach_fails). Without
 * terminal signals are passed on where sig_proxy. */
int container_attach(
	struct store *s, struct container_row *row, const struct start_options *o, struct err *e);

/* Brings the row up to date with what is true: a running row whose alive lock is free is finished
 * (init's pidfd opened and checked, killed, waited for; then recorded; --rm ones removed). Every
 * command that shows or uses state calls it first. */
/* 0, or ROW_ABSENT where the row has gone with that. */
int container_reconcile(struct store *s, struct container_row *row, struct err *e);
int container_reconcile_all(struct store *s, struct err *e);

/* container_row_find + reconcile; ROW_ABSENT becomes "No such container: X" (exit 1). */
int container_get(struct store *s, const char *what, struct container_row *out, struct err *e);

/* One of several to be stopped. */
struct container_stopping {
	struct container_row *row; /* brought up to date */
	int signal; /* 0 = the container's own */
	int timeout_s; /* then SIGKILL; -1 = never, -2 = the container's own */
	bool is_shutdown; /* not the user's will: its policy starts it after the next boot */
	/* the result */
	int result; /* 0 (also where it did not run) or -errno with e set */
	struct err e;
	/* inside */
	bool was_live, was_waiting, has_ended;
	int end, pidfd;
	int64_t deadline_ns;
};
/* Stops them side by side: it takes as long as the slowest. */
void container_stop_all(struct store *s, struct container_stopping *x, size_t n);
int container_stop_with(
	struct store *s, struct container_row *row, int sig, int timeout_s, struct err *e);
/* Stops, where it runs, and starts. */
int container_restart(
	struct store *s, struct container_row *row, int sig, int timeout_s, struct err *e);
int container_kill(struct store *s, struct container_row *row, int signal, struct err *e);
/* A signal that another way takes to it (an attached command passes it on): as kill records it, so
 * that no policy starts again what the user has ended. */
void container_will_signal(struct store *s, struct container_row *row, int signal);
/* Waits for the end; *exit_code. */
int container_wait(struct store *s, struct container_row *row, int *exit_code, struct err *e);
int container_remove(
	struct store *s, struct container_row *row, bool force, bool volumes, struct err *e);
/* For one in state removing: takes the work of a dead remover over. ROW_ABSENT when done, 0 where a
 * live one is at it. */
int container_finish_removal(struct store *s, struct container_row *row, struct err *e);
/* "KILL", "SIGKILL", "9", "RTMIN+3" -> number; -EINVAL "invalid signal: X". */
int signal_parse(const char *s, struct err *e);

/* Inspect: the row's config JSON completed with State, Name, Created ... as docker inspect prints
 * it. New reference. */
struct json_t;
struct json_t *container_inspect(struct store *s, const struct container_row *row);

#endif
