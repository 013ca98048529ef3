/* trash_row: what was removed and can come back, as rows. storage/keep.h is what others use. */
#ifndef STORAGE_DB_TRASH_ROW_H
#define STORAGE_DB_TRASH_ROW_H

#include <stddef.h>
#include <stdint.h>

struct db;
struct err;

struct trash_row {
	char *id, *kind, *name;
	int64_t removed_ns;
	char *content; /* JSON: what storage/keep.c wrote */
};
void trash_row_deinit(struct trash_row *r);

/* Replaces one of the same id (and lets its layers go). */
int trash_row_insert(struct db *db, const char *id, const char *kind, const char *name,
	int64_t removed_ns, const char *content, struct err *e);
/* Holds the layers of the container or the image of that id for it. */
int trash_row_hold_container(struct db *db, const char *trash_id, const char *id, struct err *e);
int trash_row_hold_image(struct db *db, const char *trash_id, const char *id, struct err *e);
/* And gives them to a container or an image that has its row again. */
int trash_row_give_container(struct db *db, const char *trash_id, const char *id, struct err *e);
int trash_row_give_image(struct db *db, const char *trash_id, const char *id, struct err *e);
/* Diff ids of its layers that no image and no container holds. */
int trash_row_unused_layers(
	struct db *db, const char *trash_id, char ***diff_ids, size_t *n, struct err *e);
/* Bytes of those. */
int trash_row_layer_bytes(struct db *db, const char *trash_id, int64_t *bytes, struct err *e);
/* Names of the volumes a container uses, as a JSON array. Owned. */
int trash_row_volumes_of(struct db *db, const char *container_id, char **json, struct err *e);

/* Newest first. */
int trash_row_list(struct db *db, struct trash_row **out, size_t *n, struct err *e);
int trash_row_exists(struct db *db, const char *id, struct err *e);
int trash_row_delete(struct db *db, const char *id, struct err *e);
/* When the oldest went in; 0 where there is none. */
int trash_row_oldest(struct db *db, int64_t *removed_ns, struct err *e);

#endif
