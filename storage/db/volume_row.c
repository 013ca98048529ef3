#include "storage/db/volume_row.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/sql.h"

#include <errno.h>
#include <stdlib.h>

#define COLUMNS "name, driver, labels, options, is_anonymous, needs_copy_up, created"

int volume_row_insert(struct db *db, const struct volume *v, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT OR IGNORE INTO volume(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, v->name);
	bind_text(s, 2, v->driver);
	bind_text(s, 3, v->labels);
	bind_text(s, 4, v->options);
	bind_int(s, 5, v->is_anonymous);
	bind_int(s, 6, v->needs_copy_up);
	bind_int(s, 7, v->created_ns);
	return db_change(db, s, e);
}

static void row_read(sqlite3_stmt *s, struct volume *v)
{
	*v = (struct volume){
		.name = column_dup(s, 0),
		.driver = column_dup(s, 1),
		.labels = column_dup(s, 2),
		.options = column_dup(s, 3),
		.is_anonymous = column_int(s, 4),
		.needs_copy_up = column_int(s, 5),
		.created_ns = column_int(s, 6),
	};
}

int volume_row_find(struct db *db, const char *name, struct volume *out, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT " COLUMNS " FROM volume WHERE name = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	if (r == STEP_DONE)
		return ROW_ABSENT;
	row_read(s, out);
	return ROW_OK;
}

int volume_row_list(struct db *db, struct volume **out, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT " COLUMNS " FROM volume ORDER BY name", e);
	if (!s)
		return -e->code;
	struct volume *list = NULL;
	size_t count = 0;
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		list = xrealloc(list, (count + 1) * sizeof(*list));
		row_read(s, &list[count++]);
	}
	if (r < 0) {
		while (count)
			volume_deinit(&list[--count]);
		free(list);
		return r;
	}
	*out = list;
	*n = count;
	return 0;
}

int volume_row_exists(struct db *db, const char *name, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT 1 FROM volume WHERE name = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	return db_step(db, s, e);
}

int volume_row_delete(struct db *db, const char *name, struct err *e)
{
	auto_stmt s = db_prepare(db, "DELETE FROM volume WHERE name = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	int r = db_change(db, s, e);
	return r < 0 ? r : r ? ROW_OK : ROW_ABSENT;
}

int volume_row_set_copied(struct db *db, const char *name, struct err *e)
{
	auto_stmt s = db_prepare(
		db, "UPDATE volume SET needs_copy_up = 0 WHERE name = ?1 AND needs_copy_up", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	int r = db_change(db, s, e);
	return r < 0 ? r : r ? ROW_OK : ROW_LOST;
}

int volume_row_users(struct db *db, const char *name, char ***ids, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(
		db, "SELECT container_id FROM container_volume WHERE volume = ?1 ORDER BY 1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	return db_collect(db, s, ids, n, e);
}

int volume_row_anonymous_of(
	struct db *db, const char *container_id, char ***names, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT volume FROM container_volume AS mine JOIN volume ON name = volume"
		" WHERE container_id = ?1 AND is_anonymous AND NOT EXISTS"
		" (SELECT 1 FROM container_volume AS other WHERE other.volume = mine.volume"
		"  AND other.container_id <> ?1) ORDER BY 1",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, container_id);
	return db_collect(db, s, names, n, e);
}
