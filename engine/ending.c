#include "engine/ending.h"
#include "base/err.h"
#include "base/scope.h"
#include "engine/event.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"
#include "storage/volume.h"

#include <stdlib.h>
#include <string.h>

/* Volumes of no type but bind: nothing to look for. */
static bool may_have_volumes(const struct container_row *row)
{
	return row->config && strstr(row->config, "\"volume\"");
}

/* The nameless volumes of a container, to be deleted once its row is gone: until then they are in
 * use. Each goes in a transaction of its own, and is durable. */
struct nameless {
	char **names;
	size_t n;
};

static int nameless_load(struct store *s, const struct container_row *row, bool asked,
	struct nameless *v, struct err *e)
{
	*v = (struct nameless){0};
	if (!asked || !may_have_volumes(row))
		return 0;
	return volume_list_anonymous_of(s, row->id, &v->names, &v->n, e);
}

static int nameless_delete(struct store *s, struct nameless *v, bool really, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < v->n; i++) {
		char **users = NULL;
		size_t n_users = 0;
		if (really && r >= 0)
			r = volume_delete(s, v->names[i], &users, &n_users, e);
		for (size_t k = 0; k < n_users; k++)
			free(users[k]);
		free(users);
		free(v->names[i]);
	}
	free(v->names);
	return r < 0 ? r : 0;
}

/* Commits where r >= 0, else takes everything back. */
static int conclude(struct store *s, int r, struct err *e)
{
	if (r >= 0)
		return db_commit(s->db, e);
	db_rollback(s->db);
	return r;
}

/* Files to the trash, then the row: in this order a death between leaves a row, which says that
 * something is still to be done. */
static int forget(struct store *s, const struct container_row *row, struct err *e)
{
	auto_free char *files = xasprintf("containers/%s", row->id);
	int r = store_trash(s, files, e);
	if (r >= 0)
		r = container_row_delete(s->db, row->id, e);
	return r == ROW_OK ? event_container(s, row, "destroy", NULL, e) : r;
}

int ending_forget(struct store *s, const struct container_row *row, bool volumes, struct err *e)
{
	struct nameless v;
	int r = nameless_load(s, row, volumes, &v, e);
	if (r >= 0 && (r = db_begin(s->db, DB_NORMAL, e)) == 0)
		r = conclude(s, forget(s, row, e), e);
	int deleted = nameless_delete(s, &v, r >= 0, e);
	return r < 0 ? r : deleted;
}

static int record_end(struct store *s, const struct container_row *row,
	const struct attach_ended *ended, struct err *e)
{
	int r = container_row_set_ended(s->db, row->id, state_text(STATE_EXITED), ended->exit_code,
		ended->oom_killed, "", ended->finished_ns, e);
	if (r != ROW_OK)
		return r;
	r = event_container_die(s, row, ended, e);
	return r >= 0 && row->auto_remove ? forget(s, row, e) : r;
}

int ending_record_row(struct store *s, const struct container_row *row,
	const struct attach_ended *ended, struct err *e)
{
	struct nameless v;
	int r = nameless_load(s, row, row->auto_remove, &v, e);
	if (r >= 0 && (r = db_begin(s->db, DB_NORMAL, e)) == 0)
		r = conclude(s, record_end(s, row, ended, e), e);
	int deleted = nameless_delete(s, &v, r >= 0, e);
	return r < 0 ? r : deleted;
}

int ending_record(struct store *s, const char *id, const struct attach_ended *ended, struct err *e)
{
	struct container_row row = {0};
	int r = container_row_find(s->db, id, &row, e);
	if (r == ROW_OK)
		r = ending_record_row(s, &row, ended, e);
	container_row_deinit(&row);
	return r < 0 ? r : 0;
}

/* A command that cannot be executed is known after the start was told of, so its end is told, too.
 */
static int record_failure(
	struct store *s, const struct container_row *row, const struct err *failure, struct err *e)
{
	const struct attach_ended how = {
		.finished_ns = row->started_ns, .exit_code = failure->status ? failure->status : 128};
	int r = container_row_set_ended(s->db, row->id, state_text(STATE_CREATED), how.exit_code,
		false, failure->msg, 0, e);
	if (r != ROW_OK)
		return r;
	r = event_container_die(s, row, &how, e);
	return r >= 0 && row->auto_remove ? forget(s, row, e) : r;
}

int ending_record_failure(struct store *s, const char *id, const struct err *failure, struct err *e)
{
	struct container_row row = {0};
	struct nameless v = {0};
	int r = container_row_find(s->db, id, &row, e);
	if (r == ROW_OK && (r = nameless_load(s, &row, row.auto_remove, &v, e)) >= 0) {
		if ((r = db_begin(s->db, DB_NORMAL, e)) == 0)
			r = conclude(s, record_failure(s, &row, failure, e), e);
		int deleted = nameless_delete(s, &v, r >= 0, e);
		r = r < 0 ? r : deleted;
	}
	container_row_deinit(&row);
	return r < 0 ? r : 0;
}
