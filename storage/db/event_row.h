/* event_row: what happened, in order. An event's id is one more than the last one's, in the order
 * of the commits; who has seen an id has seen all below it. The newest 7,000 and more are kept.
 */
#ifndef STORAGE_DB_EVENT_ROW_H
#define STORAGE_DB_EVENT_ROW_H

#include <stddef.h>
#include <stdint.h>

struct db;
struct err;

struct event_row {
	int64_t id, time_ns;
	char *type, *action, *actor;
	char *attributes; /* JSON object of strings */
};

/* attributes may be NULL. */
int event_row_add(struct db *db, int64_t time_ns, const char *type, const char *action,
	const char *actor, const char *attributes, struct err *e);
/* The last id there is; 0 where there is none. */
int event_row_newest(struct db *db, int64_t *id, struct err *e);
/* Those after an id, in order, at most `max`: how many, into rows[max], each to be freed with
 * event_row_deinit. */
int event_row_list(struct db *db, int64_t after, struct event_row *rows, size_t max, struct err *e);
void event_row_deinit(struct event_row *r);

#endif
