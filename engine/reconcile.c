/* reconcile: the row says what should be, the alive lock what is. A monitor that was killed leaves
 * a row that says running and a lock that is free; its container may still live for a moment (or
 * for long, where init had changed its credentials after asking for the death signal), so a free
 * lock alone proves nothing: init's pidfd is opened, its identity checked, it is killed and waited
 * for, and only then is the end recorded. Whoever does this holds the lock meanwhile. */
#include "engine/start.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/cgroup.h"
#include "engine/commit_pause.h"
#include "engine/ending.h"
#include "engine/enter.h"
#include "engine/monitor.h"
#include "engine/pause.h"
#include "engine/run_sweep.h"
#include "engine/state.h"
#include "storage/db/db.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KILL_WAIT_MS = 10000 };

/* Reads the row again. ROW_OK or ROW_ABSENT. */
static int refresh(struct store *s, struct container_row *row, struct err *e)
{
	struct container_row now = {0};
	int r = container_row_find(s->db, row->id, &now, e);
	if (r == ROW_OK && strcmp(now.id, row->id)) {
		container_row_deinit(&now);
		r = ROW_ABSENT;
	}
	if (r == ROW_OK) {
		container_row_deinit(row);
		*row = now;
	}
	return r;
}

/* 1 where nothing of it can be alive any more, as far as its row tells. */
static int end_init(const struct container_row *row, bool *same_boot, struct err *e)
{
	*same_boot = row->boot_id && !strcmp(row->boot_id, proc_boot_id());
	if (!*same_boot)
		return 0;
	auto_fd pidfd = proc_open(&row->init);
	if (pidfd < 0)
		return 0;
	uint64_t ns = proc_ns_inode(row->init.pid, "pid");
	if (ns && row->init.ns_ino && ns != row->init.ns_ino)
		return 0; /* the number belongs to someone else now */
	int r = proc_kill_wait(pidfd, KILL_WAIT_MS);
	return r < 0 ? err_sysn(e, -r, "cannot end container %s", row->name) : 0;
}

/* It has not run: it is what it was before. */
static int forget_init(struct store *s, struct container_row *row, struct err *e)
{
	int r = container_row_set_back(s->db, row, e);
	if (r < 0)
		return r;
	monitor_run_dir_remove(s->runroot, row->id);
	return refresh(s, row, e);
}

/* The lock is ours. */
static int finish(struct store *s, struct container_row *row, struct err *e)
{
	bool same_boot;
	int r = end_init(row, &same_boot, e);
	if (r < 0)
		return r;
	/* 137: the monitor's death killed it. 255, as Docker: the machine went down. */
	struct attach_ended how = {
		.finished_ns = clock_now_ns(), .exit_code = same_boot ? 137 : 255};
	if (row->cgroup && same_boot)
		cgroup_remove(row->cgroup);
	if (!strcmp(row->state, state_text(STATE_INITIALIZED)))
		return forget_init(s, row, e);
	/* One that was waiting for its next start had ended before. */
	if (!strcmp(row->state, state_text(STATE_RESTARTING))) {
		how.finished_ns = row->finished_ns;
		how.exit_code = row->exit_code;
		how.oom_killed = row->oom_killed;
	}
	r = ending_record_row(s, row, &how, NULL, e);
	if (r < 0)
		return r;
	monitor_run_dir_remove(s->runroot, row->id);
	if (s->needs_purge && row->auto_remove)
		(void)store_purge(s, enter_remove, e);
	return refresh(s, row, e);
}

int container_reconcile(struct store *s, struct container_row *row, struct err *e)
{
	enum container_state state = state_parse(row->state);
	if (state == STATE_REMOVING)
		return container_finish_removal(s, row, e);
	if (!state_is_live(state))
		return 0;
	auto_free char *path = store_path(s, "containers/%s/alive", row->id);
	auto_fd alive = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (alive < 0 && errno != ENOENT)
		return err_sys(e, "cannot open %s", path);
	int r = alive < 0 ? LOCK_TAKEN : lock_take(alive, false);
	if (r < 0)
		return err_sysn(e, -r, "cannot lock %s", path);
	if (r == LOCK_BUSY && state == STATE_PAUSED) {
		r = pause_reconcile(s, row, e);
		return r == 0 ? commit_pause_reconcile(s, row, e) : r;
	}
	if (r == LOCK_BUSY)
		return 0;
	r = refresh(s, row, e);
	if (r != ROW_OK || !state_is_live(state_parse(row->state)))
		return r;
	return finish(s, row, e);
}

static int reconcile_each(struct store *s, char **ids, size_t n, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < n; i++) {
		struct container_row row = {0};
		if (r >= 0)
			r = container_row_find(s->db, ids[i], &row, e);
		if (r == ROW_OK)
			r = container_reconcile(s, &row, e);
		container_row_deinit(&row);
	}
	return r < 0 ? r : 0;
}

static void free_ids(char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
}

int container_reconcile_all(struct store *s, struct err *e)
{
	char **live = NULL, **removing = NULL;
	size_t n_live = 0, n_removing = 0;
	int r = container_row_list_live(s->db, &live, &n_live, e);
	if (r >= 0)
		r = reconcile_each(s, live, n_live, e);
	if (r >= 0)
		r = container_row_list_removing(s->db, &removing, &n_removing, e);
	if (r >= 0)
		r = reconcile_each(s, removing, n_removing, e);
	if (r >= 0)
		run_sweep(s, live, n_live);
	free_ids(live, n_live);
	free_ids(removing, n_removing);
	return r;
}

int container_get(struct store *s, const char *what, struct container_row *out, struct err *e)
{
	*out = (struct container_row){0};
	int r = container_row_find(s->db, what, out, e);
	if (r == ROW_OK)
		r = container_reconcile(s, out, e);
	if (r == ROW_OK)
		return 0;
	container_row_deinit(out);
	*out = (struct container_row){0};
	if (r == ROW_AMBIGUOUS)
		r = err_set(e, EINVAL, "Multiple IDs found with provided prefix: %s", what);
	else if (r == ROW_ABSENT)
		r = err_set(e, ENOENT, "No such container: %s", what);
	return r;
}
