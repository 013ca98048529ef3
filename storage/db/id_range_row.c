#include "storage/db/id_range_row.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/sql.h"

#include <stdio.h>
#include <stdlib.h>

int id_range_row_list(struct db *db, struct id_range_row **rows, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT r.container_id, r.first, r.count,"
		" EXISTS(SELECT 1 FROM container c WHERE c.id = r.container_id) OR"
		" EXISTS(SELECT 1 FROM trash t WHERE t.id = r.container_id OR"
		" instr(t.content, r.container_id) > 0)"
		" FROM id_range r ORDER BY r.first",
		e);
	int step;
	*rows = NULL;
	*n = 0;
	if (!s)
		return -e->code;
	while ((step = db_step(db, s, e)) == STEP_ROW) {
		auto_free char *id = column_dup(s, 0);
		*rows = xrealloc(*rows, (*n + 1) * sizeof(**rows));
		struct id_range_row *row = &(*rows)[(*n)++];
		snprintf(row->container_id, sizeof(row->container_id), "%s", id ? id : "");
		row->first = (uint32_t)column_int(s, 1);
		row->count = (uint32_t)column_int(s, 2);
		row->is_recorded = column_int(s, 3) != 0;
	}
	if (step < 0) {
		free(take_ptr(*rows));
		*n = 0;
	}
	return step < 0 ? step : 0;
}

int id_range_row_insert(struct db *db, const struct id_range_row *r, struct err *e)
{
	auto_stmt s = db_prepare(
		db, "INSERT INTO id_range(container_id, first, count) VALUES(?1, ?2, ?3)", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, r->container_id);
	bind_int(s, 2, r->first);
	bind_int(s, 3, r->count);
	int x = db_change(db, s, e);
	return x < 0 ? x : 0;
}

int id_range_row_delete(struct db *db, const char *container_id, struct err *e)
{
	auto_stmt s = db_prepare(db, "DELETE FROM id_range WHERE container_id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, container_id);
	int x = db_change(db, s, e);
	return x < 0 ? x : 0;
}
