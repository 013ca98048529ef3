/* id_range_row: which ids containers with --userns=auto have for themselves.
 *
 * A range is taken before its container has a record: one whose container has neither a record, nor
 * a place in the trash, nor a folder is a dead command's or a removed container's, and is free. Who
 * looks for a range drops those first, in the same transaction.
 */
#ifndef STORAGE_DB_ID_RANGE_ROW_H
#define STORAGE_DB_ID_RANGE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct err;

struct id_range_row {
	char container_id[65];
	uint32_t first, count; /* ids of the shared user namespace */
	bool is_recorded; /* the container has a record, or can come back from the trash */
};

/* By first id; *rows is the caller's to free. */
int id_range_row_list(struct db *db, struct id_range_row **rows, size_t *n, struct err *e);
int id_range_row_insert(struct db *db, const struct id_range_row *r, struct err *e);
int id_range_row_delete(struct db *db, const char *container_id, struct err *e);

#endif
