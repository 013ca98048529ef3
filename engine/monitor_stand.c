/* Init stands before exec and waits for a start: engine/stand.h says how that goes. Nothing wakes
 * the monitor meanwhile but clients that come and go. */
#include "engine/monitor_internal.h"
#include "base/err.h"
#include "base/scope.h"
#include "engine/state.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOK_AGAIN_MS = 1000 };

int monitor_stand(struct monitor *m, struct err *e)
{
	m->arg0 = xstrdup(m->l.arg0); /* the plan goes */
	m->l.arg0 = m->arg0;
	m->is_standing = true;
	return monitor_watch_init(m, e);
}

/* Exec did not work: told once it is recorded. */
static void fail(struct monitor *m, const struct err *e)
{
	m->ended.exit_code = e->status ? e->status : 128;
	m->init_gone = true;
	watch_remove(m, &m->init);
	monitor_end_life(m);
	monitor_close_streams(m);
	monitor_record_failure(m, e);
	clients_send(m, ATTACH_FAILED, e, sizeof(*e));
	monitor_finish(m);
}

static void let_go(struct monitor *m, int64_t started_ns)
{
	struct err e = {0};
	m->is_standing = m->must_look = false;
	m->started_ns = started_ns;
	if (monitor_let_run(m, &e) < 0)
		fail(m, &e);
	else
		clients_send(m, ATTACH_STARTED, NULL, 0);
}

void monitor_go(struct monitor *m, struct client *c, int64_t started_ns)
{
	if (m->init_gone)
		return;
	/* It has the database open, and somebody waits for it. */
	if (c->wants_stdin || c->wants_stdout || c->wants_stderr)
		c->is_front = true;
	if (m->is_standing)
		let_go(m, started_ns);
}

static void look_again(struct monitor *m) { m->must_look = m->is_standing; }

void monitor_look_at_row(struct monitor *m)
{
	struct err e = {0};
	int64_t started_ns;
	if (!m->must_look || !m->is_standing)
		return;
	m->must_look = false;
	int state = monitor_row_state(m, &started_ns, &e);
	if (state == STATE_RUNNING)
		let_go(m, started_ns);
	else if (state < 0) /* a full disk, say: who started it has gone, so it is for us to try */
		(void)timer_set(m, &m->again, LOOK_AGAIN_MS, look_again);
	m->has_waste = true;
}

void monitor_stand_down(struct monitor *m)
{
	m->goes_back = true;
	(void)syscall(SYS_pidfd_send_signal, m->l.pidfd, SIGKILL, NULL, 0);
}
