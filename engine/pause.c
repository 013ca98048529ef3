#include "engine/pause.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/cgroup.h"
#include "engine/event.h"
#include "engine/health.h"
#include "engine/members.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FREEZE_TIMEOUT_MS = 10000, STUCK_MS = 1000 };

static bool is_state(const struct container_row *row, enum container_state state)
{
	return state_parse(row->state) == state;
}

/* ---- by signals ---- */

static void signal_member(const struct proc_id *id, int sig)
{
	auto_fd pidfd = proc_open(id);
	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* Asks every process that runs to stop. How many did, of them in *stuck those that wait for a
 * device, or for a child of vfork: they stop when they come back, and do nothing before. */
static int stop_round(const struct container_row *row, size_t *stuck, struct err *e)
{
	auto_members m = {0};
	int r = members_list(&row->init, &m, e), moving = 0;
	*stuck = 0;
	for (size_t i = 0; i < m.n; i++) {
		char state = member_state(&m.v[i]);
		if (!state || strchr("TtZXx", state))
			continue;
		signal_member(&m.v[i], SIGSTOP);
		*stuck += state == 'D';
		moving++;
	}
	return r < 0 ? r : moving;
}

/* A fork either sees the signal and starts over, or its child is there for the next round: one
 * round that finds nothing running is proof. */
static int stop_all(const struct container_row *row, struct err *e)
{
	int64_t begun = clock_monotonic_ns();
	for (long pause_ns = 200000;; pause_ns *= pause_ns < 20000000 ? 2 : 1) {
		size_t stuck;
		int moving = stop_round(row, &stuck, e);
		int64_t ms = (clock_monotonic_ns() - begun) / 1000000;
		if (moving <= 0 || ((size_t)moving == stuck && ms > STUCK_MS))
			return moving < 0 ? moving : 0;
		if (ms > FREEZE_TIMEOUT_MS)
			return err_set(e, ETIMEDOUT, "its processes do not stop");
		(void)nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
	}
}

static int continue_all(const struct container_row *row, struct err *e)
{
	auto_members m = {0};
	int r = members_list(&row->init, &m, e);
	for (size_t i = m.n; i-- > 0;)
		signal_member(&m.v[i], SIGCONT);
	return r;
}

/* ---- either way ---- */

static int stand_still(const struct container_row *row, struct err *e)
{
	return row->cgroup ? cgroup_freeze(row->cgroup, FREEZE_TIMEOUT_MS, e) : stop_all(row, e);
}

static int go_on(const struct container_row *row, struct err *e)
{
	return row->cgroup ? cgroup_thaw(row->cgroup, e) : continue_all(row, e);
}

static bool stands_still(const struct container_row *row)
{
	if (row->cgroup)
		return cgroup_is_frozen(row->cgroup) || !member_state(&row->init);
	/* Dead is still enough: its end is about to be recorded. */
	char state = member_state(&row->init);
	return !state || strchr("TtDZXx", state);
}

bool pause_forbids(const struct container_row *row, int signal)
{
	return signal == SIGCONT && !row->cgroup && is_state(row, STATE_PAUSED);
}

/* ---- the file that says that somebody is at it ---- */

/* The lock on a file that still has its name. *path is owned. LOCK_TAKEN with *fd, LOCK_BUSY, or
 * ROW_ABSENT where there is no such file and it is not to be made. */
static int work_begin(
	struct store *s, const struct container_row *row, bool make, int *fd, struct err *e)
{
	auto_free char *path = store_path(s, "containers/%s/pause", row->id);
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0);
	for (;;) {
		struct stat st;
		auto_fd file = open(path, flags, 0600);
		if (file < 0 && errno == ENOENT && !make)
			return ROW_ABSENT;
		if (file < 0)
			return err_sys(e, "cannot open %s", path);
		int r = lock_take(file, make);
		if (r < 0)
			return err_sysn(e, -r, "cannot lock %s", path);
		if (r == LOCK_BUSY)
			return LOCK_BUSY;
		if (fstat(file, &st) == 0 && st.st_nlink > 0) {
			*fd = take_fd(file);
			return LOCK_TAKEN;
		}
	}
}

static void work_end(struct store *s, const struct container_row *row, int fd)
{
	auto_free char *path = store_path(s, "containers/%s/pause", row->id);
	(void)unlink(path);
	close(fd);
}

/* ---- the row ---- */

static int refresh(struct store *s, struct container_row *row, struct err *e)
{
	struct container_row now = {0};
	int r = container_row_find(s->db, row->id, &now, e);
	if (r != ROW_OK)
		return r < 0 ? r : err_set(e, ENOENT, "No such container: %s", row->id);
	container_row_deinit(row);
	*row = now;
	return 0;
}

/* With its event, in one transaction. ROW_OK, ROW_LOST. */
static int record(struct store *s, struct container_row *row, enum container_state to,
	const char *action, struct err *e)
{
	int r = db_begin(s->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	r = container_row_change_state(s->db, row->id, row->state, state_text(to), e);
	if (r == ROW_OK && to == STATE_PAUSED)
		r = health_suspend_row(s, row, e);
	if (r == ROW_OK && action)
		r = event_container(s, row, action, NULL, e);
	if (r != ROW_OK) {
		db_rollback(s->db);
		return r;
	}
	r = db_commit(s->db, e);
	if (r == 0) {
		free(row->state);
		row->state = xstrdup(state_text(to));
	}
	return r;
}

static int ended(const struct container_row *row, struct err *e)
{
	return err_set(e, EINVAL, "container %s is not running", row->id);
}

static int pause_locked(struct store *s, struct container_row *row, struct err *e)
{
	int r = refresh(s, row, e);
	if (r < 0)
		return r;
	if (is_state(row, STATE_PAUSED))
		return err_set(e, EINVAL, "Container %s is already paused", row->id);
	if (is_state(row, STATE_RESTARTING))
		return err_set(e, EINVAL,
			"Container %s is restarting, wait until the container is running", row->id);
	if (!is_state(row, STATE_RUNNING))
		return ended(row, e);
	if ((r = record(s, row, STATE_PAUSED, NULL, e)) != ROW_OK)
		return r < 0 ? r : ended(row, e);
	if ((r = stand_still(row, e)) == 0) {
		struct err ignored;
		(void)event_container(s, row, "pause", NULL, &ignored);
		return 0;
	}
	struct err ignored = {0};
	if (go_on(row, &ignored) == 0)
		(void)record(s, row, STATE_RUNNING, NULL, &ignored);
	return err_ctx(e, "Cannot pause container %s", row->id);
}

int container_pause(struct store *s, struct container_row *row, struct err *e)
{
	int fd = -1;
	if (!state_is_live(state_parse(row->state)))
		return ended(row, e);
	int r = work_begin(s, row, true, &fd, e);
	if (r < 0)
		return r;
	r = pause_locked(s, row, e);
	work_end(s, row, fd);
	return r;
}

/* Lets the container go on and records it. */
static int resume(struct store *s, struct container_row *row, const char *action, struct err *e)
{
	int r = go_on(row, e);
	if (r < 0)
		return err_ctx(e, "Cannot unpause container %s", row->id);
	r = record(s, row, STATE_RUNNING, action, e);
	return r == ROW_LOST ? refresh(s, row, e) : r;
}

int container_unpause(struct store *s, struct container_row *row, struct err *e)
{
	int fd = -1;
	int r = is_state(row, STATE_PAUSED) ? work_begin(s, row, true, &fd, e) : 0;
	if (r < 0)
		return r;
	if (fd >= 0)
		r = refresh(s, row, e);
	if (r == 0 && !is_state(row, STATE_PAUSED))
		r = err_set(e, EINVAL, "Container %s is not paused", row->id);
	if (r == 0)
		r = resume(s, row, "unpause", e);
	if (fd >= 0)
		work_end(s, row, fd);
	return r;
}

int pause_signalled(struct store *s, struct container_row *row, int signal, struct err *e)
{
	struct err ignored;
	if (!is_state(row, STATE_PAUSED) || signal == SIGKILL)
		return 0;
	auto_json config = json_parse(row->config, strlen(row->config), "config", &ignored);
	const char *own = json_str(config, "Config/StopSignal");
	if (!str_empty(own) && signal_parse(own, &ignored) != signal)
		return 0;
	return container_unpause(s, row, e);
}

int pause_reconcile(struct store *s, struct container_row *row, struct err *e)
{
	int fd = -1;
	int r = work_begin(s, row, false, &fd, e);
	if (r < 0 || r == LOCK_BUSY)
		return r < 0 ? r : 0;
	if (r == ROW_ABSENT && stands_still(row))
		return 0;
	/* Somebody was killed over it, or another program has let it go on. */
	if (r == ROW_ABSENT && (r = work_begin(s, row, true, &fd, e)) < 0)
		return r;
	r = refresh(s, row, e);
	if (r == 0 && is_state(row, STATE_PAUSED))
		r = resume(s, row, "unpause", e);
	work_end(s, row, fd);
	return r;
}
