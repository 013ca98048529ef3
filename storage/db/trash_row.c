#include "storage/db/trash_row.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db/sql.h"

#include <stdlib.h>

void trash_row_deinit(struct trash_row *r)
{
	free(r->id);
	free(r->kind);
	free(r->name);
	free(r->content);
	*r = (struct trash_row){0};
}

int trash_row_insert(struct db *db, const char *id, const char *kind, const char *name,
	int64_t removed_ns, const char *content, struct err *e)
{
	if (trash_row_delete(db, id, e) < 0)
		return -e->code;
	auto_stmt s = db_prepare(db,
		"INSERT INTO trash(id, kind, name, removed, content) VALUES(?1, ?2, ?3, ?4, ?5)",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, kind);
	bind_text(s, 3, name);
	bind_int(s, 4, removed_ns);
	bind_text(s, 5, content);
	return db_change(db, s, e);
}

/* A statement of two ids. */
static int two(struct db *db, sqlite3_stmt *s, const char *a, const char *b, struct err *e)
{
	if (!s)
		return -e->code;
	bind_text(s, 1, a);
	bind_text(s, 2, b);
	int r = db_change(db, s, e);
	return r < 0 ? r : 0;
}

int trash_row_hold_container(struct db *db, const char *trash_id, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT INTO trash_layer SELECT ?1, position, layer_id, is_own"
		" FROM container_layer WHERE container_id = ?2",
		e);
	return two(db, s, trash_id, id, e);
}

int trash_row_hold_image(struct db *db, const char *trash_id, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT INTO trash_layer SELECT ?1, position, layer_id, 0"
		" FROM image_layer WHERE image_id = ?2",
		e);
	return two(db, s, trash_id, id, e);
}

int trash_row_give_container(struct db *db, const char *trash_id, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT INTO container_layer(container_id, position, layer_id, is_own)"
		" SELECT ?2, position, layer_id, is_own FROM trash_layer WHERE trash_id = ?1",
		e);
	return two(db, s, trash_id, id, e);
}

int trash_row_give_image(struct db *db, const char *trash_id, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT OR IGNORE INTO image_layer(image_id, position, layer_id)"
		" SELECT ?2, position, layer_id FROM trash_layer WHERE trash_id = ?1",
		e);
	return two(db, s, trash_id, id, e);
}

#define HELD_BY_THIS_ONLY                                                                          \
	" FROM trash_layer t JOIN layer ON layer.id = t.layer_id WHERE t.trash_id = ?1"            \
	" AND NOT EXISTS (SELECT 1 FROM image_layer WHERE layer_id = t.layer_id)"                  \
	" AND NOT EXISTS (SELECT 1 FROM container_layer WHERE layer_id = t.layer_id)"              \
	" AND NOT EXISTS (SELECT 1 FROM trash_layer o WHERE o.layer_id = t.layer_id"               \
	" AND o.trash_id <> t.trash_id)"

int trash_row_unused_layers(
	struct db *db, const char *trash_id, char ***diff_ids, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT DISTINCT diff_id"
		" FROM trash_layer t JOIN layer ON layer.id = t.layer_id WHERE t.trash_id = ?1"
		" AND NOT EXISTS (SELECT 1 FROM image_layer WHERE layer_id = t.layer_id)"
		" AND NOT EXISTS (SELECT 1 FROM container_layer WHERE layer_id = t.layer_id)",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, trash_id);
	return db_collect(db, s, diff_ids, n, e);
}

int trash_row_layer_bytes(struct db *db, const char *trash_id, int64_t *bytes, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT COALESCE(SUM(size), 0)" HELD_BY_THIS_ONLY, e);
	if (!s)
		return -e->code;
	bind_text(s, 1, trash_id);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	*bytes = column_int(s, 0);
	return 0;
}

int trash_row_volumes_of(struct db *db, const char *container_id, char **json, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT json_group_array(volume) FROM container_volume WHERE container_id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, container_id);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	*json = column_dup(s, 0);
	return 0;
}

int trash_row_list(struct db *db, struct trash_row **out, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT id, kind, name, removed, content FROM trash ORDER BY removed DESC, id", e);
	struct trash_row *list = NULL;
	size_t count = 0;
	int r;
	if (!s)
		return -e->code;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		list = xrealloc(list, (count + 1) * sizeof(*list));
		list[count++] = (struct trash_row){
			.id = column_dup(s, 0),
			.kind = column_dup(s, 1),
			.name = column_dup(s, 2),
			.removed_ns = column_int(s, 3),
			.content = column_dup(s, 4),
		};
	}
	if (r < 0) {
		while (count)
			trash_row_deinit(&list[--count]);
		free(list);
		return r;
	}
	*out = list;
	*n = count;
	return 0;
}

int trash_row_exists(struct db *db, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT 1 FROM trash WHERE id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	return db_step(db, s, e);
}

int trash_row_delete(struct db *db, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db, "DELETE FROM trash WHERE id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	return db_change(db, s, e);
}

int trash_row_oldest(struct db *db, int64_t *removed_ns, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT COALESCE(MIN(removed), 0) FROM trash", e);
	if (!s)
		return -e->code;
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	*removed_ns = column_int(s, 0);
	return 0;
}
