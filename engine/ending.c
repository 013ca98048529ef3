#include "engine/ending.h"
#include "base/err.h"
#include "base/scope.h"
#include "engine/event.h"
#include "engine/health.h"
#include "engine/restart.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/keep.h"
#include "storage/store.h"
#include "storage/volume.h"

#include <stdlib.h>
#include <string.h>

/* Volumes of no type but bind: nothing to look for. */
static bool may_have_volumes(const struct container_row *row)
{
	return row->config && strstr(row->config, "\"volume\"");
}

/* The nameless volumes of a container go in the transaction that takes its row: a death leaves both
 * or neither. They make it a durable one: their files are gone after it. */
struct nameless {
	char **names;
	size_t n;
	struct err failure; /* of a deletion: the container goes all the same (a full disk) */
};

static int nameless_load(struct store *s, const struct container_row *row, bool asked,
	struct nameless *v, struct err *e)
{
	*v = (struct nameless){0};
	if (!asked || !may_have_volumes(row))
		return 0;
	return volume_list_anonymous_of(s, row->id, &v->names, &v->n, e);
}

static void nameless_deinit(struct nameless *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->names[i]);
	free(v->names);
	*v = (struct nameless){0};
}

/* One that another container has begun to use stays. */
static void nameless_delete(struct store *s, struct nameless *v)
{
	bool keeps = s->keeps;
	s->keeps = false; /* `rm -v` says that they are not wanted */
	for (size_t i = 0; i < v->n; i++) {
		auto_strv users = STRV_INIT;
		(void)volume_delete(s, v->names[i], &users.v, &users.n, &v->failure);
	}
	s->keeps = keeps;
}

static int begin(struct store *s, const struct nameless *v, struct err *e)
{
	return db_begin(s->db, v->n ? DB_FULL : DB_NORMAL, e);
}

/* Commits where r >= 0, else takes everything back. */
static int conclude(struct store *s, int r, const struct nameless *v, struct err *e)
{
	if (r >= 0)
		r = db_commit(s->db, e);
	else
		db_rollback(s->db);
	store_settle(s);
	if (r < 0 || !v->failure.code)
		return r;
	*e = v->failure;
	return -e->code;
}

/* Files to the trash, then the row: in this order a death between leaves a row, which says that
 * something is still to be done. Its volumes last: until the row is gone they are in use. */
static int forget(
	struct store *s, const struct container_row *row, struct nameless *v, struct err *e)
{
	auto_free char *files = xasprintf("containers/%s", row->id);
	bool keeps = s->keeps && !row->auto_remove;
	int r = keeps ? keep_container(s, row, e) : store_trash(s, files, e);
	if (r >= 0 && !keeps)
		r = container_row_delete(s->db, row->id, e);
	if (r != ROW_OK)
		return r;
	nameless_delete(s, v);
	return event_container(s, row, "destroy", NULL, e);
}

int ending_forget(struct store *s, const struct container_row *row, bool volumes, struct err *e)
{
	struct nameless v;
	int r = nameless_load(s, row, volumes, &v, e);
	if (r >= 0 && (r = begin(s, &v, e)) == 0)
		r = conclude(s, forget(s, row, &v, e), &v, e);
	nameless_deinit(&v);
	return r;
}

/* Policy and the user's stop as they are in this transaction. */
static bool goes_on(const struct container_row *now, const struct attach_ended *ended)
{
	bool was_started = state_is_started(state_parse(now->state));
	if (!was_started || ended->is_last || now->is_stopped || now->auto_remove)
		return false;
	return ended->must_restart || restart_wanted_at_end(now, ended->exit_code);
}

/* now: the row as it is; `restarting` where another has recorded this end (a front whose answer
 * was late), with its event. */
static int record_end_of(struct store *s, const struct container_row *now,
	const struct attach_ended *ended, bool *restarts, struct err *e)
{
	bool is_recorded = !strcmp(now->state, state_text(STATE_RESTARTING));
	bool again = restarts && goes_on(now, ended);
	int r = health_suspend_row(s, now, e);
	if (r < 0)
		return r;
	if (!again)
		r = container_row_set_ended(s->db, now->id, state_text(STATE_EXITED),
			ended->exit_code, ended->oom_killed, "", ended->finished_ns, e);
	else if (!is_recorded)
		r = container_row_set_restarting(
			s->db, now->id, ended->exit_code, ended->oom_killed, ended->finished_ns, e);
	if (r == ROW_OK && restarts)
		*restarts = again;
	return r != ROW_OK || is_recorded ? r : event_container_die(s, now, ended, e);
}

static int record_end(struct store *s, const struct container_row *row,
	const struct attach_ended *ended, bool *restarts, struct nameless *v, struct err *e)
{
	struct container_row now = {0};
	int r = container_row_find(s->db, row->id, &now, e);
	if (r == ROW_OK)
		r = record_end_of(s, &now, ended, restarts, e);
	if (r >= 0 && r != ROW_LOST && row->auto_remove)
		r = forget(s, row, v, e);
	container_row_deinit(&now);
	return r;
}

int ending_record_row(struct store *s, const struct container_row *row,
	const struct attach_ended *ended, bool *restarts, struct err *e)
{
	struct nameless v;
	if (restarts)
		*restarts = false;
	int r = nameless_load(s, row, row->auto_remove, &v, e);
	if (r >= 0 && (r = begin(s, &v, e)) == 0)
		r = conclude(s, record_end(s, row, ended, restarts, &v, e), &v, e);
	if (r < 0 && restarts)
		*restarts = false;
	nameless_deinit(&v);
	return r;
}

int ending_record(struct store *s, const char *id, const struct attach_ended *ended, bool *restarts,
	struct err *e)
{
	struct container_row row = {0};
	*restarts = false;
	int r = container_row_find(s->db, id, &row, e);
	if (r == ROW_OK)
		r = ending_record_row(s, &row, ended, restarts, e);
	container_row_deinit(&row);
	return r < 0 ? r : 0;
}

/* A command that cannot be executed is known after the start was told of, so its end is told, too.
 */
static int record_failure(struct store *s, const struct container_row *row,
	const struct err *failure, struct nameless *v, struct err *e)
{
	const struct attach_ended how = {.finished_ns = row->started_ns,
		.exit_code = failure->status ? failure->status : 128};
	/* One that has run before stays one that has ended. */
	bool has_run = row->finished_ns != 0;
	int r = container_row_set_ended(s->db, row->id,
		state_text(has_run ? STATE_EXITED : STATE_CREATED), how.exit_code, false,
		failure->msg, has_run ? row->finished_ns : 0, e);
	if (r != ROW_OK)
		return r;
	if (strcmp(row->state, state_text(STATE_RESTARTING)) != 0) /* no start was told of */
		r = event_container_die(s, row, &how, e);
	return r >= 0 && row->auto_remove ? forget(s, row, v, e) : r;
}

int ending_record_failure(struct store *s, const char *id, const struct err *failure, struct err *e)
{
	struct container_row row = {0};
	struct nameless v = {0};
	int r = container_row_find(s->db, id, &row, e);
	if (r == ROW_OK && (r = nameless_load(s, &row, row.auto_remove, &v, e)) >= 0) {
		if ((r = begin(s, &v, e)) == 0)
			r = conclude(s, record_failure(s, &row, failure, &v, e), &v, e);
	}
	nameless_deinit(&v);
	container_row_deinit(&row);
	return r < 0 ? r : 0;
}
