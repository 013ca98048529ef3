#include "engine/rename.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/event.h"
#include "engine/parse_limit.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"

int container_name_conflict(const char *name, const char *owner_id, struct err *e)
{
	return err_set(e, EEXIST,
		"Conflict. The container name \"/%s\" is already in use by container \"%s\". You "
		"have to remove (or rename) that container to be able to reuse that name.",
		name, owner_id);
}

/* In the transaction. */
static int change(struct store *s, const struct container_row *row, const char *name, struct err *e)
{
	auto_free char *other = NULL;
	int r = container_row_rename(s->db, row->id, name, &other, e);
	if (r == ROW_CONFLICT)
		return container_name_conflict(name, other ? other : "", e);
	if (r == ROW_ABSENT)
		return err_set(e, ENOENT, "No such container: %s", row->name);
	if (r < 0)
		return r;
	struct container_row renamed = *row;
	auto_free char *now = xstrdup(name);
	auto_free char *old = xasprintf("/%s", row->name);
	renamed.name = now;
	return event_container(s, &renamed, "rename", EVENT_WITH("oldName", old), e);
}

int container_rename(
	struct store *s, const struct container_row *row, const char *typed, struct err *e)
{
	const char *name = *typed == '/' ? typed + 1 : typed;
	if (!strcmp(name, row->name))
		return err_set(
			e, EINVAL, "Renaming a container with the same name as its current name");
	if (!container_name_valid(name)) {
		err_set(e, EINVAL,
			"Invalid container name (/%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
			name);
		return err_ctx(e, "Error when allocating new name");
	}
	int r = db_begin(s->db, DB_FULL, e);
	if (r < 0)
		return r;
	r = change(s, row, name, e);
	if (r >= 0)
		return db_commit(s->db, e);
	db_rollback(s->db);
	return r == -EEXIST ? err_ctx(e, "Error when allocating new name") : r;
}
