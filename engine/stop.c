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

static int listen_for_end(struct store *s, const struct container_row *row)
{
	return attach_connect(s, row->id, &(struct attach_hello){.wants_exit_only = 1});
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
	auto_fd pidfd = proc_open(&row->init);
	if (pidfd >= 0) {
		record_kill(s, row, sig);
		if ((r = send_signal(pidfd, row, sig, e)) < 0 ||
			(r = pause_signalled(s, row, sig, e)) < 0)
			return r;
		if (!proc_wait_gone(pidfd, timeout_s < 0 ? -1 : timeout_s * 1000)) {
			record_kill(s, row, SIGKILL);
			if ((r = send_signal(pidfd, row, SIGKILL, e)) < 0)
				return r;
		}
	}
	r = wait_for_end(s, row, end, e);
	struct err ignored;
	if (r >= 0)
		(void)event_container(s, row, "stop", NULL, &ignored);
	return r < 0 ? r : 0;
}

int container_stop(struct store *s, struct container_row *row, int timeout_s, struct err *e)
{
	return container_stop_with(s, row, 0, timeout_s, e);
}

int container_kill(struct store *s, struct container_row *row, int signal, struct err *e)
{
	auto_fd end = -1;
	auto_fd pidfd = is_live(row) ? proc_open(&row->init) : -1;
	if (pidfd < 0)
		return err_set(e, EINVAL, "container %s is not running", row->id);
	if (signal == SIGKILL)
		end = listen_for_end(s, row);
	int r = pause_forbids(row, signal) ? 0 : send_signal(pidfd, row, signal, e);
	if (r < 0)
		return r;
	record_kill(s, row, signal);
	if ((r = pause_signalled(s, row, signal, e)) < 0)
		return r;
	/* Nothing survives this one: its user may count on the end, as with Docker. */
	if (signal == SIGKILL)
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
