/* The clock of the health check (engine/health.h). Each check is a child of the monitor, which has
 * a database and may wait; its exit status tells the state the container is in. */
#include "engine/monitor_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/health.h"
#include "engine/start.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEFAULT_STOP_TIMEOUT_S = 10 };

static void check_is_due(struct monitor *m);

static void set_clock(struct monitor *m)
{
	bool starts = m->health == HEALTH_STARTING &&
		      clock_now_ns() - m->started_ns < m->opt.health_start_period_ms * 1000000;
	int64_t ms = starts ? m->opt.health_start_interval_ms : m->opt.health_interval_ms;
	(void)timer_set(m, &m->check, ms, check_is_due);
}

/* Holds nothing of the monitor's but its folder names: not the lock, above all. */
static _Noreturn void checker_main(struct monitor *m)
{
	struct store s;
	struct err e = {0};
	auto_container_row row = {0};
	int code, r;
	sigset_t none;
	fds_close_except(3, NULL, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if ((r = monitor_store(m, &s, &e)) == 0 &&
		(r = container_row_find(s.db, m->opt.id, &row, &e)) == ROW_OK)
		r = row.started_ns == m->started_ns ? health_check(&s, &row, &code, &e)
						    : HEALTH_NONE;
	else if (r > 0)
		r = HEALTH_NONE;
	if (r < 0)
		log_debug("cannot check the container's health: %s", e.msg);
	monitor_store_done(&s);
	_exit(r < 0 ? HEALTH_NONE : r);
}

static void check_is_due(struct monitor *m)
{
	m->checker = fork();
	if (m->checker == 0)
		checker_main(m);
	if (m->checker < 0) { /* no process to be had: the next time, perhaps */
		m->checker = 0;
		set_clock(m);
	}
}

static void signal_init(struct monitor *m, int sig)
{
	if (!m->init_gone)
		(void)syscall(SYS_pidfd_send_signal, m->l.pidfd, sig, NULL, 0);
}

static void stop_is_late(struct monitor *m) { signal_init(m, SIGKILL); }

static void stop_by_itself(struct monitor *m)
{
	signal_init(m, m->opt.stop_signal ? (int)m->opt.stop_signal : SIGTERM);
	int64_t s = m->opt.stop_timeout_given ? m->opt.stop_timeout : DEFAULT_STOP_TIMEOUT_S;
	if (s == 0)
		stop_is_late(m);
	else if (s > 0)
		(void)timer_set(m, &m->stop_late, s * 1000, stop_is_late);
}

static void act(struct monitor *m)
{
	switch ((enum health_action)m->opt.health_action) {
	case HEALTH_KILL:
		signal_init(m, SIGKILL);
		break;
	case HEALTH_RESTART:
		m->ended.must_restart = 1;
		stop_by_itself(m);
		break;
	case HEALTH_STOP:
		m->ended.is_last = 1;
		stop_by_itself(m);
		break;
	case HEALTH_DO_NOTHING:
		break;
	}
}

void monitor_check_ended(struct monitor *m, int status)
{
	enum health_status before = m->health;
	m->checker = 0;
	if (m->init_gone)
		return;
	if (status > HEALTH_NONE && status <= HEALTH_UNHEALTHY)
		m->health = (enum health_status)status;
	set_clock(m);
	if (m->health == HEALTH_UNHEALTHY && before != HEALTH_UNHEALTHY)
		act(m);
}

/* --timeout: the time of this run is over. */
static void expire(struct monitor *m)
{
	if (m->init_gone)
		return;
	m->is_expired = true;
	(void)syscall(SYS_pidfd_send_signal, m->l.pidfd, SIGKILL, NULL, 0);
}

void monitor_check_begin(struct monitor *m)
{
	m->is_expired = false;
	if (m->opt.timeout)
		(void)timer_set(m, &m->expiry, m->opt.timeout * 1000, expire);
	m->health = HEALTH_STARTING;
	if (m->opt.health_interval_ms)
		set_clock(m);
}

void monitor_check_end(struct monitor *m)
{
	m->checker =
		0; /* one that still runs finds its container gone, and is reaped as any other */
	(void)timer_set(m, &m->check, 0, check_is_due);
	(void)timer_set(m, &m->expiry, 0, expire);
	(void)timer_set(m, &m->stop_late, 0, stop_is_late);
}
