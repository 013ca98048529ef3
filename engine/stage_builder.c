#include "engine/stage.h"
#include "base/msg.h"
#include "base/scope.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In the shared user namespace, with the host's files in sight. */
static int builder_fetch(struct inner *in, struct err *e)
{
	int r;
	if ((r = stage_join(in->p, e)) < 0 || (r = inner_fetch(in, e)) < 0 ||
		(r = stage_open_joined(in, e)) < 0)
		return r;
	if (plan_has_idmap(in->p) && (r = stage_open_outside(in, e)) < 0)
		return r;
	return stage_join_pid(in->p, e);
}

/* Our parent writes the maps: it stays in the shared namespace, where it has the right to. */
static int builder_map(struct err *e)
{
	struct sync_msg m = {.at = SYNC_UNSHARED};
	if (unshare(CLONE_NEWUSER) < 0)
		return err_sys(e, "cannot make a user namespace for the container");
	int r = msg_send(STAGE_SYNC_FD, &m, sizeof(m), NULL, 0);
	ssize_t n = r < 0 ? r : msg_recv(STAGE_SYNC_FD, &m, sizeof(m), NULL, NULL);
	if (n != (ssize_t)sizeof(m) || m.at != SYNC_MAPPED)
		return err_set(e, ECANCELED, "the container's user namespace was given up");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(e, "cannot become root of the container's user namespace");
	/* Refused where the shared namespace has one id only. */
	(void)setgroups(0, NULL);
	/* Each change of credentials clears it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

/* The child is init and the monitor's child; the builder's work is done. */
static int builder_hand_over(const struct launch_plan *p, struct err *e)
{
	struct clone_args args = {.flags = plan_ns_flags(p, true) | CLONE_PARENT};
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return err_sys(e, "cannot make the container's namespaces");
	if (pid > 0) {
		struct sync_msg m = {.at = SYNC_INIT, .init = (pid_t)pid};
		_exit(msg_send(STAGE_SYNC_FD, &m, sizeof(m), NULL, 0) < 0);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setsid() < 0)
		return err_sys(e, "cannot make a session");
	return 0;
}

void builder_main(const struct launch_plan *p, const int stdio[3], int sync)
{
	struct err e = {0};
	struct inner in = INNER_INIT(p);
	int r = inner_detach(stdio, p, sync, &e);
	if (r == 0)
		r = builder_fetch(&in, &e);
	if (r == 0 && plan_has_idmap(p))
		r = builder_map(&e);
	if (r == 0 && !p->ns[NS_PID].of)
		r = builder_hand_over(p, &e);
	else if (r == 0 && !plan_has_idmap(p))
		r = stage_new_cgroup_ns(p, &e);
	else if (r == 0 && unshare((int)plan_ns_flags(p, true)) < 0)
		r = err_sys(&e, "cannot make the container's namespaces");
	if (r < 0)
		stage_fail(&e);
	inner_go_on(&in);
}
