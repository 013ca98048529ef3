/* container_state: the changes of state. Each has the states it may start from in its WHERE:
 * whoever changes no row lost a race. */
#include "storage/db/container_row.h"
#include "base/err.h"
#include "storage/db/sql.h"

#include <errno.h>

/* Runs one change in a transaction of its own. */
static int change_one(struct db *db, enum db_durability d, sqlite3_stmt *s, struct err *e)
{
	int r = db_begin(db, d, e);
	if (r < 0)
		return r;
	r = db_change(db, s, e);
	if (r < 0) {
		db_rollback(db);
		return r;
	}
	int committed = db_commit(db, e);
	return committed < 0 ? committed : r ? ROW_OK : ROW_LOST;
}

int container_row_set_running(
	struct db *db, const struct container_row *r, const char *from_state, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET state = 'running', started = ?3, finished = ?4, exit_code = "
		"0,"
		" oom_killed = 0, error = NULL, restart_count = ?5, boot_id = ?6, init_pid = ?7,"
		" init_start = ?8, init_ns = ?9, monitor_pid = ?10, monitor_start = ?11,"
		" monitor_ns = ?12, network = ?13, is_stopped = ?14, health = ?15, cgroup = ?16"
		" WHERE id = ?1 AND state = ?2",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, r->id);
	bind_text(s, 2, from_state);
	bind_int(s, 3, r->started_ns);
	bind_int(s, 4, r->finished_ns);
	bind_int(s, 5, r->restart_count);
	bind_text(s, 6, r->boot_id ? r->boot_id : proc_boot_id());
	bind_proc(s, 7, &r->init);
	bind_proc(s, 10, &r->monitor);
	bind_text(s, 13, r->network);
	bind_int(s, 14, r->is_stopped);
	bind_text(s, 15, r->health);
	bind_text(s, 16, r->cgroup);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_initialized(
	struct db *db, const struct container_row *r, const char *from_state, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET state = 'initialized', boot_id = ?3, init_pid = ?4,"
		" init_start = ?5, init_ns = ?6, monitor_pid = ?7, monitor_start = ?8,"
		" monitor_ns = ?9, network = ?10, cgroup = ?11"
		" WHERE id = ?1 AND state = ?2",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, r->id);
	bind_text(s, 2, from_state);
	bind_text(s, 3, r->boot_id);
	bind_proc(s, 4, &r->init);
	bind_proc(s, 7, &r->monitor);
	bind_text(s, 10, r->network);
	bind_text(s, 11, r->cgroup);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_back(struct db *db, const struct container_row *r, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET state = CASE finished WHEN 0 THEN 'created' ELSE 'exited' END,"
		" boot_id = NULL, init_pid = 0, monitor_pid = 0, cgroup = NULL"
		" WHERE id = ?1 AND state = 'initialized' AND init_pid = ?2 AND init_start = ?3",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, r->id);
	bind_int(s, 2, r->init.pid);
	bind_int(s, 3, (int64_t)r->init.start);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_ended(struct db *db, const char *id, const char *to_state, int exit_code,
	bool oom_killed, const char *error, int64_t finished_ns, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET state = ?2, exit_code = ?3, oom_killed = ?4, error = ?5,"
		" finished = ?6, boot_id = NULL, init_pid = 0, monitor_pid = 0, cgroup = NULL,"
		" started = CASE ?2 WHEN 'created' THEN 0 ELSE started END"
		" WHERE id = ?1 AND state IN ('initialized', 'running', 'paused', 'restarting')",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, to_state);
	bind_int(s, 3, exit_code);
	bind_int(s, 4, oom_killed);
	bind_text(s, 5, error);
	bind_int(s, 6, finished_ns);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_change_state(
	struct db *db, const char *id, const char *from, const char *to, struct err *e)
{
	auto_stmt s =
		db_prepare(db, "UPDATE container SET state = ?3 WHERE id = ?1 AND state = ?2", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, from);
	bind_text(s, 3, to);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_restarting(struct db *db, const char *id, int exit_code, bool oom_killed,
	int64_t finished_ns, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET state = 'restarting', exit_code = ?2, oom_killed = ?3,"
		" error = NULL, finished = ?4, init_pid = 0, cgroup = NULL,"
		" restart_count = restart_count + 1"
		" WHERE id = ?1 AND state IN ('running', 'paused')",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_int(s, 2, exit_code);
	bind_int(s, 3, oom_killed);
	bind_int(s, 4, finished_ns);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_error(
	struct db *db, const char *id, int exit_code, const char *error, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET exit_code = ?2, error = ?3"
		" WHERE id = ?1 AND state IN ('created', 'exited')",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_int(s, 2, exit_code);
	bind_text(s, 3, error);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_stopped(struct db *db, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET is_stopped = 1"
		" WHERE id = ?1 AND state IN ('initialized', 'running', 'paused', 'restarting')",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_network(struct db *db, const char *id, const char *network, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET network = ?2"
		" WHERE id = ?1 AND state IN ('initialized', 'running')",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, network);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_restart_policy(
	struct db *db, const char *id, const char *policy, const char *config, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET restart_policy = ?2, config = ?3"
		" WHERE id = ?1 AND state <> 'removing'",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_text(s, 2, policy);
	bind_text(s, 3, config);
	return change_one(db, DB_FULL, s, e);
}

int container_row_set_health(
	struct db *db, const char *id, int64_t started_ns, const char *health, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET health = ?3"
		" WHERE id = ?1 AND started = ?2 AND state IN ('running', 'paused')",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_int(s, 2, started_ns);
	bind_text(s, 3, health);
	return change_one(db, DB_NORMAL, s, e);
}

int container_row_set_removing(struct db *db, const char *id, bool force, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"UPDATE container SET state = 'removing' WHERE id = ?1 AND state <> 'removing'"
		" AND (?2 OR state NOT IN ('running', 'paused', 'restarting'))",
		e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	bind_int(s, 2, force);
	return change_one(db, DB_FULL, s, e);
}

int container_row_delete(struct db *db, const char *id, struct err *e)
{
	auto_stmt s = db_prepare(db, "DELETE FROM container WHERE id = ?1", e);
	if (!s)
		return -e->code;
	bind_text(s, 1, id);
	int r = change_one(db, DB_NORMAL, s, e);
	return r == ROW_LOST ? ROW_ABSENT : r;
}
