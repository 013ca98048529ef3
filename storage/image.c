#include "storage/image.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/image_row.h"
#include "storage/db/layer_row.h"
#include "storage/image_manifest.h"
#include "storage/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void free_list(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

/* Entries may be NULL: as many as there are names. */
static void free_beside(char **list, char **names)
{
	for (size_t i = 0; list && names && names[i]; i++)
		free(list[i]);
	free(list);
}

void image_deinit(struct image *i)
{
	free_beside(i->name_manifests, i->names);
	free_beside(i->digest_manifests, i->digests);
	free_list(i->manifests);
	free(i->id);
	free(i->config);
	free(i->manifest_digest);
	free_list(i->names);
	free_list(i->digests);
	free_list(i->layer_ids);
	free_list(i->diff_ids);
	free(i->layer_sizes);
	free(i->parent);
	*i = (struct image){0};
}

int64_t image_created_parse(const char *text)
{
	int64_t ns;
	if (!text || !clock_parse_rfc3339(text, &ns))
		return 0;
	return ns == 0 && str_starts(text, "0001-") ? IMAGE_CREATED_NEVER : ns;
}

int64_t image_created_s(const struct image *i)
{
	return i->created_ns > 0 ? i->created_ns / NS_PER_S : 0;
}

int layer_find(struct store *s, const char *diff_id, char **layer_id, struct err *e)
{
	*layer_id = NULL;
	return layer_row_by_diff(s->db, diff_id, layer_id, e);
}

int layer_find_by_blob(struct store *s, const char *blob_digest, char **diff_id, struct err *e)
{
	*diff_id = NULL;
	return layer_row_by_blob(s->db, blob_digest, diff_id, e);
}

/* *by_name: it was the name that found it. */
static int find_id(struct db *db, const char *typed, const char *reference, char **id,
	bool *by_name, struct err *e)
{
	const char *hex = str_after(typed, "sha256:");
	const char *bare = hex ? hex : typed;
	size_t len = strlen(bare);
	bool is_prefix = len > 0 && len <= 64 && is_hex(bare, len);
	if (is_prefix && len == 64) {
		auto_strv full = STRV_INIT;
		strv_addf(&full, "sha256:%s", bare);
		int r = image_row_by_id(db, full.v[0], id, e);
		if (r != ROW_ABSENT)
			return r;
	}
	/* A name wins over a prefix of an id, as with Docker. */
	if (reference && !hex) {
		int r = image_row_by_name(db, reference, id, e);
		*by_name = r == ROW_OK;
		if (r != ROW_ABSENT)
			return r;
	}
	return is_prefix ? image_row_by_prefix(db, bare, id, e) : ROW_ABSENT;
}

int image_find(
	struct store *s, const char *typed, const char *reference, struct image *out, struct err *e)
{
	char *id = NULL;
	bool by_name = false;
	int r = find_id(s->db, typed, reference, &id, &by_name, e);
	if (r != ROW_OK)
		return r;
	r = image_row_read(s->db, id, out, e);
	free(id);
	const char *manifest = r == ROW_OK && by_name ? image_manifest_of(out, reference) : NULL;
	if (manifest && manifest != out->manifest_digest) {
		free(out->manifest_digest);
		out->manifest_digest = xstrdup(manifest);
	}
	return r;
}

int image_list(struct store *s, struct image **out, size_t *n, struct err *e)
{
	*out = NULL;
	*n = 0;
	return image_row_list(s->db, out, n, e);
}

void image_list_free(struct image *list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		image_deinit(&list[i]);
	free(list);
}

int image_is_parent(struct store *s, const char *id, struct err *e)
{
	return image_row_has_children(s->db, id, e);
}

bool image_has_children(const struct image *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].parent && !strcmp(list[i].parent, id))
			return true;
	return false;
}

int image_set_tagged(struct store *s, const char *id, struct err *e)
{
	int r = db_begin(s->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	r = image_row_set_tagged(s->db, id, clock_now_ns(), e);
	if (r >= 0)
		return db_commit(s->db, e);
	db_rollback(s->db);
	return r;
}

int image_tag(
	struct store *s, const char *id, const char *name, const char *manifest, struct err *e)
{
	const bool is_part = db_in_transaction(s->db);
	int r = db_begin(s->db, DB_FULL, e);
	if (r < 0)
		return r;
	char *found = NULL;
	r = image_row_by_id(s->db, id, &found, e);
	if (r == ROW_ABSENT)
		r = err_set(e, ENOENT, "No such image: %s", id);
	if (r == ROW_OK)
		r = image_row_set_name(s->db, id, name, false, manifest, e);
	if (r >= 0 && is_part)
		r = image_manifests_settle(s, e);
	free(found);
	if (r < 0)
		db_rollback(s->db);
	else
		r = db_commit(s->db, e);
	/* The tag is there without it, too: a later command does it. */
	struct err late = {0};
	if (r >= 0 && !is_part && image_manifests_settle(s, &late) < 0)
		log_debug("%s", late.msg);
	if (!is_part)
		store_settle(s);
	return r;
}

int image_untag(struct store *s, const char *name, struct err *e)
{
	int r = db_begin(s->db, DB_FULL, e);
	if (r < 0)
		return r;
	r = image_row_drop_name(s->db, name, e);
	if (r < 0) {
		db_rollback(s->db);
		return r;
	}
	int committed = db_commit(s->db, e);
	return committed < 0 ? committed : r;
}

int image_users(
	struct store *s, const char *id, char ***ids, char ***states, size_t *n, struct err *e)
{
	*ids = *states = NULL;
	*n = 0;
	return image_row_users(s->db, id, ids, states, n, e);
}
