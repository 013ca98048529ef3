#include "storage/manifest_list.h"
#include "base/err.h"
#include "storage/db/db.h"
#include "storage/db/manifest_list_row.h"
#include "storage/store.h"

int manifest_list_read(struct store *s, const char *name, char **content, struct err *e)
{
	return manifest_list_row_read(s->db, name, content, e);
}

static int finish(struct store *s, int r, struct err *e)
{
	if (r < 0) {
		db_rollback(s->db);
		return r;
	}
	int committed = db_commit(s->db, e);
	return committed < 0 ? committed : r;
}

int manifest_list_write(
	struct store *s, const char *name, const char *before, const char *content, struct err *e)
{
	int r = db_begin(s->db, DB_FULL, e);
	return r < 0 ? r : finish(s, manifest_list_row_write(s->db, name, before, content, e), e);
}

int manifest_list_remove(struct store *s, const char *name, struct err *e)
{
	int r = db_begin(s->db, DB_FULL, e);
	return r < 0 ? r : finish(s, manifest_list_row_delete(s->db, name, e), e);
}
