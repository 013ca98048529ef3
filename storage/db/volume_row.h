/* volume_row: named volumes and who uses them. storage/volume.h is what others use. */
#ifndef STORAGE_DB_VOLUME_ROW_H
#define STORAGE_DB_VOLUME_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/volume.h"

struct db;
struct err;

/* 1 = inserted, 0 = there was one of that name. */
int volume_row_insert(struct db *db, const struct volume *v, struct err *e);
/* ROW_OK, ROW_ABSENT. The mountpoint is left NULL. */
int volume_row_find(struct db *db, const char *name, struct volume *out, struct err *e);
int volume_row_list(struct db *db, struct volume **out, size_t *n, struct err *e);
int volume_row_exists(struct db *db, const char *name, struct err *e);
int volume_row_delete(struct db *db, const char *name, struct err *e);
int volume_row_set_copied(struct db *db, const char *name, struct err *e);
int volume_row_users(struct db *db, const char *name, char ***ids, size_t *n, struct err *e);
int volume_row_anonymous_of(
	struct db *db, const char *container_id, char ***names, size_t *n, struct err *e);

#endif
