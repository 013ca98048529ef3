#include "storage/db/container_row.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                    \
	"id, name, image_id, image_name, state, config, driver, auto_remove, created, started, "   \
	"finished, exit_code, oom_killed, error, restart_count, boot_id, init_pid, init_start, "   \
	"init_ns, monitor_pid, monitor_start, monitor_ns, network, is_stopped, restart_policy, "   \
	"health, cgroup"

void container_row_deinit(struct container_row *r)
{
	free(r->name);
	free(r->image_id);
	free(r->image_name);
	free(r->state);
	free(r->config);
	free(r->driver);
	free(r->error);
	free(r->boot_id);
	free(r->network);
	free(r->restart_policy);
	free(r->health);
	free(r->cgroup);
	*r = (struct container_row){0};
}

static struct proc_id column_proc(sqlite3_stmt *s, int i)
{
	return (struct proc_id){
		.pid = (pid_t)column_int(s, i),
		.start = (uint64_t)column_int(s, i + 1),
		.ns_ino = (uint64_t)column_int(s, i + 2),
	};
}

static void row_read(sqlite3_stmt *s, struct container_row *r)
{
	*r = (struct container_row){
		.name = column_dup(s, 1),
		.image_id = column_dup(s, 2),
		.image_name = column_dup(s, 3),
		.state = column_dup(s, 4),
		.config = column_dup(s, 5),
		.driver = column_dup(s, 6),
		.auto_remove = column_int(s, 7),
		.created_ns = column_int(s, 8),
		.started_ns = column_int(s, 9),
		.finished_ns = column_int(s, 10),
		.exit_code = (int)column_int(s, 11),
		.oom_killed = column_int(s, 12),
		.error = column_dup(s, 13),
		.restart_count = (int)column_int(s, 14),
		.boot_id = column_dup(s, 15),
		.init = column_proc(s, 16),
		.monitor = column_proc(s, 19),
		.network = column_dup(s, 22),
		.is_stopped = column_int(s, 23),
		.restart_policy = column_dup(s, 24),
		.health = column_dup(s, 25),
		.cgroup = column_dup(s, 26),
	};
	const char *id = (const char *)sqlite3_column_text(s, 0);
	strncpy(r->id, id ? id : "", sizeof(r->id) - 1);
	if (!r->error)
		r->error = xstrdup("");
}

/* ROW_CONFLICT with its owner where the name is another's. */
static int name_check(struct db *db, const char *name, const char *id, char **other, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT id FROM container WHERE name = ?1 AND id <> ?2", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, name);
	bind_text(s, 2, id);
	int r = db_step(db, s, e);
	if (r != STEP_ROW)
		return r;
	if (other)
		*other = column_dup(s, 0);
	return ROW_CONFLICT;
}

static int insert_row(struct db *db, const struct container_row *r, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT INTO container(" COLUMNS
		") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
		"?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, "
		"?27)",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, r->id);
	bind_text(s, 2, r->name);
	bind_text(s, 3, r->image_id);
	bind_text(s, 4, r->image_name);
	bind_text(s, 5, r->state);
	bind_text(s, 6, r->config);
	bind_text(s, 7, r->driver);
	bind_int(s, 8, r->auto_remove);
	bind_int(s, 9, r->created_ns);
	bind_int(s, 10, r->started_ns);
	bind_int(s, 11, r->finished_ns);
	bind_int(s, 12, r->exit_code);
	bind_int(s, 13, r->oom_killed);
	bind_text(s, 14, r->error);
	bind_int(s, 15, r->restart_count);
	bind_text(s, 16, r->boot_id);
	bind_proc(s, 17, &r->init);
	bind_proc(s, 20, &r->monitor);
	bind_text(s, 23, r->network);
	bind_int(s, 24, r->is_stopped);
	bind_text(s, 25, r->restart_policy);
	bind_text(s, 26, r->health);
	bind_text(s, 27, r->cgroup);
	return db_change(db, s, e);
}

/* Those under the container count up from 0; what its image mounts only hold counts down. */
static int insert_layers(struct db *db, const char *id, const char *const *layer_ids, size_t n,
	int step, struct err *e)
{
	if (!n)
		return 0;
	auto_stmt s = db_prepare(db, "INSERT INTO container_layer(container_id, position, layer_id)"
		" VALUES(?1, ?2, ?3)",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	for (size_t i = 0; i < n; i++) {
		bind_int(s, 2, step > 0 ? (int64_t)i : -1 - (int64_t)i);
		bind_text(s, 3, layer_ids[i]);
		int r = db_change(db, s, e);
		if (r == -EEXIST)
			return err_set(e, ENOENT, "the image was removed meanwhile");
		if (r < 0)
			return r;
	}
	return 0;
}

static int insert_volumes(
	struct db *db, const char *id, const char *const *names, size_t n, struct err *e)
{
	if (!n)
		return 0;
	auto_stmt s = db_prepare(db, "INSERT OR IGNORE INTO container_volume VALUES(?1, ?2)", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	for (size_t i = 0; i < n; i++) {
		bind_text(s, 2, names[i]);
		int r = db_change(db, s, e);
		if (r == -EEXIST)
			return err_set(e, ENOENT, "the volume %s was removed meanwhile", names[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int container_row_insert(struct db *db, const struct container_row *row,
	const char *const *layer_ids, size_t n_layers, const char *const *volume_names,
	size_t n_volumes, char **other_id, struct err *e)
{
	int r = db_begin(db, row->auto_remove ? DB_NORMAL : DB_FULL, e);
	if (r < 0)
		return r;
	r = name_check(db, row->name, row->id, other_id, e);
	if (r == 0)
		r = insert_row(db, row, e);
	if (r == -EEXIST)
		err_set(e, EEXIST, "a container %s exists already", row->id);
	if (r == 1)
		r = insert_layers(db, row->id, layer_ids, n_layers, 1, e);
	if (r == 0)
		r = insert_volumes(db, row->id, volume_names, n_volumes, e);
	if (r == 0)
		return db_commit(db, e);
	db_rollback(db);
	return r;
}

int container_row_hold_layers(
	struct db *db, const char *id, const char *const *layer_ids, size_t n, struct err *e)
{
	return insert_layers(db, id, layer_ids, n, -1, e);
}

static int find_one(
	struct db *db, sqlite3_stmt *s, const char *text, struct container_row *out, struct err *e)
{
	bind_text(s, 1, text);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	if (r == STEP_DONE)
		return ROW_ABSENT;
	row_read(s, out);
	return ROW_OK;
}

static int find_by_id(struct db *db, const char *id, struct container_row *out, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT " COLUMNS " FROM container WHERE id = ?1", e);
	return s ? find_one(db, s, id, out, e) : -e->code;
}

static int find_by_name(struct db *db, const char *name, struct container_row *out, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT " COLUMNS " FROM container WHERE name = ?1", e);
	return s ? find_one(db, s, name, out, e) : -e->code;
}

static int find_by_prefix(struct db *db, const char *what, struct container_row *out, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT " COLUMNS " FROM container WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, what);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	if (r == STEP_DONE)
		return ROW_ABSENT;
	row_read(s, out);
	r = db_step(db, s, e);
	if (r == STEP_DONE)
		return ROW_OK;
	container_row_deinit(out);
	return r < 0 ? r : ROW_AMBIGUOUS;
}

int container_row_find(struct db *db, const char *what, struct container_row *out, struct err *e)
{
	size_t len = strlen(what);
	if (len == 64 && is_hex(what, len)) {
		int r = find_by_id(db, what, out, e);
		if (r != ROW_ABSENT)
			return r;
	}
	int r = find_by_name(db, *what == '/' ? what + 1 : what, out, e);
	if (r != ROW_ABSENT)
		return r;
	if (len == 0 || len >= 64 || !is_hex(what, len))
		return ROW_ABSENT;
	return find_by_prefix(db, what, out, e);
}

static int newest_first(const void *va, const void *vb)
{
	const struct container_row *a = va, *b = vb;
	if (a->created_ns != b->created_ns)
		return a->created_ns > b->created_ns ? -1 : 1;
	return strcmp(a->id, b->id);
}

/* Sorted here: SQLite would write rows of this size to a temporary file. */
int container_row_list(struct db *db, struct container_row **rows, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT " COLUMNS " FROM container", e);
	if (!s)
		return -e->code;
	struct container_row *list = NULL;
	size_t count = 0, room = 0;
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		if (count == room) {
			room = room ? 2 * room : 16;
			list = xrealloc(list, room * sizeof(*list));
		}
		row_read(s, &list[count++]);
	}
	if (r < 0) {
		while (count)
			container_row_deinit(&list[--count]);
		free(list);
		return r;
	}
	if (count)
		qsort(list, count, sizeof(*list), newest_first);
	*rows = list;
	*n = count;
	return 0;
}

int container_row_layers(struct db *db, const char *id, char ***layer_ids, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT layer_id FROM container_layer WHERE container_id = ?1 AND position >= 0"
		" ORDER BY position",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	return db_collect(db, s, layer_ids, n, e);
}

int container_row_layers_own(
	struct db *db, const char *id, char ***layer_ids, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT layer_id FROM container_layer WHERE container_id = ?1 AND is_own"
		" ORDER BY position",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	return db_collect(db, s, layer_ids, n, e);
}

int container_row_own_bytes(struct db *db, const char *id, int64_t *bytes, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT COALESCE(SUM(size), 0) FROM container_layer JOIN layer ON layer.id = layer_id"
		" WHERE container_id = ?1 AND is_own",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	int r = db_step(db, s, e);
	if (r < 0)
		return r;
	*bytes = column_int(s, 0);
	return 0;
}

int container_row_add_own_layer(
	struct db *db, const char *id, const char *layer_id, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"INSERT INTO container_layer(container_id, position, layer_id, is_own)"
		" SELECT ?1, COUNT(*), ?2, 1 FROM container_layer WHERE container_id = ?1"
		" AND position >= 0",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, layer_id);
	return db_change(db, s, e);
}

int container_row_rename(
	struct db *db, const char *id, const char *name, char **other_id, struct err *e)
{
	int r = db_begin(db, DB_FULL, e);
	if (r < 0)
		return r;
	auto_stmt s = db_prepare(db, "UPDATE container SET name = ?2 WHERE id = ?1", e);
	r = s ? name_check(db, name, id, other_id, e) : -e->code;
	if (r == 0) {
		bind_text(s, 1, id);
		bind_text(s, 2, name);
		r = db_change(db, s, e);
		r = r == 0 ? ROW_ABSENT : r < 0 ? r : ROW_OK;
	}
	if (r == ROW_OK)
		return db_commit(db, e);
	db_rollback(db);
	return r;
}

int container_row_list_removing(struct db *db, char ***ids, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db, "SELECT id FROM container WHERE state = 'removing'", e);
	return s ? db_collect(db, s, ids, n, e) : -e->code;
}

int container_row_list_live(struct db *db, char ***ids, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT id FROM container"
		" WHERE state IN ('initialized', 'running', 'paused', 'restarting')",
		e);
	return s ? db_collect(db, s, ids, n, e) : -e->code;
}

int container_row_monitors(struct db *db, struct proc_id **out, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT monitor_pid, monitor_start, monitor_ns FROM container"
		" WHERE state IN ('initialized', 'running', 'paused', 'restarting', 'removing')"
		" AND boot_id = ?1 AND monitor_pid > 0 ORDER BY started DESC",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, proc_boot_id());
	struct proc_id *list = NULL;
	size_t count = 0;
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW) {
		list = xrealloc(list, (count + 1) * sizeof(*list));
		list[count++] = column_proc(s, 0);
	}
	if (r < 0) {
		free(list);
		return r;
	}
	*out = list;
	*n = count;
	return 0;
}
