/* event: the rows that `moss events` shows, written by whoever does the thing.
 *
 * Call these inside the transaction that changes the state, so that what happened and what is told
 * of it are one; outside of one each call is a transaction of its own. The time is taken inside the
 * transaction, so that events have their times in the order of their ids. Attributes are Docker's:
 * the object's labels, then what the functions say, then `more`: pairs of key and value, NULL at
 * the end (EVENT_WITH("signal", "9")), or NULL for none. Followers need no call: they watch the
 * database's files (engine/event_follow.h).
 *
 * Actions are Docker's words. Container: create init (Podman's) attach detach start stop die kill oom restart pause
 * unpause rename update resize top exec_create exec_start exec_die exec_detach archive-path
 * extract-to-dir export commit destroy, "health_status: healthy". Image: pull tag untag delete save
 * load import. Volume: create mount unmount destroy.
 */
#ifndef ENGINE_EVENT_H
#define ENGINE_EVENT_H

#include <stdint.h>

struct attach_ended;
struct container_row;
struct err;
struct store;

#define EVENT_WITH(...)                                                                            \
	(const char *const[]) { __VA_ARGS__, NULL }

/* Attributes: labels, image, name. */
int event_container(struct store *s, const struct container_row *row, const char *action,
	const char *const *more, struct err *e);
/* What its user does at the container's terminal. Failing to tell of it stops nobody. */
void event_container_resize(
	struct store *s, const struct container_row *row, unsigned rows, unsigned cols);
void event_container_detach(struct store *s, const struct container_row *row);
/* The volumes' mount, then the container's start. */
int event_container_start(struct store *s, const struct container_row *row, struct err *e);
/* The volumes' unmount, oom where it is so, then the container's die. row: as it was running. */
int event_container_die(struct store *s, const struct container_row *row,
	const struct attach_ended *ended, struct err *e);

/* id: the image's, "sha256:<hex>" (pull: the reference). name: of tag and pull the reference as it
 * is shown, of the other actions the id again. config: the image's, for its labels; NULL = the
 * image is looked up by id (no labels where it is gone). */
int event_image(struct store *s, const char *action, const char *id, const char *name,
	const char *config, struct err *e);

/* Attributes: driver. */
int event_volume(struct store *s, const char *action, const char *name, const char *driver,
	const char *const *more, struct err *e);

/* The end of a prune. type: container, image, volume, builder; reclaimed in bytes. */
int event_prune(struct store *s, const char *type, int64_t reclaimed, struct err *e);

#endif
