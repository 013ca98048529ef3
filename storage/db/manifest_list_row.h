/* manifest_list_row: the lists of `moss manifest`, as rows. storage/manifest_list.h is what others
 * use. */
#ifndef STORAGE_DB_MANIFEST_LIST_ROW_H
#define STORAGE_DB_MANIFEST_LIST_ROW_H

struct db;
struct err;

/* ROW_OK or ROW_ABSENT; *content owned. */
int manifest_list_row_read(struct db *db, const char *name, char **content, struct err *e);
/* before: NULL = there must be none. Rows changed: 1, or 0 where it is another one now. */
int manifest_list_row_write(
	struct db *db, const char *name, const char *before, const char *content, struct err *e);
/* ROW_OK or ROW_ABSENT. */
int manifest_list_row_delete(struct db *db, const char *name, struct err *e);

#endif
