#include "engine/ending.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"
#include "storage/volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int container_event(struct store *s, const struct container_row *row, const char *action,
	const char *more, struct err *e)
{
	auto_json attrs = json_object();
	json_set_str(attrs, "image", row->image_name);
	json_set_str(attrs, "name", row->name);
	auto_free char *text = json_text(attrs);
	auto_free char *all = NULL;
	if (more) {
		text[strlen(text) - 1] = '\0';
		all = xasprintf("%s,%s}", text, more);
	}
	return event_row_add(
		s->db, clock_now_ns(), "container", action, row->id, all ? all : text, e);
}

static int forget_volumes(struct store *s, char **names, size_t n, bool failed, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < n; i++) {
		char **users = NULL;
		size_t n_users = 0;
		if (r >= 0 && !failed)
			r = volume_delete(s, names[i], &users, &n_users, e);
		for (size_t k = 0; k < n_users; k++)
			free(users[k]);
		free(users);
		free(names[i]);
	}
	free(names);
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

/* Volumes of no type but bind: nothing to look for. */
static bool may_have_volumes(const struct container_row *row)
{
	return row->config && strstr(row->config, "\"volume\"");
}

static int forget(struct store *s, const struct container_row *row, bool volumes, struct err *e)
{
	char **names = NULL;
	size_t n = 0;
	auto_free char *files = xasprintf("containers/%s", row->id);
	int r = store_trash(s, files, e);
	if (r >= 0 && volumes)
		r = volume_list_anonymous_of(s, row->id, &names, &n, e);
	if (r >= 0)
		r = container_row_delete(s->db, row->id, e);
	if (r == ROW_OK)
		r = container_event(s, row, "destroy", NULL, e);
	int r2 = forget_volumes(s, names, n, r < 0, e);
	return r < 0 ? r : r2;
}

/* Deleting volumes is durable, and asks for a durable transaction around it. */
static int begin(struct store *s, bool volumes, struct err *e)
{
	return db_begin(s->db, volumes ? DB_FULL : DB_NORMAL, e);
}

int ending_forget(struct store *s, const struct container_row *row, bool volumes, struct err *e)
{
	bool looks = volumes && may_have_volumes(row);
	int r = begin(s, looks, e);
	return r < 0 ? r : conclude(s, forget(s, row, looks, e), e);
}

int ending_record_row(struct store *s, const struct container_row *row,
	const struct attach_ended *ended, struct err *e)
{
	char more[64];
	bool volumes = row->auto_remove && may_have_volumes(row);
	int r = begin(s, volumes, e);
	if (r < 0)
		return r;
	r = container_row_set_ended(s->db, row->id, state_text(STATE_EXITED), ended->exit_code,
		ended->oom_killed, "", ended->finished_ns, e);
	if (r == ROW_OK) {
		snprintf(more, sizeof(more), "\"exitCode\":\"%d\"", ended->exit_code);
		r = container_event(s, row, "die", more, e);
		if (r >= 0 && row->auto_remove)
			r = forget(s, row, volumes, e);
	}
	return conclude(s, r, e);
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

int ending_record_failure(struct store *s, const char *id, const struct err *failure, struct err *e)
{
	struct container_row row = {0};
	int r = container_row_find(s->db, id, &row, e);
	if (r == ROW_OK && row.auto_remove)
		r = ending_forget(s, &row, true, e);
	else if (r == ROW_OK)
		r = container_row_set_ended(s->db, id, state_text(STATE_CREATED),
			failure->status ? failure->status : 128, false, failure->msg, 0, e);
	container_row_deinit(&row);
	return r < 0 ? r : 0;
}
