#include "storage/db/image_row.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/image_manifest_row.h"
#include "storage/db/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int insert(struct db *db, const char *id, const char *config, const char *manifest_digest,
	int64_t size, int64_t created_ns, int64_t added_ns, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT INTO image(id, config, manifest_digest, size, created, added)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO NOTHING",
		e);
	auto_stmt u = db_prepare(db,
		"UPDATE image SET manifest_digest = ?2 WHERE id = ?1 AND manifest_digest IS NULL",
		e);
	if (!s || !u)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, config);
	bind_text(s, 3, manifest_digest);
	bind_int(s, 4, size);
	bind_int(s, 5, created_ns);
	bind_int(s, 6, added_ns);
	int is_new = db_change(db, s, e);
	if (is_new != 0)
		return is_new;
	bind_text(u, 1, id);
	bind_text(u, 2, manifest_digest);
	int r = db_change(db, u, e);
	return r < 0 ? r : 0;
}

int image_row_insert(struct db *db, const char *id, const char *config, const char *manifest_digest,
	int64_t size, int64_t created_ns, int64_t added_ns, struct err *e)
{
	int is_new = insert(db, id, config, manifest_digest, size, created_ns, added_ns, e);
	if (is_new < 0 || !manifest_digest)
		return is_new;
	int r = image_manifest_row_add(db, id, manifest_digest, e);
	return r < 0 ? r : is_new;
}

int image_row_add_layer(
	struct db *db, const char *id, size_t position, const char *layer_id, struct err *e)
{
	auto_stmt s = db_prepare(db, "INSERT OR IGNORE INTO image_layer VALUES(?1, ?2, ?3)", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_int(s, 2, (int64_t)position);
	bind_text(s, 3, layer_id);
	return db_change(db, s, e);
}

int image_row_set_name(struct db *db, const char *id, const char *name, bool is_digest,
	const char *manifest, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT INTO image_name(name, image_id, is_digest, manifest)"
		" VALUES(?1, ?2, ?3,"
		" (SELECT digest FROM image_manifest WHERE image_id = ?2 AND digest = ?4))"
		" ON CONFLICT(name) DO UPDATE SET image_id = excluded.image_id, manifest = "
		"excluded.manifest",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	bind_text(s, 2, id);
	bind_int(s, 3, is_digest);
	bind_text(s, 4, manifest);
	return db_change(db, s, e);
}

int image_row_drop_name(struct db *db, const char *name, struct err *e)
{
	auto_stmt s = db_prepare(db, "DELETE FROM image_name WHERE name = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	int r = db_change(db, s, e);
	return r < 0 ? r : r ? ROW_OK : ROW_ABSENT;
}

int image_row_delete(struct db *db, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db, "DELETE FROM image WHERE id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	int r = db_change(db, s, e);
	return r < 0 ? r : r ? ROW_OK : ROW_ABSENT;
}

/* The one row of a statement: its first column. */
static int only_one(struct db *db, sqlite3_stmt *s, const char *key, char **found, struct err *e)
{
	bind_text(s, 1, key);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	if (r == STEP_DONE)
		return ROW_ABSENT;
	char *first = column_dup(s, 0);
	r = db_step(db, s, e);
	if (r == STEP_DONE) {
		*found = first;
		return ROW_OK;
	}
	free(first);
	return r < 0 ? r : ROW_AMBIGUOUS;
}

int image_row_by_id(struct db *db, const char *id, char **found, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT id FROM image WHERE id = ?1", e);
	return s ? only_one(db, s, id, found, e) : -e->code;
}

int image_row_by_name(struct db *db, const char *name, char **found, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT image_id FROM image_name WHERE name = ?1", e);
	return s ? only_one(db, s, name, found, e) : -e->code;
}

int image_row_by_prefix(struct db *db, const char *prefix, char **found, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT id FROM image WHERE id >= 'sha256:' || ?1 AND id < 'sha256:' || ?1 || 'g'"
		" LIMIT 2",
		e);
	return s ? only_one(db, s, prefix, found, e) : -e->code;
}

void image_names_add(struct image_names *n, char *name, bool is_digest, char *manifest)
{
	strv_take(is_digest ? &n->digests : &n->names, name);
	strv_take(is_digest ? &n->digest_manifests : &n->name_manifests, manifest);
}

static char **never_null(const struct strv *list)
{
	return list->v ? list->v : xcalloc(1, sizeof(char *));
}

void image_names_give(struct image_names *n, struct image *image)
{
	image->names = never_null(&n->names);
	image->name_manifests = never_null(&n->name_manifests);
	image->digests = never_null(&n->digests);
	image->digest_manifests = never_null(&n->digest_manifests);
	*n = (struct image_names){0};
}

static int read_names(struct db *db, struct image *out, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT name, is_digest, manifest FROM image_name WHERE image_id = ?1 ORDER BY "
		"name",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, out->id);
	struct image_names names = {0};
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW)
		image_names_add(&names, column_dup(s, 0), column_int(s, 1) != 0, column_dup(s, 2));
	image_names_give(&names, out);
	return r < 0 ? r : 0;
}

static int read_manifests(struct db *db, struct image *out, struct err *e)
{
	struct strv list = STRV_INIT;
	int r = image_manifest_row_list(db, out->id, &list, e);
	out->manifests = never_null(&list);
	return r;
}

static int read_layers(struct db *db, struct image *out, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT layer.id, diff_id, layer.size FROM image_layer"
		" JOIN layer ON layer.id = layer_id WHERE image_id = ?1 ORDER BY position",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, out->id);
	auto_strv ids = STRV_INIT, diffs = STRV_INIT;
	auto_free int64_t *sizes = NULL;
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		sizes = xrealloc(sizes, (ids.n + 1) * sizeof(*sizes));
		sizes[ids.n] = column_int(s, 2);
		strv_take(&ids, column_dup(s, 0));
		strv_take(&diffs, column_dup(s, 1));
	}
	if (r < 0)
		return r;
	out->n_layers = ids.n;
	out->layer_ids = ids.v ? ids.v : xcalloc(1, sizeof(char *));
	out->diff_ids = diffs.v ? diffs.v : xcalloc(1, sizeof(char *));
	out->layer_sizes = take_ptr(sizes);
	ids = diffs = STRV_INIT;
	return 0;
}

int image_row_has_children(struct db *db, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT 1 FROM image WHERE instr(config, '\"moss.parent\":\"' || ?1 || '\"') LIMIT "
		"1",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	return db_step(db, s, e);
}

/* Looked for as text: inside a JSON string the quotes would be escaped. */
char *image_row_parent(const char *config)
{
	static const char key[] = "\"moss.parent\":\"";
	const char *at = config ? strstr(config, key) : NULL;
	if (!at)
		return NULL;
	at += strlen(key);
	return xstrndup(at, strcspn(at, "\""));
}

int image_row_read(struct db *db, const char *id, struct image *out, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT id, config, manifest_digest, size, created, tagged FROM image"
		" WHERE id = ?1",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	if (r == STEP_DONE)
		return ROW_ABSENT;
	*out = (struct image){
		.id = column_dup(s, 0),
		.config = column_dup(s, 1),
		.manifest_digest = column_dup(s, 2),
		.size = column_int(s, 3),
		.created_ns = column_int(s, 4),
		.tagged_ns = column_int(s, 5),
	};
	out->parent = image_row_parent(out->config);
	r = read_names(db, out, e);
	if (r == 0)
		r = read_manifests(db, out, e);
	if (r == 0)
		r = read_layers(db, out, e);
	if (r < 0)
		image_deinit(out);
	return r;
}

int image_row_set_tagged(struct db *db, const char *id, int64_t tagged_ns, struct err *e)
{
	auto_stmt s = db_prepare(db, "UPDATE image SET tagged = ?2 WHERE id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_int(s, 2, tagged_ns);
	int r = db_change(db, s, e);
	return r < 0 ? r : r ? ROW_OK : ROW_ABSENT;
}

int image_row_users(
	struct db *db, const char *id, char ***ids, char ***states, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(
		db, "SELECT id, state FROM container WHERE image_id = ?1 ORDER BY created", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	auto_strv found = STRV_INIT, in_state = STRV_INIT;
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		strv_take(&found, column_dup(s, 0));
		strv_take(&in_state, column_dup(s, 1));
	}
	if (r < 0)
		return r;
	*ids = found.v;
	*states = in_state.v;
	*n = found.n;
	found = in_state = STRV_INIT;
	return 0;
}
