#include "storage/db/image_manifest_row.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db/sql.h"

int image_manifest_row_add(struct db *db, const char *id, const char *digest, struct err *e)
{
	auto_stmt s = db_prepare(db, "INSERT OR IGNORE INTO image_manifest VALUES(?1, ?2)", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, digest);
	return db_change(db, s, e);
}

int image_manifest_row_list(struct db *db, const char *id, struct strv *out, struct err *e)
{
	auto_stmt s = db_prepare(
		db, "SELECT digest FROM image_manifest WHERE image_id = ?1 ORDER BY digest", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	return db_collect_into(db, s, out, e);
}

/* A name without one leads to the image's own. */
#define UNNAMED                                                                                    \
	"NOT EXISTS (SELECT 1 FROM image_name JOIN image ON image.id = image_name.image_id"        \
	" WHERE image_name.image_id = image_manifest.image_id"                                     \
	" AND COALESCE(image_name.manifest, manifest_digest) = digest)"

/* The own one of an image without a name stays. */
int image_manifest_row_has_unnamed(struct db *db, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT 1 FROM image_manifest JOIN image ON image.id = image_id WHERE " UNNAMED
		" AND (digest <> manifest_digest OR EXISTS (SELECT 1 FROM image_name"
		" WHERE image_name.image_id = image.id)) LIMIT 1",
		e);
	return s ? db_step(db, s, e) : -e->code;
}

static int move_own(struct db *db, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE image SET manifest_digest = (SELECT manifest FROM image_name"
		" WHERE image_id = image.id ORDER BY is_digest, name LIMIT 1)"
		" WHERE EXISTS (SELECT 1 FROM image_name WHERE image_id = image.id) AND EXISTS"
		" (SELECT 1 FROM image_manifest WHERE image_id = image.id"
		" AND digest = image.manifest_digest AND " UNNAMED ")",
		e);
	return s ? db_change(db, s, e) : -e->code;
}

int image_manifest_row_settle(struct db *db, struct strv *gone, struct err *e)
{
	int r = move_own(db, e);
	if (r < 0)
		return r;
	auto_stmt s = db_prepare(db,
		"DELETE FROM image_manifest WHERE " UNNAMED " AND digest IS NOT"
		" (SELECT manifest_digest FROM image WHERE id = image_id) RETURNING digest",
		e);
	return s ? db_collect_into(db, s, gone, e) : -e->code;
}
