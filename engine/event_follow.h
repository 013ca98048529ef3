/* event_follow: reads events, those there are and those to come.
 *
 * Nobody polls and writers do nothing for their readers: a reader watches the store's folder
 * (inotify) for writes to the database's files. Such a write comes before its transaction can be
 * read, so a woken reader first waits for the writer to leave the writers' queue. It remembers the
 * last id it has seen, so that it neither misses nor doubles one, whatever is deleted meanwhile.
 */
#ifndef ENGINE_EVENT_FOLLOW_H
#define ENGINE_EVENT_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct event_row;
struct store;

struct event_window {
	bool with_past; /* from since_ns on; else only what is yet to come */
	int64_t since_ns;
	int64_t until_ns; /* ends then, at once where that is over; INT64_MAX = never */
	int out_fd; /* ends when nobody reads this any more; -1 = none */
};

struct event_reader {
	/* Non-zero ends it and is returned. The row is valid during the call. */
	int (*event)(void *arg, const struct event_row *row, struct err *e);
	/* That many were deleted before this reader came to them. */
	void (*lost)(void *arg, int64_t n);
	/* Nothing more for now. */
	void (*idle)(void *arg);
	void *arg;
};

int event_follow(struct store *s, const struct event_window *w, const struct event_reader *reader,
	struct err *e);

#endif
