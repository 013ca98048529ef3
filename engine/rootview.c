#include "engine/rootview.h"
#include "base/err.h"
#include "base/guard.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/userns.h"
#include "engine/enter.h"
#include "engine/hold.h"
#include "engine/launch.h"
#include "engine/launch_plan.h"
#include "engine/rootview_internal.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

/* All that the process needs, gathered before the fork. */
struct view {
	const struct rootview_job *job;
	struct launch_plan *plan;
	struct proc_id init; /* pid 0: it is not running */
	struct proc_id *candidates;
	size_t n_candidates;
	int alive, sock, report, fd;
};

struct report {
	int result;
	struct err e;
};

/* ---- inside ---- */

static int run_inside(int root, void *arg, struct err *e)
{
	const struct view *v = arg;
	struct guard guard = GUARD_INIT;
	const struct rootview_inside in = {
		.root = root,
		.sock = v->sock,
		.fd = v->fd,
		.guard = v->job->has_guard ? &guard : NULL,
		.arg = v->job->arg,
	};
	/* Before the confinement, after which no process can be made. */
	int r = in.guard ? guard_start_idle(&guard, v->alive, rootview_confine, e) : 0;
	if (r == 0)
		r = rootview_confine(e);
	if (r == 0)
		r = v->job->run(&in, e);
	guard_end(&guard);
	return r;
}

/* The root without what is mounted on it. */
static int open_bare_root(struct err *e)
{
	auto_fd tree = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	auto_fd root = tree < 0 ? -1 : openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? err_sys(e, "cannot open the container's root alone") : take_fd(root);
}

static int join_and_run(const struct view *v, struct err *e)
{
	int r = launch_join(&v->init, CLONE_NEWUSER | CLONE_NEWNS, e);
	if (r < 0)
		return r;
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(e, "cannot become root of the user namespace");
	(void)setgroups(0, NULL); /* refused where the map has one id only */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	auto_fd root = v->job->what == ROOTVIEW_ROOT
			       ? open_bare_root(e)
			       : open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return e->code ? -e->code : err_sys(e, "cannot open the container's root");
	return run_inside(root, (void *)v, e);
}

static int mount_and_run(void *arg, struct err *e)
{
	const struct view *v = arg;
	return rootview_mounted(v->plan, v->job->what, run_inside, arg, e);
}

/* 0, 1 and 2 lead nowhere; of the descriptors only what is handed over stays. */
static int leave_behind(struct view *v, struct err *e)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_sys(e, "cannot open /dev/null");
	/* The command's own output, perhaps: its number is about to be another's. */
	if (v->fd >= 0 && v->fd < 3 && (v->fd = fcntl(v->fd, F_DUPFD_CLOEXEC, 3)) < 0)
		return err_sys(e, "cannot keep a descriptor");
	for (int i = 0; i < 3; i++)
		if (i < 2 || !log_debug_on)
			(void)dup2(null, i);
	const int keep[] = {v->sock, v->report, v->alive, v->fd};
	fds_close_except(3, keep, ARRAY_LEN(keep));
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

static _Noreturn void view_main(struct view *v, pid_t parent)
{
	struct report rep = {0};
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)setsid(); /* a terminal's ^C is for the front, which ends us */
	rep.result = leave_behind(v, &rep.e);
	const struct userns_candidates c = {v->candidates, v->n_candidates};
	if (rep.result == 0)
		rep.result = v->init.pid ? join_and_run(v, &rep.e)
					 : userns_call(&c, mount_and_run, v, &rep.e);
	(void)write_all(v->report, &rep, sizeof(rep));
	_exit(0);
}

/* ---- the parent ---- */

static int prepare(struct store *s, struct container_row *row, struct view *v, struct err *e)
{
	int r = container_hold(s, row, &v->alive, e);
	if (r < 0)
		return r;
	if (r > 0)
		v->init = row->init;
	auto_free char *bundle = store_path(s, "containers/%s", row->id);
	if ((r = launch_load(bundle, &v->plan, e)) < 0)
		return r;
	return enter_candidates(s, &v->candidates, &v->n_candidates, e);
}

static int fork_view(struct view *v, struct rootview *out, struct err *e)
{
	int pair[2], ends[2];
	int r = msg_pair(pair);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket pair");
	auto_fd mine = pair[0];
	auto_fd theirs = pair[1];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd report = ends[0];
	auto_fd report_far = ends[1];
	v->sock = theirs;
	v->report = report_far;
	pid_t parent = getpid();
	out->pid = fork();
	if (out->pid < 0)
		return err_sys(e, "cannot start a process");
	if (out->pid == 0)
		view_main(v, parent);
	out->sock = take_fd(mine);
	out->report = take_fd(report);
	return 0;
}

int rootview_start(struct store *s, struct container_row *row, const struct rootview_job *job,
	struct rootview *out, struct err *e)
{
	struct view v = {.job = job, .alive = -1, .fd = job->fd};
	*out = ROOTVIEW_INIT;
	int r = prepare(s, row, &v, e);
	if (r == 0)
		r = fork_view(&v, out, e);
	/* The lock lives on in the process. */
	scope_close(&v.alive);
	launch_plan_free(v.plan);
	free(v.candidates);
	return r;
}

int rootview_end(struct rootview *v, struct err *e)
{
	struct report rep;
	scope_close(&v->sock);
	v->sock = -1;
	ssize_t n = read_full(v->report, &rep, sizeof(rep));
	rootview_kill(v);
	if (n != (ssize_t)sizeof(rep))
		return err_set(e, ECHILD, "the process that looks into the container was killed");
	if (rep.result < 0)
		*e = rep.e;
	return rep.result;
}

void rootview_kill(struct rootview *v)
{
	if (v->pid > 0) {
		(void)kill(v->pid, SIGKILL);
		(void)spawn_wait(v->pid);
	}
	scope_close(&v->sock);
	scope_close(&v->report);
	*v = ROOTVIEW_INIT;
}

int rootview_call(
	struct store *s, struct container_row *row, const struct rootview_job *job, struct err *e)
{
	struct rootview v;
	int r = rootview_start(s, row, job, &v, e);
	return r < 0 ? r : rootview_end(&v, e);
}
