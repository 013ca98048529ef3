/* start_internal: what the files of the front's side share.
 *
 *   start.c    the monitor is started, the row written, the word given
 *   stand.c    init: the same up to the word; the start of what stands there
 */
#ifndef ENGINE_START_INTERNAL_H
#define ENGINE_START_INTERNAL_H

#include <stdbool.h>

#include "base/json.h"
#include "engine/bind_hint.h"
#include "engine/enter.h"
#include "engine/monitor.h"
#include "engine/start.h"
#include "engine/state.h"

struct starting {
	struct store *store;
	struct container_row *row;
	struct container_new *fresh; /* no record yet; NULL for start */
	const struct start_options *o;
	struct monitor_options mon;
	bool terminal;
	int control, stream;
	struct entered entered;
	bool is_recorded;
	struct bind_hint hint;
	char *pidfiles[2]; /* where init's and the monitor's ids are written; owned */
};

bool starting_is_attached(const struct start_options *o);
/* What the front itself needs of the configuration. New reference. */
json_t *starting_config(struct starting *st, struct err *e);
/* start.c. Takes alive_fd. From the monitor's start to MON_STARTED, with the row as `to` in
 * between; an error is undone. */
int starting_bring_up(struct starting *st, int alive_fd, enum container_state to, struct err *e);
/* The row and its events, from the state the row has to running. */
int starting_record_running(struct starting *st, struct err *e);
/* The container runs: hints, streams. The exit status, 0 when detached. */
int starting_carry_on(struct starting *st, struct err *e);
void starting_deinit(struct starting *st);

enum taken {
	TAKEN_LOCK, /* the alive lock is ours */
	TAKEN_RUNS, /* it runs already */
	TAKEN_STANDS, /* it is initialized; its monitor has the lock */
};
/* Looks until it is clear which; the row is as it is then. -errno where ev is refused. */
int starting_take(struct store *s, struct container_row *row, enum container_event ev, int *fd,
	struct err *e);

/* stand.c. The start of what stands before exec: 0 once it runs, 1 where it does not stand there
 * any more (look again). */
int starting_release(struct starting *st, struct err *e);

#endif
