#include "engine/monitor_internal.h"
#include "base/err.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Short-lived containers do not pay for giving memory back. */
enum { QUIET_MS = 500 };

int watch_add(struct monitor *m, struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};
	if (w->is_added && w->events == events)
		return 0;
	if (epoll_ctl(m->epoll, w->is_added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, &ev) < 0)
		return -errno;
	w->is_added = true;
	w->events = events;
	return 0;
}

void watch_remove(struct monitor *m, struct watch *w)
{
	if (w->is_added)
		(void)epoll_ctl(m->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->is_added = false;
}

static void timer_ready(struct monitor *m, struct watch *w, uint32_t events)
{
	uint64_t ticks;
	(void)events;
	if (read(w->fd, &ticks, sizeof(ticks)) == sizeof(ticks))
		((struct timer *)w)->fn(m);
}

int timer_set(struct monitor *m, struct timer *t, int64_t ms, void (*fn)(struct monitor *m))
{
	struct itimerspec at = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}};
	t->fn = fn;
	if (!t->watch.fn) {
		if (!ms)
			return 0;
		t->watch = (struct watch){.fn = timer_ready,
			.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
	}
	if (t->watch.fd < 0 || watch_add(m, &t->watch, EPOLLIN) < 0)
		return -errno;
	return timerfd_settime(t->watch.fd, 0, &at, NULL) < 0 ? -errno : 0;
}

/* Children that are not init: the network's and the file system's servers, orphans. Init is left
 * for init_ended, which needs its status. */
static void reap_others(struct monitor *m)
{
	siginfo_t si;
	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid == 0)
			return;
		if (si.si_pid == m->l.pid) {
			init_ended(m, &m->init, 0);
			if (!m->init_gone)
				return;
			continue;
		}
		(void)waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG);
		if (si.si_pid == m->checker)
			monitor_check_ended(
				m, si.si_code == CLD_EXITED ? si.si_status : HEALTH_NONE);
	}
}

static void woken(struct monitor *m)
{
	struct err e;
	(void)monitor_listen(m, &e);
	if (m->is_waiting)
		monitor_look_again(m);
}

/* The machine, or the user's session, comes to its end: no policy starts anything now. */
static void told_to_end(struct monitor *m)
{
	m->ended.is_last = 1;
	if (m->is_waiting)
		monitor_give_up_waiting(m);
	else if (m->is_standing)
		monitor_stand_down(m);
	else if (!m->init_gone)
		(void)syscall(SYS_pidfd_send_signal, m->l.pidfd,
			m->opt.stop_signal ? (int)m->opt.stop_signal : SIGTERM, NULL, 0);
}

static void signals_ready(struct monitor *m, struct watch *w, uint32_t events)
{
	struct signalfd_siginfo si;
	(void)events;
	while (read(w->fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap_others(m);
		else if (si.ssi_signo == SIGUSR1)
			woken(m);
		else
			told_to_end(m);
	}
}

int monitor_loop_open(struct monitor *m, struct err *e)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	/* Only now: what was started before inherits neither. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	m->signals.fn = signals_ready;
	if (m->epoll < 0 || m->signals.fd < 0 || watch_add(m, &m->signals, EPOLLIN) < 0)
		return err_sys(e, "cannot watch the container");
	return 0;
}

/* What a start has used goes back to the system: free memory, and the stack below us. In a frame of
 * its own: all that is in use lies above. */
static __attribute__((noinline)) void give_back(struct monitor *m)
{
	/* KEPT: the frames of what is called here. What lies below the stack is not mapped. */
	enum { KEPT = 4096, STACK_USED_MAX = 128 << 10 };
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t end = (here - KEPT) & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
	m->has_waste = false;
	(void)malloc_trim(0);
	(void)madvise((void *)(end - STACK_USED_MAX), STACK_USED_MAX, MADV_DONTNEED);
}

void monitor_loop(struct monitor *m, bool all_clients)
{
	struct epoll_event ev[16];
	monitor_balance(m);
	while (!m->is_over || (all_clients && m->clients)) {
		int n = epoll_wait(m->epoll, ev, 16, m->has_waste ? QUIET_MS : -1);
		if (n < 0 && errno != EINTR)
			return;
		if (n == 0)
			give_back(m);
		for (int i = 0; i < n; i++) {
			struct watch *w = ev[i].data.ptr;
			if (w->is_added) /* not taken out by an event before it in this round */
				w->fn(m, w, ev[i].events);
		}
		clients_sweep(m);
		monitor_look_at_row(m);
		monitor_balance(m);
	}
}
