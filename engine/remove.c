/* remove: two steps, so that a kill at any point is finished by the next command. The row is
 * marked (durably) before any file is touched; then the files are renamed into the trash and the
 * row goes. The alive lock is held over both: no start can come between. Who removes also holds the
 * folder (flock): a mark without that is a dead remover's, whose work is taken over. */
#include "engine/start.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/scope.h"
#include "engine/ending.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "engine/monitor.h"
#include "engine/state.h"
#include "storage/db/db.h"
#include "storage/mounted.h"
#include "storage/store.h"
#include "storage/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* The last one of a container to go first writes its file system to the disk: a busy disk's time. */
enum { KILL_WAIT_MS = 60000 };

static int refuse(const struct container_row *row, enum container_state state, struct err *e)
{
	if (state == STATE_PAUSED)
		return err_set(e, EBUSY,
			"cannot remove container \"/%s\": container is paused and "
			"must be unpaused first",
			row->name);
	return err_set(e, EBUSY,
		"cannot remove container \"/%s\": container is %s: stop the "
		"container before removing or force remove",
		row->name, row->state);
}

/* The row is read again after the mark: a monitor may have started the container anew before it,
 * and does not do so after. One that waits with that is told. */
static int kill_init(struct store *s, const struct container_row *marked, struct err *e)
{
	auto_container_row now = {0};
	const struct container_row *row = marked;
	int found = container_row_find(s->db, marked->id, &now, e);
	if (found == ROW_OK)
		row = &now;
	if (found < 0 || !row->boot_id || strcmp(row->boot_id, proc_boot_id()))
		return found < 0 ? found : 0;
	if (!row->init.pid)
		monitor_wake(&row->monitor);
	auto_fd pidfd = proc_open(&row->init);
	int r = pidfd < 0 ? 0 : proc_kill_wait(pidfd, KILL_WAIT_MS);
	return r < 0 ? err_sysn(e, -r, "cannot kill container %s", row->name) : 0;
}

/* Marks it, unless a dead remover has. ROW_LOST: it is not what it was. */
static int mark(struct store *s, const struct container_row *row, enum container_state state,
	bool may_mark, struct err *e)
{
	if (state == STATE_REMOVING)
		return ROW_OK;
	if (!may_mark)
		return ROW_LOST;
	/* An initialized one that was started meanwhile is another case. */
	return container_row_set_removing(s->db, row->id, state_is_started(state), e);
}

/* Reads the row again after a moment: a start or an end is at work. */
static int look_again(struct store *s, struct container_row *row, struct err *e)
{
	struct container_row now = {0};
	(void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	int r = container_row_find(s->db, row->id, &now, e);
	if (r != ROW_OK || strcmp(now.id, row->id)) {
		container_row_deinit(&now);
		return r < 0 ? r : ROW_ABSENT;
	}
	container_row_deinit(row);
	*row = now;
	return 0;
}

static bool has_process(enum container_state state)
{
	return state == STATE_RUNNING || state == STATE_PAUSED;
}

/* A row that is marked records no end: of this one is told here. */
static void tell_killed(struct store *s, const struct container_row *row)
{
	struct err e;
	const struct attach_ended how = {
		.finished_ns = clock_now_ns(), .exit_code = 128 + SIGKILL};
	int r = db_begin(s->db, DB_NORMAL, &e);
	if (r == 0) {
		r = event_container(s, row, "kill", EVENT_WITH("signal", "9"), &e);
		r = r < 0 ? r : event_container_die(s, row, &how, &e);
		if (r < 0)
			db_rollback(s->db);
		else
			r = db_commit(s->db, &e);
	}
	if (r < 0)
		log_debug("the end of %s is not recorded: %s", row->name, e.msg);
}

/* Marked, its processes gone, the lock ours. ROW_ABSENT where another was faster. */
static int take_for_removal(
	struct store *s, struct container_row *row, bool force, int *alive, struct err *e)
{
	auto_free char *path = store_path(s, "containers/%s/alive", row->id);
	for (;;) {
		enum container_state state = state_parse(row->state);
		enum container_event ev = force ? EVENT_REMOVE_FORCE : EVENT_REMOVE;
		if (state_next(state, ev) == STATE_REFUSED)
			return refuse(row, state, e);
		auto_fd fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 && errno != ENOENT)
			return err_sys(e, "cannot open %s", path);
		int lock = fd < 0 ? LOCK_TAKEN : lock_take(fd, false);
		if (lock < 0)
			return err_sysn(e, -lock, "cannot lock %s", path);
		int r = mark(s, row, state, lock == LOCK_TAKEN || state_is_live(state), e);
		if (r == ROW_OK)
			r = kill_init(s, row, e);
		/* The monitor sees its container die and lets go. */
		if (r == ROW_OK && lock == LOCK_BUSY && (r = lock_take(fd, true)) < 0)
			r = err_sysn(e, -r, "cannot lock %s", path);
		if (r == ROW_OK && has_process(state))
			tell_killed(s, row);
		if (r == ROW_OK && s->keeps)
			r = upper_settle(s, row->id, e);
		if (r == ROW_OK)
			*alive = take_fd(fd);
		if (r != ROW_LOST)
			return r;
		close(take_fd(fd));
		if ((r = look_again(s, row, e)) != 0)
			return r;
	}
}

/* Waits for another remover. -1 where the folder is gone. */
static int hold_folder(struct store *s, const struct container_row *row, bool wait)
{
	auto_free char *path = store_path(s, "containers/%s", row->id);
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r;
	do
		r = fd < 0 ? -1 : flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
	while (r < 0 && fd >= 0 && errno == EINTR);
	return r < 0 ? -1 : take_fd(fd);
}

static int remove_held(struct store *s, struct container_row *row, int *folder, bool force,
	bool volumes, struct err *e)
{
	auto_fd alive = -1;
	int r = take_for_removal(s, row, force, &alive, e);
	if (r == 0) {
		auto_free char *dir = store_path(s, "containers/%s", row->id);
		mounted_end(dir);
	}
	if (r == 0 && (r = ending_forget(s, row, volumes || row->auto_remove, e)) < 0)
		(void)err_ctx(e, "cannot remove container %s", row->name);
	/* Purging leaves alone what is held. */
	scope_close(folder);
	*folder = -1;
	if (r >= 0 && s->needs_purge)
		r = store_purge(s, enter_remove, e);
	return r < 0 ? r : 0;
}

int container_remove(
	struct store *s, struct container_row *row, bool force, bool volumes, struct err *e)
{
	auto_fd folder = hold_folder(s, row, true);
	return remove_held(s, row, &folder, force, volumes, e);
}

int container_finish_removal(struct store *s, struct container_row *row, struct err *e)
{
	auto_fd folder = hold_folder(s, row, false);
	if (folder < 0)
		return 0; /* someone is at it, or has done it */
	int r = remove_held(s, row, &folder, true, false, e);
	return r < 0 ? r : ROW_ABSENT;
}
