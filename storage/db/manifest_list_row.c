#include "storage/db/manifest_list_row.h"
#include "base/err.h"
#include "storage/db/container_row.h"
#include "storage/db/sql.h"

int manifest_list_row_read(struct db *db, const char *name, char **content, struct err *e)
{
	*content = NULL;
	auto_stmt s = db_prepare(db, "SELECT content FROM manifest_list WHERE name = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	int r = db_step(db, s, e);
	if (r == STEP_ROW)
		*content = column_dup(s, 0);
	return r < 0 ? r : r == STEP_ROW ? ROW_OK : ROW_ABSENT;
}

int manifest_list_row_write(
	struct db *db, const char *name, const char *before, const char *content, struct err *e)
{
	auto_stmt s =
		before ? db_prepare(db,
				 "UPDATE manifest_list SET content = ?2 WHERE name = ?1"
				 " AND content = ?3",
				 e)
		       : db_prepare(db, "INSERT OR IGNORE INTO manifest_list VALUES(?1, ?2)", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	bind_text(s, 2, content);
	if (before)
		bind_text(s, 3, before);
	return db_change(db, s, e);
}

int manifest_list_row_delete(struct db *db, const char *name, struct err *e)
{
	auto_stmt s = db_prepare(db, "DELETE FROM manifest_list WHERE name = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	int r = db_change(db, s, e);
	return r < 0 ? r : r ? ROW_OK : ROW_ABSENT;
}
