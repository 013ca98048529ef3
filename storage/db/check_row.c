#include "storage/db/check_row.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db/check_page.h"
#include "storage/db/sql.h"

#include <stdlib.h>
#include <string.h>

static int integrity(struct db *db, bool is_quick, struct strv *problems, struct err *e)
{
	auto_stmt s = is_quick ? db_prepare(db, "PRAGMA quick_check(100)", e)
			       : db_prepare(db, "PRAGMA integrity_check(100)", e);
	int r;
	if (!s)
		return -e->code;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		char *line = column_dup(s, 0);
		if (line && strcmp(line, "ok") != 0)
			strv_addf(problems, "database: %s", line);
		free(line);
	}
	return r;
}

static int references(struct db *db, struct strv *problems, struct err *e)
{
	auto_stmt s = db_prepare(db, "PRAGMA foreign_key_check", e);
	int r;
	if (!s)
		return -e->code;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		char *from = column_dup(s, 0), *to = column_dup(s, 2);
		strv_addf(problems,
			"database: a row of table %s names one of table %s that is not "
			"there",
			from ? from : "?", to ? to : "?");
		free(from);
		free(to);
	}
	return r;
}

/* What no foreign key says. */
static int manifests(struct db *db, struct strv *problems, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT manifest_digest, id FROM image WHERE manifest_digest IS NOT NULL UNION ALL"
		" SELECT manifest, image_id FROM image_name WHERE manifest IS NOT NULL"
		" EXCEPT SELECT digest, image_id FROM image_manifest",
		e);
	int r;
	if (!s)
		return -e->code;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		char *digest = column_dup(s, 0), *id = column_dup(s, 1);
		strv_addf(problems, "database: image %s has no manifest %s", id ? id : "?",
			digest ? digest : "?");
		free(digest);
		free(id);
	}
	return r;
}

int check_row_database(struct db *db, bool is_quick, struct strv *problems, struct err *e)
{
	int r = check_pages(db, problems, e);
	if (r == 0)
		r = integrity(db, is_quick, problems, e);
	if (r >= 0)
		r = references(db, problems, e);
	return r < 0 ? r : manifests(db, problems, e);
}

void check_layer_row_deinit(struct check_layer_row *r)
{
	free(r->id);
	free(r->diff_id);
	free(r->blob);
	free(r->media_type);
}

int check_row_layers(struct db *db, struct check_layer_row **out, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT id, diff_id, digest, layer_blob.size, media_type FROM layer LEFT JOIN "
		"layer_blob ON layer_id = id GROUP BY id ORDER BY id",
		e);
	int r;
	*out = NULL;
	*n = 0;
	if (!s)
		return -e->code;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		*out = xrealloc(*out, (*n + 1) * sizeof(**out));
		(*out)[(*n)++] = (struct check_layer_row){
			.id = column_dup(s, 0),
			.diff_id = column_dup(s, 1),
			.blob = column_dup(s, 2),
			.blob_size = column_int(s, 3),
			.media_type = column_dup(s, 4),
			.is_local = sqlite3_column_type(s, 2) == SQLITE_NULL,
		};
	}
	return r;
}

int check_row_blobs(struct db *db, struct strv *out, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT substr(id, 8) FROM image UNION SELECT substr(digest, 8) FROM image_manifest"
		" UNION SELECT id FROM trash WHERE kind = 'image'"
		" UNION SELECT substr(json_extract(content, '$.manifest_digest'), 8) FROM trash"
		" WHERE kind = 'image' AND json_extract(content, '$.manifest_digest') IS NOT NULL"
		" UNION SELECT substr(m.value, 8) FROM trash, json_each(content, '$.manifests') AS "
		"m"
		" WHERE kind = 'image'",
		e);
	return s ? db_collect_into(db, s, out, e) : -e->code;
}

int check_row_layer_users(struct db *db, const char *layer_id, struct strv *names, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT DISTINCT name FROM container JOIN container_layer ON container_id = id"
		" WHERE layer_id = ?1 AND state IN ('running', 'paused', 'restarting')",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, layer_id);
	return db_collect_into(db, s, names, e);
}
