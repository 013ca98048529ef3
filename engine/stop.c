/* stop, kill, wait: signals go through init's pidfd only, so that a reused process id is never
 * hit; the end is learnt from the monitor, which tells the exit code also where the row is gone
 * (--rm), and, where nobody listens, from the alive lock. */
#include "engine/start.h"
#include "base/err.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/scope.h"
#include "engine/attach.h"
#include "engine/event.h"
#include "engine/monitor.h"
#include "engine/pause.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_S = 10 };

static bool is_live(const struct container_row *row)
{
	return state_is_live(state_parse(row->state));
}

/* For its next start. */
static bool is_waiting(const struct container_row *row)
{
	return state_parse(row->state) == STATE_RESTARTING;
}

static int listen_for_end(struct store *s, const struct container_row *row)
{
	return attach_connect_or_wake(s, row, &(struct attach_hello){.wants_exit_only = 1});
}

/* Blocks until the monitor's lock is free. */
static int wait_for_lock(struct store *s, const struct container_row *row, struct err *e)
{
	auto_free char *path = store_path(s, "containers/%s/alive", row->id);
	auto_fd fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot open %s", path);
	int r = lock_take(fd, true);
	return r < 0 ? err_sysn(e, -r, "cannot lock %s", path) : 0;
}

/* Until the end is recorded. fd: from listen_for_end, or negative. The exit code; the row is as it
 * is then, or (--rm) as it was. */
static int wait_for_end(struct store *s, struct container_row *row, int fd, struct err *e)
{
	int code = fd >= 0 ? attach_wait_exit(fd, -1) : ATTACH_LOST;
	int r = 0;
	if (code == ATTACH_LOST)
		r = wait_for_lock(s, row, e);
	struct container_row now = {0};
	if (r == 0)
		r = container_row_find(s->db, row->id, &now, e);
	if (r == ROW_OK)
		r = container_reconcile(s, &now, e);
	if (r == ROW_OK) {
		container_row_deinit(row);
		*row = now;
	} else {
		container_row_deinit(&now);
	}
	if (r < 0)
		return r;
	if (code != ATTACH_LOST)
		return code;
	return r == ROW_OK ? row->exit_code : 128 + SIGKILL;
}

static int send_signal(int pidfd, const struct container_row *row, int sig, struct err *e)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 && errno != ESRCH)
		return err_sys(e, "cannot signal container %s", row->name);
	return 0;
}

static void record_kill(struct store *s, const struct container_row *row, int sig)
{
	struct err ignored;
	char number[16];
	snprintf(number, sizeof(number), "%d", sig);
	(void)event_container(s, row, "kill", EVENT_WITH("signal", number), &ignored);
}

/* The container's own stop signal and timeout. */
static int stop_config(const struct container_row *row, int *sig, int *timeout_s, struct err *e)
{
	auto_json config =
		json_parse(row->config, strlen(row->config), "the container's configuration", e);
	if (!config)
		return -e->code;
	const char *name = json_str(config, "Config/StopSignal");
	*sig = SIGTERM;
	if (!str_empty(name) && (*sig = signal_parse(name, e)) < 0)
		return *sig;
	if (*timeout_s == -2)
		*timeout_s = (int)json_int_or(config, "Config/StopTimeout", DEFAULT_TIMEOUT_S);
	return 0;
}

/* The user's will, in one transaction: no policy starts it again; one that waits for its next start
 * has ended. *row is as it is then. sig: the event's, 0 = none. */
static int mark_stopped(struct store *s, struct container_row *row, int sig, struct err *e)
{
	struct container_row now = {0};
	int r = db_begin(s->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	r = container_row_find(s->db, row->id, &now, e);
	bool is_same = r == ROW_OK && !strcmp(now.id, row->id);
	if (is_same && is_live(&now) && (r = container_row_set_stopped(s->db, row->id, e)) >= 0) {
		if (is_waiting(&now))
			r = container_row_set_ended(s->db, row->id, state_text(STATE_EXITED),
				now.exit_code, now.oom_killed, "", now.finished_ns, e);
		else if (sig)
			record_kill(s, &now, sig);
	}
	if (r < 0)
		db_rollback(s->db);
	else
		r = db_commit(s->db, e);
	if (is_same && r >= 0) {
		container_row_deinit(row);
		*row = now;
	} else {
		container_row_deinit(&now);
	}
	return r;
}

/* The row says that it has ended: its monitor need not wait for the next start. */
static int end_waiting(struct store *s, struct container_row *row, struct err *e)
{
	monitor_wake(&row->monitor);
	return wait_for_end(s, row, -1, e);
}

static int signal_and_wait(struct store *s, struct container_row *row, int pidfd, int sig,
	int timeout_s, struct err *e)
{
	int r = send_signal(pidfd, row, sig, e);
	if (r == 0)
		r = pause_signalled(s, row, sig, e);
	if (r < 0 || proc_wait_gone(pidfd, timeout_s < 0 ? -1 : timeout_s * 1000))
		return r;
	record_kill(s, row, SIGKILL);
	return send_signal(pidfd, row, SIGKILL, e);
}

int container_stop_with(
	struct store *s, struct container_row *row, int sig, int timeout_s, struct err *e)
{
	int own = SIGTERM;
	if (!is_live(row))
		return 0;
	int r = stop_config(row, &own, &timeout_s, e);
	if (r < 0)
		return r;
	if (sig == 0)
		sig = own;
	auto_fd end = listen_for_end(s, row);
	if ((r = mark_stopped(s, row, sig, e)) < 0)
		return r;
	if (is_waiting(row)) {
		r = end_waiting(s, row, e);
	} else {
		auto_fd pidfd = proc_open(&row->init);
		if (pidfd >= 0 && (r = signal_and_wait(s, row, pidfd, sig, timeout_s, e)) < 0)
			return r;
		r = wait_for_end(s, row, end, e);
	}
	struct err ignored;
	if (r >= 0)
		(void)event_container(s, row, "stop", NULL, &ignored);
	return r < 0 ? r : 0;
}

int container_stop(struct store *s, struct container_row *row, int timeout_s, struct err *e)
{
	return container_stop_with(s, row, 0, timeout_s, e);
}

/* Whether a signal of `kill` is meant to end it, as Docker judges: any, but where the container has
 * a stop signal of its own only that one and SIGKILL. */
static bool is_meant_to_end(const struct container_row *row, int sig)
{
	struct err ignored;
	auto_json config =
		json_parse(row->config, strlen(row->config), "the configuration", &ignored);
	const char *own = json_str(config, "Config/StopSignal");
	return sig == SIGKILL || str_empty(own) || signal_parse(own, &ignored) == sig;
}

static int not_running(const struct container_row *row, struct err *e)
{
	return err_set(e, EINVAL, "container %s is not running", row->id);
}

int container_kill(struct store *s, struct container_row *row, int signal, struct err *e)
{
	auto_fd end = -1;
	if (!is_live(row))
		return not_running(row, e);
	if (signal == SIGKILL)
		end = listen_for_end(s, row);
	int r = 0;
	if (is_meant_to_end(row, signal) || is_waiting(row))
		r = mark_stopped(s, row, signal, e);
	else
		record_kill(s, row, signal);
	if (r >= 0 && is_waiting(row)) {
		r = end_waiting(s, row, e);
		return r < 0 ? r : 0;
	}
	if (r < 0)
		return r;
	auto_fd pidfd = proc_open(&row->init);
	if (pidfd < 0)
		return not_running(row, e);
	r = pause_forbids(row, signal) ? 0 : send_signal(pidfd, row, signal, e);
	if (r == 0)
		r = pause_signalled(s, row, signal, e);
	/* Nothing survives this one: its user may count on the end, as with Docker. */
	if (r == 0 && signal == SIGKILL)
		r = wait_for_end(s, row, end, e);
	return r < 0 ? r : 0;
}

int container_wait(struct store *s, struct container_row *row, int *exit_code, struct err *e)
{
	int r = row->exit_code;
	if (is_live(row)) {
		auto_fd end = listen_for_end(s, row);
		r = wait_for_end(s, row, end, e);
	}
	*exit_code = r;
	return r < 0 ? r : 0;
}
