#include "storage/db/event_row.h"
#include "base/err.h"
#include "storage/db/sql.h"

#include <errno.h>
#include <stdlib.h>

/* Events are kept for those who look back; the oldest go in blocks. */
enum { EVENTS_KEPT = 8192, EVENTS_BLOCK = 1024 };

static int forget_old(struct db *db, int64_t newest, struct err *e)
{
	if (newest % EVENTS_BLOCK)
		return 0;
	auto_stmt s = db_prepare(db, "DELETE FROM event WHERE id <= ?1", e);
	if (!s)
		return -e->code;
	bind_int(s, 1, newest - EVENTS_KEPT);
	return db_change(db, s, e);
}

int event_row_add(struct db *db, int64_t time_ns, const char *type, const char *action,
	const char *actor, const char *attributes, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT INTO event(time, type, action, actor, attributes) VALUES(?1, ?2, ?3, ?4, "
		"?5)",
		e);
	if (!s)
		return -e->code;
	bind_int(s, 1, time_ns);
	bind_text(s, 2, type);
	bind_text(s, 3, action);
	bind_text(s, 4, actor);
	bind_text(s, 5, attributes);
	int r = db_begin(db, DB_NORMAL, e);
	if (r < 0)
		return r;
	r = db_change(db, s, e);
	if (r >= 0)
		r = forget_old(db, sqlite3_last_insert_rowid(db->sql), e);
	if (r >= 0)
		return db_commit(db, e);
	db_rollback(db);
	return r;
}

int event_row_newest(struct db *db, int64_t *id, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT max(id) FROM event", e);
	if (!s)
		return -e->code;
	int r = db_step(db, s, e);
	*id = r == STEP_ROW ? column_int(s, 0) : 0;
	return r < 0 ? r : 0;
}

int event_row_list(struct db *db, int64_t after, struct event_row *rows, size_t max, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT id, time, type, action, actor, attributes FROM event"
		" WHERE id > ?1 ORDER BY id LIMIT ?2",
		e);
	if (!s)
		return -e->code;
	bind_int(s, 1, after);
	bind_int(s, 2, (int64_t)max);
	size_t n = 0;
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW)
		rows[n++] = (struct event_row){
			.id = column_int(s, 0),
			.time_ns = column_int(s, 1),
			.type = column_dup(s, 2),
			.action = column_dup(s, 3),
			.actor = column_dup(s, 4),
			.attributes = column_dup(s, 5),
		};
	if (r == STEP_DONE)
		return (int)n;
	while (n)
		event_row_deinit(&rows[--n]);
	return r;
}

void event_row_deinit(struct event_row *r)
{
	free(r->type);
	free(r->action);
	free(r->actor);
	free(r->attributes);
	*r = (struct event_row){0};
}
