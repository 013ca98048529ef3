/* pause: a container stands still and goes on.
 *
 * With a cgroup (row.cgroup) it is frozen there, and notices nothing. Without one every process of
 * it gets SIGSTOP, parents before children (so that no shell sees its job stop), until a look finds
 * none that still runs; SIGCONT in the other order lets it go on. Differences that a program can
 * see then: waitpid(WUNTRACED) of a parent outside (exec), a handler of SIGCONT, and processes that
 * had stopped themselves go on with the others.
 *
 * What survives a kill at any instruction: the row says `paused` before the first process is
 * stopped, and says `running` only after the last one goes on, so that nothing ever stands still
 * while its row says running. Whoever works on it holds a lock on containers/<id>/pause, a file
 * that is there only meanwhile: pause_reconcile finds it without a holder where one was killed,
 * lets the container go on and records that.
 */
#ifndef ENGINE_PAUSE_H
#define ENGINE_PAUSE_H

#include <stdbool.h>

struct container_row;
struct err;
struct store;

/* running -> paused. The row is brought up to date. "Container ID is already paused", "container
 * ID is not running", "Container ID is restarting ...". */
int container_pause(struct store *s, struct container_row *row, struct err *e);
/* paused -> running. "Container ID is not paused". */
int container_unpause(struct store *s, struct container_row *row, struct err *e);

/* For a row that says paused (engine/reconcile.c): 0, the row corrected where it was not so. */
int pause_reconcile(struct store *s, struct container_row *row, struct err *e);

/* After a signal was sent to a container (stop, kill): a paused one goes on, as Docker has it, so
 * that it can act on it; not for SIGKILL, and not for another than its configured stop signal. */
int pause_signalled(struct store *s, struct container_row *row, int signal, struct err *e);
/* Whether a signal would let the container go on by itself, so that it must not be sent (SIGCONT to
 * one that stands by SIGSTOP). */
bool pause_forbids(const struct container_row *row, int signal);

#endif
