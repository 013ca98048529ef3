/* The lives after the first. Between two of them the monitor holds the alive lock, its sockets and
 * its log's folder, and nothing else: no network, no database, no memory of the last life. Who
 * wants it to stop waiting changes the row first, then wakes it (SIGUSR1); a start that comes at
 * the same moment finds that its row is not `restarting` any more, and takes itself back. */
#include "engine/monitor_internal.h"
#include "base/err.h"
#include "base/scope.h"
#include "engine/restart.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELPERS_PAUSE_MS = 20, HELPERS_TRIES = 100 };

static void over(struct monitor *m)
{
	m->is_waiting = false;
	m->restarts = false;
	m->is_over = true;
	clients_send_exit(m);
}

/* Servers of the last life that have not ended yet: slirp4netns may still hold the ports. */
static bool has_children(void)
{
	siginfo_t si = {0};
	while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG) == 0 && si.si_pid)
		si.si_pid = 0;
	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void start_again(struct monitor *m)
{
	struct err e = {0};
	if (has_children() && m->tries++ < HELPERS_TRIES &&
		timer_set(m, &m->again, HELPERS_PAUSE_MS, start_again) == 0)
		return;
	m->tries = 0;
	m->restarts = m->is_waiting = false;
	int r = monitor_launch_again(m, &e);
	if (r == 0) {
		monitor_write_pid(m->opt.pidfile, m->l.pid);
		monitor_write_pid(m->opt.conmon_pidfile, getpid());
	}
	launch_plan_free(take_ptr(m->plan));
	free(take_ptr(m->settings));
	if (r != 0) {
		monitor_end_life(m);
		monitor_close_streams(m);
		if (r < 0)
			monitor_record_failure(m, &e);
		over(m);
	}
	m->has_waste = true;
}

void monitor_rest(struct monitor *m)
{
	m->is_waiting = true;
	m->ended.must_restart = 0;
	monitor_end_life(m);
	m->delay_ms = restart_delay_ms(m->delay_ms, m->ended.finished_ns - m->started_ns);
	if (timer_set(m, &m->again, m->delay_ms, start_again) < 0)
		monitor_give_up_waiting(m);
	m->has_waste = true;
}

void monitor_look_again(struct monitor *m)
{
	if (!monitor_is_wanted(m))
		over(m);
	m->has_waste = true;
}

void monitor_give_up_waiting(struct monitor *m)
{
	m->ended.is_last = 1;
	monitor_record_end(m);
	over(m);
}
