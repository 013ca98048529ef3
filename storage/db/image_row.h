/* image_row: images, their names and layers, as rows. storage/image.h is what others use. */
#ifndef STORAGE_DB_IMAGE_ROW_H
#define STORAGE_DB_IMAGE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "storage/image.h"

struct db;
struct err;

/* Inserts, or where the image is known fills in a missing manifest digest. The manifest has its row
 * then, too. 1 = new, 0 = known. */
int image_row_insert(struct db *db, const char *id, const char *config, const char *manifest_digest,
	int64_t size, int64_t created_ns, int64_t added_ns, struct err *e);
int image_row_add_layer(
	struct db *db, const char *id, size_t position, const char *layer_id, struct err *e);
/* The name moves from whoever had it. manifest: what it leads to; NULL, or one that the
 * image has no more = its own. */
int image_row_set_name(struct db *db, const char *id, const char *name, bool is_digest,
	const char *manifest, struct err *e);
/* ROW_OK, ROW_ABSENT. */
int image_row_drop_name(struct db *db, const char *name, struct err *e);
/* ROW_OK, ROW_ABSENT. */
int image_row_delete(struct db *db, const char *id, struct err *e);

/* ROW_OK, ROW_ABSENT, ROW_AMBIGUOUS; *id owned. */
int image_row_by_id(struct db *db, const char *id, char **found, struct err *e);
int image_row_by_name(struct db *db, const char *name, char **found, struct err *e);
int image_row_by_prefix(struct db *db, const char *prefix, char **found, struct err *e);
/* 1 where an image was made from it, 0, -errno. */
int image_row_has_children(struct db *db, const char *id, struct err *e);
/* What image.parent is in the config's text. Owned, or NULL. */
char *image_row_parent(const char *config);
/* The names of an image while their rows are read. */
struct image_names {
	struct strv names, name_manifests, digests, digest_manifests;
};
/* Takes both texts; manifest may be NULL. */
void image_names_add(struct image_names *n, char *name, bool is_digest, char *manifest);
/* All of it becomes the image's. */
void image_names_give(struct image_names *n, struct image *image);
/* Everything about one. ROW_OK, ROW_ABSENT. */
int image_row_read(struct db *db, const char *id, struct image *out, struct err *e);
/* Everything about all, newest first, as they were at one moment. *out is an array of n, each to be
 * freed with image_deinit, and the array itself. */
int image_row_list(struct db *db, struct image **out, size_t *n, struct err *e);
/* When the user last gave it a name. ROW_OK, ROW_ABSENT. */
int image_row_set_tagged(struct db *db, const char *id, int64_t tagged_ns, struct err *e);
/* Containers made from it, with their states. */
int image_row_users(
	struct db *db, const char *id, char ***ids, char ***states, size_t *n, struct err *e);

#endif
