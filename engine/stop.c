/* stop, kill, wait: signals go through init's pidfd only, so that a reused process id is never
 * hit; the end is learnt from the monitor, which tells the exit code also where the row is gone
 * (--rm), and, where nobody listens, from the alive lock. */
#include "engine/start.h"
#include "base/clock.h"
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
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Two descriptors each: a process may have 1024. */
enum { DEFAULT_TIMEOUT_S = 10, STOP_AT_ONCE = 256 };

static bool is_live(const struct container_row *row)
{
	return state_is_live(state_parse(row->state));
}

/* For its next start. */
static bool is_waiting(const struct container_row *row)
{
	return state_parse(row->state) == STATE_RESTARTING;
}

/* Before exec: there is nothing that would hear a signal. */
static bool is_standing(const struct container_row *row)
{
	return state_parse(row->state) == STATE_INITIALIZED;
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
		else if (sig && !is_standing(&now))
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

/* The machine's will, not the user's: nothing is recorded of it, and the monitor is told, which
 * passes the stop signal on and keeps the policy still. */
static int shutdown_begin(struct container_stopping *x, int timeout_s, struct err *e)
{
	auto_fd monitor = proc_open(&x->row->monitor);
	if (monitor < 0)
		return 0;
	x->pidfd = proc_open(&x->row->init);
	x->deadline_ns = timeout_s < 0 ? INT64_MAX : clock_monotonic_ns() + timeout_s * NS_PER_S;
	return send_signal(monitor, x->row, SIGTERM, e);
}

/* The first step of a stop: the will is recorded, the signal sent. */
static int stop_begin(struct store *s, struct container_stopping *x, struct err *e)
{
	struct container_row *row = x->row;
	int own = SIGTERM, timeout_s = x->timeout_s;
	x->end = x->pidfd = -1;
	if (!(x->was_live = is_live(row)))
		return 0;
	int r = stop_config(row, &own, &timeout_s, e);
	if (r < 0)
		return r;
	int sig = x->signal ? x->signal : own;
	x->end = listen_for_end(s, row);
	if (x->is_shutdown)
		return shutdown_begin(x, timeout_s, e);
	if ((r = mark_stopped(s, row, sig, e)) < 0)
		return r;
	if ((x->was_waiting = is_waiting(row)))
		return 0;
	x->pidfd = proc_open(&row->init);
	x->deadline_ns = timeout_s < 0 ? INT64_MAX : clock_monotonic_ns() + timeout_s * NS_PER_S;
	if (is_standing(row))
		sig = SIGKILL;
	if (x->pidfd < 0 || (r = send_signal(x->pidfd, row, sig, e)) < 0)
		return r < 0 ? r : 0;
	return pause_signalled(s, row, sig, e);
}

/* What has not ended in its time is killed. */
static int stop_late(struct store *s, struct container_stopping *x, struct err *e)
{
	x->deadline_ns = INT64_MAX;
	record_kill(s, x->row, SIGKILL);
	return send_signal(x->pidfd, x->row, SIGKILL, e);
}

/* Until all have ended; each has its own time. */
static void stop_wait(struct store *s, struct container_stopping *x, size_t n)
{
	auto_free struct pollfd *p = xcalloc(n + 1, sizeof(*p));
	for (;;) {
		int64_t now = clock_monotonic_ns(), next = INT64_MAX;
		size_t left = 0;
		for (size_t i = 0; i < n; i++) {
			bool waits = x[i].result == 0 && x[i].pidfd >= 0 && !x[i].has_ended;
			if (waits && x[i].deadline_ns <= now)
				x[i].result = stop_late(s, &x[i], &x[i].e);
			if (waits && x[i].deadline_ns < next)
				next = x[i].deadline_ns;
			left += waits;
			p[i] = (struct pollfd){.fd = waits ? x[i].pidfd : -1, .events = POLLIN};
		}
		if (!left)
			return;
		int64_t ms = next == INT64_MAX ? -1 : (next - now + 999999) / 1000000;
		int ready = poll(p, n, ms > INT32_MAX ? INT32_MAX : (int)ms);
		for (size_t i = 0; ready > 0 && i < n; i++)
			x[i].has_ended |= p[i].revents != 0;
	}
}

static int stop_finish(struct store *s, struct container_stopping *x, struct err *e)
{
	struct err ignored;
	if (!x->was_live)
		return 0;
	int r = x->was_waiting ? end_waiting(s, x->row, e) : wait_for_end(s, x->row, x->end, e);
	if (r >= 0)
		(void)event_container(s, x->row, "stop", NULL, &ignored);
	return r < 0 ? r : 0;
}

static void stop_batch(struct store *s, struct container_stopping *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i].result = stop_begin(s, &x[i], &x[i].e);
	stop_wait(s, x, n);
	for (size_t i = 0; i < n; i++) {
		if (x[i].result == 0)
			x[i].result = stop_finish(s, &x[i], &x[i].e);
		scope_close(&x[i].end);
		scope_close(&x[i].pidfd);
	}
}

void container_stop_all(struct store *s, struct container_stopping *x, size_t n)
{
	for (size_t at = 0; at < n; at += STOP_AT_ONCE)
		stop_batch(s, x + at, n - at < STOP_AT_ONCE ? n - at : STOP_AT_ONCE);
}

int container_stop_with(
	struct store *s, struct container_row *row, int sig, int timeout_s, struct err *e)
{
	struct container_stopping x = {.row = row, .signal = sig, .timeout_s = timeout_s};
	container_stop_all(s, &x, 1);
	if (x.result < 0)
		*e = x.e;
	return x.result;
}

int container_restart(
	struct store *s, struct container_row *row, int sig, int timeout_s, struct err *e)
{
	const struct start_options detached = {0};
	int r = is_standing(row) ? 0 : container_stop_with(s, row, sig, timeout_s, e);
	if (r == 0)
		r = container_start(s, row, &detached, e);
	return r < 0 ? r : event_container(s, row, "restart", NULL, e);
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
	if (!is_live(row) || is_standing(row))
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

void container_will_signal(struct store *s, struct container_row *row, int signal)
{
	struct err ignored;
	if (is_meant_to_end(row, signal))
		(void)mark_stopped(s, row, signal, &ignored);
	else
		record_kill(s, row, signal);
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
