#include "storage/image.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/sha256.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/image_row.h"
#include "storage/db/layer_row.h"
#include "storage/intent.h"
#include "storage/keep.h"
#include "storage/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The image's id, then of its layers that are among `gone` (diff ids) the chain ids, top first, as
 * Docker lists them: a layer's digest with all that lies below it (OCI image-spec, layer
 * ChainID). */
static void list_deleted(const struct image *image, const struct strv *gone, struct strv *deleted)
{
	char(*chain)[72] = xcalloc(image->n_layers + 1, sizeof(*chain));
	for (size_t i = 0; i < image->n_layers; i++) {
		auto_free char *both =
			i ? xasprintf("%s %s", chain[i - 1], image->diff_ids[i]) : NULL;
		snprintf(chain[i], sizeof(chain[i]), "%s", i ? "sha256:" : image->diff_ids[i]);
		if (i)
			sha256_hex(both, strlen(both), chain[i] + strlen("sha256:"));
	}
	strv_add(deleted, image->id);
	for (size_t i = image->n_layers; i-- > 0;)
		if (strv_has(gone, image->diff_ids[i]))
			strv_add(deleted, chain[i]);
	free(chain);
}

static int keep_rows(struct store *s, const char *stage, const struct image *image,
	const struct image *was, struct strv *deleted, struct err *e)
{
	struct strv diffs = STRV_INIT;
	auto_strv replaced = STRV_INIT;
	int r = keep_replaced(s, image->id, &replaced, e);
	/* Their rows go with the image's; what the trash holds stays (intent.h). */
	for (char **m = image->manifests; r >= 0 && *m; m++)
		store_add_blob_path(&replaced, *m);
	if (r >= 0)
		r = intent_write(s, stage, &replaced, e);
	if (r >= 0)
		r = keep_image(s, image, was, e);
	if (r >= 0)
		r = image_row_delete(s->db, image->id, e);
	if (r >= 0)
		r = trash_row_unused_layers(
			s->db, str_after(image->id, "sha256:"), &diffs.v, &diffs.n, e);
	if (r >= 0)
		list_deleted(image, &diffs, deleted);
	strv_free(&diffs);
	return r < 0 ? r : 0;
}

/* Rows first, files after them: the intent is written before the commit, so a kill after it leaves
 * the list of what to move. */
static int delete_rows(struct store *s, const char *stage, const struct image *image,
	struct strv *deleted, struct err *e)
{
	int r = image_row_delete(s->db, image->id, e);
	if (r != ROW_OK)
		return r == ROW_ABSENT ? err_set(e, ENOENT, "No such image: %s", image->id) : r;
	char **ids = NULL, **diff_ids = NULL;
	size_t n = 0;
	r = layer_row_collect(s->db, &ids, &diff_ids, &n, e);
	if (r < 0)
		return r;
	struct strv layers = {ids, n}, diffs = {diff_ids, n};
	auto_strv paths = STRV_INIT;
	for (size_t i = 0; i < n; i++)
		strv_addf(&paths, "layers/%s", ids[i]);
	store_add_blob_path(&paths, image->id);
	for (char **m = image->manifests; *m; m++)
		store_add_blob_path(&paths, *m);
	list_deleted(image, &diffs, deleted);
	strv_free(&layers);
	strv_free(&diffs);
	return intent_write(s, stage, &paths, e);
}

int image_delete(struct store *s, const char *id, const struct image *was, char ***deleted,
	size_t *n, struct err *e)
{
	auto_free char *stage = NULL;
	int lock_fd = -1;
	int r = store_stage(s, &stage, &lock_fd, e);
	if (r < 0)
		return r;
	auto_strv list = STRV_INIT;
	struct image image = {0};
	r = db_begin(s->db, DB_FULL, e);
	if (r == 0) {
		r = image_row_read(s->db, id, &image, e);
		if (r == ROW_ABSENT)
			r = err_set(e, ENOENT, "No such image: %s", id);
		if (r >= 0)
			r = s->keeps ? keep_rows(s, stage, &image, was, &list, e)
				     : delete_rows(s, stage, &image, &list, e);
		if (r >= 0)
			r = db_commit(s->db, e);
		else
			db_rollback(s->db);
	}
	image_deinit(&image);
	intent_end(s, stage, lock_fd);
	if (r < 0)
		return r;
	*deleted = list.v;
	*n = list.n;
	list = STRV_INIT;
	return 0;
}
