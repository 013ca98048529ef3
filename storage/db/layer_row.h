/* layer_row: unpacked layers, and which compressed blobs they came from. */
#ifndef STORAGE_DB_LAYER_ROW_H
#define STORAGE_DB_LAYER_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct err;
struct layer_blob;
struct strv;

/* 1, 0 or -errno. */
int layer_row_exists(struct db *db, const char *id, struct err *e);
/* Is blobs/sha256/<hex> an image's config or manifest? 1, 0 or -errno. */
int blob_is_used(struct db *db, const char *hex, struct err *e);
/* ROW_OK or ROW_ABSENT; *id owned. */
int layer_row_by_diff(struct db *db, const char *diff_id, char **id, struct err *e);
/* ROW_OK or ROW_ABSENT; *diff_id owned. */
int layer_row_by_blob(struct db *db, const char *blob_digest, char **diff_id, struct err *e);
/* The other way round. */
int layer_row_diff_id(struct db *db, const char *id, char **diff_id, struct err *e);
int layer_row_insert(
	struct db *db, const char *id, const char *diff_id, int64_t size, struct err *e);
/* What is known about the blob replaces what was. */
int layer_row_add_blob(struct db *db, const char *layer_id, const char *digest, int64_t size,
	const char *media_type, struct err *e);
/* See storage/layer_blob.h. */
int layer_row_blob_made(struct db *db, const char *digest, const char *made, struct err *e);
int layer_row_blobs(struct db *db, const char *layer_id, struct layer_blob **out, size_t *n,
	struct err *e);
int layer_row_repositories(struct db *db, const char *layer_id, struct strv *out, struct err *e);
/* Of the layers that no image and no container holds: removes the rows and gives ids and diff ids
 * (two arrays of n, owned). */
int layer_row_collect(struct db *db, char ***ids, char ***diff_ids, size_t *n, struct err *e);
/* Short names of all (of 8,000 at most): first those that no running container has, the ones of the
 * newest images first. */
int layer_row_ids(struct db *db, struct strv *out, struct err *e);
/* Of those that a container has which runs, is paused or waits for its restart. */
int layer_row_in_use(struct db *db, struct strv *out, struct err *e);
int layer_row_size(struct db *db, const char *id, int64_t *size, struct err *e);

/* Who holds which layer, beside images: one row for each pair, and for each layer one without a
 * holder, as of one moment. rows is an array of n, each to be freed with layer_use_deinit. */
struct layer_use {
	char *layer_id;
	char *container_id; /* NULL: not a container's */
	bool is_in_trash;
};
void layer_use_deinit(struct layer_use *u);
int layer_row_uses(struct db *db, struct layer_use **rows, size_t *n, struct err *e);

#endif
