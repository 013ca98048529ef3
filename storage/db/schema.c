/* schema: the tables, as migrations. Entry i brings version i to i + 1; a released entry never
 * changes. The text is parsed at every opening: it stays small, with few indexes.
 *
 * layer.id is the short name of its folder; layer_blob knows the compressed blobs a layer came
 * from. container_layer and image_layer hold layers against collection. A container does not hold
 * its image's record (rmi -f of an image in use takes the record, the layers stay).
 * container_layer.is_own: once this container's writable layer, taken by a commit; above those of
 * its image. image.tagged: when the user last gave it a name (LastTagTime of inspect). trash and
 * trash_layer: what `moss undo` can bring back (storage/keep.h).
 * layer_blob.made: how a blob was compressed here (storage/layer_blob.h). manifest_list: the lists
 * of `moss manifest` (storage/manifest_list.h). image_manifest, image_name.manifest: which
 * manifests an image is known by (storage/image_manifest.h). Times are nanoseconds since 1970.
 * Processes and boot_id are valid for that boot only.
 */
#include "storage/db/sql.h"
#include "base/err.h"

#include <errno.h>

static const char *const migrations[SCHEMA_VERSION] = {
	"CREATE TABLE layer(id TEXT PRIMARY KEY, diff_id TEXT NOT NULL UNIQUE, size INT NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE layer_blob(digest TEXT PRIMARY KEY, layer_id TEXT NOT NULL REFERENCES "
	"layer(id)"
	" ON DELETE CASCADE, size INT, media_type TEXT) WITHOUT ROWID;"
	"CREATE INDEX layer_blob_layer ON layer_blob(layer_id);"
	"CREATE TABLE image(id TEXT PRIMARY KEY, config TEXT NOT NULL, manifest_digest TEXT,"
	" size INT NOT NULL, created INT NOT NULL, added INT NOT NULL);"
	"CREATE TABLE image_layer(image_id TEXT REFERENCES image(id) ON DELETE CASCADE,"
	" position INT, layer_id TEXT NOT NULL REFERENCES layer(id),"
	" PRIMARY KEY(image_id, position)) WITHOUT ROWID;"
	"CREATE INDEX image_layer_layer ON image_layer(layer_id);"
	"CREATE TABLE image_name(name TEXT PRIMARY KEY, image_id TEXT NOT NULL REFERENCES image(id)"
	" ON DELETE CASCADE, is_digest INT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX image_name_image ON image_name(image_id);"
	"CREATE TABLE volume(name TEXT PRIMARY KEY, driver TEXT NOT NULL, labels TEXT, options "
	"TEXT,"
	" is_anonymous INT NOT NULL, needs_copy_up INT NOT NULL, created INT NOT NULL) WITHOUT "
	"ROWID;"
	"CREATE TABLE container(id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, image_id TEXT,"
	" image_name TEXT, state TEXT NOT NULL, config TEXT NOT NULL, driver TEXT NOT NULL,"
	" auto_remove INT NOT NULL, created INT NOT NULL, started INT NOT NULL, finished INT NOT "
	"NULL,"
	" exit_code INT NOT NULL, oom_killed INT NOT NULL, error TEXT, restart_count INT NOT NULL,"
	" boot_id TEXT, init_pid INT, init_start INT, init_ns INT, monitor_pid INT,"
	" monitor_start INT, monitor_ns INT, network TEXT);"
	"CREATE INDEX container_state ON container(state);"
	"CREATE TABLE container_layer(container_id TEXT REFERENCES container(id) ON DELETE CASCADE,"
	" position INT, layer_id TEXT NOT NULL REFERENCES layer(id),"
	" PRIMARY KEY(container_id, position)) WITHOUT ROWID;"
	"CREATE INDEX container_layer_layer ON container_layer(layer_id);"
	"CREATE TABLE container_volume(container_id TEXT REFERENCES container(id) ON DELETE "
	"CASCADE,"
	" volume TEXT NOT NULL REFERENCES volume(name),"
	" PRIMARY KEY(container_id, volume)) WITHOUT ROWID;"
	"CREATE INDEX container_volume_volume ON container_volume(volume);"
	"CREATE TABLE event(id INTEGER PRIMARY KEY, time INT NOT NULL, type TEXT NOT NULL,"
	" action TEXT NOT NULL, actor TEXT NOT NULL, attributes TEXT);"
	"PRAGMA user_version = 1;",
	"ALTER TABLE container ADD COLUMN is_stopped INT NOT NULL DEFAULT 0;"
	"ALTER TABLE container ADD COLUMN restart_policy TEXT;"
	"ALTER TABLE container ADD COLUMN health TEXT;"
	"ALTER TABLE container ADD COLUMN cgroup TEXT;"
	"CREATE TABLE trash(id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,"
	" removed INT NOT NULL, size INT, content TEXT NOT NULL) WITHOUT ROWID;"
	"PRAGMA user_version = 2;",
	"ALTER TABLE container_layer ADD COLUMN is_own INT NOT NULL DEFAULT 0;"
	"CREATE TABLE trash_layer(trash_id TEXT REFERENCES trash(id) ON DELETE CASCADE,"
	" position INT, layer_id TEXT NOT NULL REFERENCES layer(id), is_own INT NOT NULL,"
	" PRIMARY KEY(trash_id, position)) WITHOUT ROWID;"
	"CREATE INDEX trash_layer_layer ON trash_layer(layer_id);"
	"PRAGMA user_version = 3;",
	"CREATE TABLE id_range(container_id TEXT PRIMARY KEY, first INT NOT NULL, count INT NOT "
	"NULL) WITHOUT ROWID;"
	"PRAGMA user_version = 4;",
	"ALTER TABLE layer_blob ADD COLUMN made TEXT;"
	"CREATE TABLE manifest_list(name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;"
	"ALTER TABLE image ADD COLUMN tagged INT NOT NULL DEFAULT 0;"
	"PRAGMA user_version = 5;",
	/* Its pages have checksums: db.c makes the room before. */
	"PRAGMA user_version = 6;",
	/* Which manifest a reference by digest led to is only known where it is the one: an index
	 * has another digest. */
	"CREATE TABLE image_manifest(image_id TEXT REFERENCES image(id) ON DELETE CASCADE,"
	" digest TEXT, PRIMARY KEY(image_id, digest)) WITHOUT ROWID;"
	"INSERT INTO image_manifest SELECT id, manifest_digest FROM image"
	" WHERE manifest_digest IS NOT NULL;"
	"ALTER TABLE image_name ADD COLUMN manifest TEXT;"
	"UPDATE image_name SET manifest = (SELECT manifest_digest FROM image WHERE id = image_id"
	" AND (NOT is_digest OR substr(name, instr(name, '@') + 1) = manifest_digest));"
	"PRAGMA user_version = 7;",
};

int schema_version(struct db *db, struct err *e)
{
	auto_stmt s = db_prepare(db, "PRAGMA user_version", e);
	if (!s)
		return -e->code;
	int r = db_step(db, s, e);
	return r < 0 ? r : (int)column_int(s, 0);
}

int schema_migrate(struct db *db, struct err *e)
{
	int version = schema_version(db, e);
	if (version < 0 || version == SCHEMA_VERSION)
		return version;
	if (version > SCHEMA_VERSION) {
		err_set(e, EPROTO,
			"the store %s was written by a newer moss (database version %d, known: %d)",
			db->dir, version, SCHEMA_VERSION);
		return err_hint(e, "use the newer program, or another store with --root");
	}
	/* All versions in one transaction: a kill leaves the old database. */
	int rc = sqlite3_exec(db->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (int i = version; rc == SQLITE_OK && i < SCHEMA_VERSION; i++)
		rc = sqlite3_exec(db->sql, migrations[i], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return SCHEMA_VERSION;
	int r = db_error(db, rc, e);
	(void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	return r;
}
