#include "storage/db/layer_row.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/sql.h"
#include "storage/layer_blob.h"

#include <errno.h>
#include <stdlib.h>

int layer_row_exists(struct db *db, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT 1 FROM layer WHERE id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	return db_step(db, s, e);
}

int blob_is_used(struct db *db, const char *hex, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT 1 FROM image WHERE id = 'sha256:' || ?1"
		" UNION ALL SELECT 1 FROM image_manifest WHERE digest = 'sha256:' || ?1"
		" UNION ALL SELECT 1 FROM trash WHERE id = ?1 OR (kind = 'image'"
		" AND json_extract(content, '$.manifest_digest') = 'sha256:' || ?1)"
		" UNION ALL SELECT 1 FROM trash, json_each(content, '$.manifests') AS m"
		" WHERE kind = 'image' AND m.value = 'sha256:' || ?1",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, hex);
	return db_step(db, s, e);
}

static int one_text(struct db *db, sqlite3_stmt *s, const char *key, char **out, struct err *e)
{
	bind_text(s, 1, key);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	if (r == STEP_DONE)
		return ROW_ABSENT;
	*out = column_dup(s, 0);
	return ROW_OK;
}

int layer_row_by_diff(struct db *db, const char *diff_id, char **id, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT id FROM layer WHERE diff_id = ?1", e);
	return s ? one_text(db, s, diff_id, id, e) : -e->code;
}

int layer_row_diff_id(struct db *db, const char *id, char **diff_id, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT diff_id FROM layer WHERE id = ?1", e);
	return s ? one_text(db, s, id, diff_id, e) : -e->code;
}

int layer_row_by_blob(struct db *db, const char *blob_digest, char **diff_id, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT diff_id FROM layer_blob JOIN layer ON layer.id = layer_id WHERE digest = "
		"?1",
		e);
	return s ? one_text(db, s, blob_digest, diff_id, e) : -e->code;
}

int layer_row_insert(
	struct db *db, const char *id, const char *diff_id, int64_t size, struct err *e)
{
	auto_stmt s = db_prepare(db, "INSERT INTO layer VALUES(?1, ?2, ?3)", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, diff_id);
	bind_int(s, 3, size);
	return db_change(db, s, e);
}

int layer_row_add_blob(struct db *db, const char *layer_id, const char *digest, int64_t size,
	const char *media_type, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT OR REPLACE INTO layer_blob(digest, layer_id, size, media_type)"
		" VALUES(?1, ?2, ?3, ?4)",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, digest);
	bind_text(s, 2, layer_id);
	bind_int(s, 3, size);
	bind_text(s, 4, media_type);
	return db_change(db, s, e);
}

int layer_row_blob_made(struct db *db, const char *digest, const char *made, struct err *e)
{
	auto_stmt s = db_prepare(db, "UPDATE layer_blob SET made = ?2 WHERE digest = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, digest);
	bind_text(s, 2, made);
	return db_change(db, s, e);
}

int layer_row_blobs(
	struct db *db, const char *layer_id, struct layer_blob **out, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT digest, media_type, size, made FROM layer_blob WHERE layer_id = ?1"
		" ORDER BY made IS NOT NULL, digest",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, layer_id);
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		*out = xrealloc(*out, (*n + 1) * sizeof(**out));
		(*out)[(*n)++] = (struct layer_blob){.digest = column_dup(s, 0),
			.media_type = column_dup(s, 1),
			.size = column_int(s, 2),
			.made = column_dup(s, 3)};
	}
	return r < 0 ? r : 0;
}

int layer_row_repositories(struct db *db, const char *layer_id, struct strv *out, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT DISTINCT name FROM image_layer JOIN image_name USING (image_id)"
		" WHERE layer_id = ?1 AND is_digest ORDER BY name",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, layer_id);
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW)
		strv_take(out, column_dup(s, 0));
	return r < 0 ? r : 0;
}

int layer_row_collect(struct db *db, char ***ids, char ***diff_ids, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"DELETE FROM layer WHERE NOT EXISTS (SELECT 1 FROM image_layer WHERE layer_id = "
		"layer.id)"
		" AND NOT EXISTS (SELECT 1 FROM container_layer WHERE layer_id = layer.id)"
		" AND NOT EXISTS (SELECT 1 FROM trash_layer WHERE layer_id = layer.id)"
		" RETURNING id, diff_id",
		e);
	if (!s)
		return -e->code;
	auto_strv names = STRV_INIT, diffs = STRV_INIT;
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		strv_take(&names, column_dup(s, 0));
		strv_take(&diffs, column_dup(s, 1));
	}
	if (r < 0)
		return r;
	*ids = names.v;
	*diff_ids = diffs.v;
	*n = names.n;
	names = diffs = STRV_INIT;
	return 0;
}

#define IN_USE                                                                                     \
	"SELECT layer_id FROM container_layer JOIN container ON container.id = container_id"       \
	" WHERE state IN ('initialized', 'running', 'paused', 'restarting')"

int layer_row_ids(struct db *db, struct strv *out, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT id FROM layer LEFT JOIN (SELECT layer_id, max(added) AS added FROM "
		"image_layer JOIN image ON image.id = image_id GROUP BY layer_id) ON layer_id = id"
		" ORDER BY id IN (" IN_USE "), added DESC LIMIT 8000",
		e);
	return s ? db_collect_into(db, s, out, e) : -e->code;
}

int layer_row_in_use(struct db *db, struct strv *out, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT DISTINCT layer_id FROM (" IN_USE ")", e);
	return s ? db_collect_into(db, s, out, e) : -e->code;
}

int layer_row_size(struct db *db, const char *id, int64_t *size, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT size FROM layer WHERE id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	if (r == STEP_DONE)
		return ROW_ABSENT;
	*size = column_int(s, 0);
	return ROW_OK;
}

void layer_use_deinit(struct layer_use *u)
{
	free(u->layer_id);
	free(u->container_id);
}

int layer_row_uses(struct db *db, struct layer_use **rows, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT id, NULL, 0 FROM layer UNION ALL"
		" SELECT layer_id, container_id, 0 FROM container_layer UNION ALL"
		" SELECT layer_id, NULL, 1 FROM trash_layer",
		e);
	if (!s)
		return -e->code;
	*rows = NULL;
	*n = 0;
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		if (!(*n & (*n - 1)))
			*rows = xrealloc(*rows, (*n ? 2 * *n : 1) * sizeof(**rows));
		(*rows)[(*n)++] = (struct layer_use){
			column_dup(s, 0), column_dup(s, 1), column_int(s, 2) != 0};
	}
	return r;
}
