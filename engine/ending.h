/* ending: what is written down when a container has ended, by whoever is there to do it: the first
 * front, its monitor, or a later command that finds the monitor dead. All of it can be called
 * twice, or by two at once: the second changes nothing.
 */
#ifndef ENGINE_ENDING_H
#define ENGINE_ENDING_H

#include <stdbool.h>

#include "engine/monitor.h"

struct err;
struct store;
struct container_row;

/* One transaction: the end in the row, with its event; with auto_remove the files renamed to the
 * trash and the row gone, then its anonymous volumes. The trash is the caller's to empty.
 * restarts: set where the row now says `restarting`, and the monitor is to start it again; NULL:
 * there is no monitor that could. */
int ending_record_row(struct store *s, const struct container_row *row,
	const struct attach_ended *ended, bool *restarts, struct err *e);
/* The same, with the row looked up. */
int ending_record(struct store *s, const char *id, const struct attach_ended *ended,
	bool *restarts, struct err *e);
/* A start that failed: back to `created` (`exited` where it has run before) with the error, as
 * Docker does, or gone with --rm. */
int ending_record_failure(
	struct store *s, const char *id, const struct err *failure, struct err *e);

/* Renames containers/<id> to the trash (a missing one is fine), deletes the row and, where asked,
 * then the volumes that only this container used and that have no name. A row that is gone already
 * is fine. */
int ending_forget(struct store *s, const struct container_row *row, bool volumes, struct err *e);

#endif
