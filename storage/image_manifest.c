#include "storage/image_manifest.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/db.h"
#include "storage/db/image_manifest_row.h"
#include "storage/image.h"
#include "storage/intent.h"
#include "storage/store.h"

#include <string.h>

static const char *find(char *const *names, char *const *manifests, const char *name)
{
	for (size_t i = 0; names && names[i]; i++)
		if (!strcmp(names[i], name))
			return manifests[i];
	return NULL;
}

const char *image_manifest_of(const struct image *i, const char *name)
{
	const char *found = find(i->names, i->name_manifests, name);
	if (!found)
		found = find(i->digests, i->digest_manifests, name);
	return found ? found : i->manifest_digest;
}

/* The intent is written before the rows are gone for good. */
static int settle(struct store *s, const char *stage, struct err *e)
{
	auto_strv gone = STRV_INIT, paths = STRV_INIT;
	int r = image_manifest_row_settle(s->db, &gone, e);
	for (size_t i = 0; i < gone.n; i++)
		store_add_blob_path(&paths, gone.v[i]);
	return r < 0 ? r : intent_write(s, stage, &paths, e);
}

int image_manifests_settle(struct store *s, struct err *e)
{
	auto_free char *stage = NULL;
	int lock_fd = -1;
	int r = image_manifest_row_has_unnamed(s->db, e);
	if (r <= 0)
		return r;
	r = store_stage(s, &stage, &lock_fd, e);
	if (r < 0)
		return r;
	r = db_begin(s->db, DB_FULL, e);
	if (r == 0) {
		r = settle(s, stage, e);
		if (r < 0)
			db_rollback(s->db);
		else
			r = db_commit(s->db, e);
	}
	intent_end(s, stage, lock_fd);
	return r;
}
