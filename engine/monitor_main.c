/* moss-monitor: one for each running container.
 *
 * Theory of operation. The program is started by engine/start.c inside the shared user namespace
 * and answers to nobody: it has its own session, is the subreaper of what it starts, and goes on
 * when the command that started it dies. It is not dumpable from its first instruction on, so
 * that no container (not even with --pid=host) reads the user's files through its /proc entry; its
 * permitted capabilities stay, or nothing could join its user namespace any more.
 *
 * One thread, one epoll set. Everything it waits for is in the set; nothing else blocks once the
 * container runs. Output is read only while every attached reader keeps up, input only while the
 * container takes it: what is slow holds back its container and nothing else, and nothing is
 * dropped.
 */
#include "engine/monitor_internal.h"
#include "base/err.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/scope.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

char monitor_scratch[ATTACH_FRAME_MAX];

static void harden(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_NAME, "moss-monitor");
	(void)umask(0077);
	for (int fd = MON_FD_CONTROL; fd <= MON_FD_STREAM; fd++)
		(void)fd_set_cloexec(fd, true);
	(void)!chdir("/");
}

static void report(struct monitor *m, const struct err *e)
{
	struct mon_msg msg = {.type = MON_FAILED, .e = *e};
	if (msg_send(m->control, &msg, sizeof(msg), NULL, 0) < 0 && m->has_go && !m->opt.stands)
		monitor_record_failure(m, e);
}

static int start(struct monitor *m, struct err *e)
{
	int r = monitor_prepare(m, e);
	if (r == 0)
		r = monitor_launch(m, e);
	return r;
}

static void let_go(struct monitor *m)
{
	launch_plan_free(take_ptr(m->plan));
	free(take_ptr(m->settings));
	free(take_ptr(m->arg0));
	free(take_ptr(m->container_dir));
	free(take_ptr(m->run_dir));
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct monitor m;
	(void)argc;
	harden();
	monitor_init(&m);
	if (secure_getenv("MOSS_DEBUG"))
		log_debug_on = 1;
	if (monitor_options_parse(&m.opt, argv, &e) < 0 || start(&m, &e) < 0) {
		monitor_undo(&m);
		report(&m, &e);
		let_go(&m);
		return 1;
	}
	launch_plan_free(take_ptr(m.plan));
	monitor_loop(&m, false);
	monitor_clean_up(&m);
	monitor_loop(&m, true);
	let_go(&m);
	return 0;
}
