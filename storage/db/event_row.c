#include "storage/db/container_row.h"
#include "base/err.h"
#include "storage/db/sql.h"

#include <errno.h>

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
