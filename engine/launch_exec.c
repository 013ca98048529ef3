/* exec: joining a running container. What the child does here happens among the container's
 * processes, so it looks at nothing of the container but by descriptor below its root, and holds
 * no descriptor of the host but the three it is given and its socket. */
#include "engine/launch.h"
#include "base/err.h"
#include "base/msg.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/cgroup.h"
#include "engine/cgroup_scope.h"
#include "engine/launch_plan.h"
#include "engine/parse_env.h"
#include "engine/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOIN_TRIES = 2500, JOIN_PAUSE_NS = 2000000 };

struct joiner {
	const struct launch_plan *p;
	const struct exec_request *r;
	const struct proc_id *init;
	struct seccomp_filter filter;
	struct user_ids user;
	struct caps caps;
	struct strv env;
	int root, stub;
	int cgroup, cgroup_ns; /* init's, -1 = none */
};

/* ---- the child, inside ---- */

static int joined_open_terminal(struct joiner *j, struct err *e)
{
	struct statfs fs;
	struct sync_msg m = {.at = SYNC_CONSOLE};
	int master = -1, slave = -1;
	auto_fd pts = path_open_in(j->root, "/dev/pts", O_PATH | O_DIRECTORY, 0);
	if (pts < 0 || fstatfs(pts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(e, ENODEV, "a terminal needs a devpts mount on /dev/pts");
	int r = stage_open_terminal(pts, j->r->rows, j->r->cols, &master, &slave, e);
	auto_fd mine = master;
	auto_fd theirs = slave;
	if (r == 0)
		r = stage_use_terminal(theirs, true, e);
	if (r < 0)
		return r;
	r = msg_send(STAGE_SYNC_FD, &m, sizeof(m), &mine, 1);
	return r < 0 ? err_sysn(e, -r, "cannot pass the terminal on") : 0;
}

static int joined_resolve_user(struct joiner *j, struct err *e)
{
	const char *text = j->r->user ? j->r->user : j->p->user_text;
	if (!text) {
		j->user.uid = j->p->uid;
		j->user.gid = j->p->gid;
	}
	int r = user_resolve(j->root, text, j->r->user ? NULL : j->p->group_add, &j->user, e);
	for (size_t i = 0; r == 0 && !j->r->user && i < j->p->n_gids; i++)
		user_add_group(&j->user, j->p->gids[i]);
	return r;
}

static int joined_build(struct joiner *j, const int stdio[3], int sync, struct err *e)
{
	/* In the cgroup by now: before, the namespace would have hidden where we came from. */
	if (j->cgroup_ns >= 0 && setns(j->cgroup_ns, CLONE_NEWCGROUP) < 0)
		return err_sys(e, "cannot join the container's cgroup namespace");
	int r = stage_take_fds(stdio, false, sync, &j->stub, e);
	if (r < 0)
		return r;
	stage_reset_signals();
	stage_leave_keyring();
	if (setsid() < 0)
		return err_sys(e, "cannot make a session");
	j->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (j->root < 0)
		return err_sys(e, "cannot open the container's root");
	if (j->r->terminal && (r = joined_open_terminal(j, e)) < 0)
		return r;
	return joined_resolve_user(j, e);
}

static int join(const struct launch_plan *p, const struct proc_id *init, struct err *e);

static _Noreturn void joined_main(struct joiner *j, const int stdio[3], int sync)
{
	struct err e = {0};
	int r = j->r->enters_last ? join(j->p, j->init, &e) : 0;
	if (r == 0)
		r = joined_build(j, stdio, sync, &e);
	const struct finish f = {
		.stub = j->stub,
		.root = j->root,
		.args = j->r->args,
		.env = (const char *const *)j->env.v,
		.home = j->user.home,
		.cwd = j->r->cwd ? j->r->cwd : j->p->cwd,
		.no_new_privs = j->p->no_new_privs,
		.forks = j->r->enters_last,
		.umask = j->p->umask,
		.caps = &j->caps,
		.user = &j->user,
		.rlimits = j->p->rlimits,
		.n_rlimits = j->p->n_rlimits,
		.filter = &j->filter,
	};
	if (r == 0)
		(void)stage_finish(&f, &e);
	stage_fail(&e);
}

/* ---- the caller ---- */

int launch_join(const struct proc_id *init, int flags, struct err *e)
{
	auto_fd pidfd = proc_open(init);
	/* A child of the monitor is in its user namespace already, and may not enter it. */
	if (proc_ns_inode(init->pid, "user") == proc_ns_inode(getpid(), "user"))
		flags &= ~CLONE_NEWUSER;
	if (pidfd < 0)
		return err_set(e, ESRCH, "the container is not running");
	for (int i = 0; i < JOIN_TRIES; i++) {
		const struct timespec pause = {.tv_nsec = JOIN_PAUSE_NS};
		if (setns(pidfd, flags) == 0)
			return 0;
		/* Before init has exec'd it is a process of the engine, that nobody may enter. */
		if (errno != EPERM)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (errno == ESRCH)
		return err_set(e, ESRCH, "the container is not running");
	return err_sys(e, "cannot join the container's namespaces");
}

static int join(const struct launch_plan *p, const struct proc_id *init, struct err *e)
{
	static const char *const files[NS_COUNT] = {"mnt", "pid", "net", "ipc", "uts", "cgroup"};
	int flags = CLONE_NEWUSER | ((int)plan_ns_flags(p, false) & ~CLONE_NEWCGROUP);
	/* Those that it shares with the host are ours already, and not ours to enter; so may be
	 * what it has of another container. */
	for (int i = 0; i < NS_COUNT; i++)
		if (p->ns[i].of &&
			proc_ns_inode(init->pid, files[i]) == proc_ns_inode(getpid(), files[i]))
			flags &= ~plan_ns_flag((enum plan_ns)i);
	return launch_join(init, flags, e);
}

/* Where init is, if that is the container's own cgroup or below it, and its cgroup namespace. */
static void joiner_find_cgroup(struct joiner *j, const struct proc_id *init)
{
	char path[64];
	auto_buf text = BUF_INIT;
	struct err ignored;
	snprintf(path, sizeof(path), "/proc/%d/ns/cgroup", (int)init->pid);
	if (j->p->ns[NS_CGROUP].wanted)
		j->cgroup_ns = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)init->pid);
	if (!cgroup_is_unified() || read_file(path, 1 << 16, &text, &ignored) < 0 || !text.len)
		return;
	auto_free char *name = xasprintf("/moss-%.12s", path_base(j->p->bundle));
	char *own = strstr(text.data, "0::/");
	if (!own || !strstr(own, name))
		return;
	own += strlen("0::");
	own[strcspn(own, "\n")] = '\0';
	scope_join(path_base(j->p->bundle), own);
	j->cgroup = cgroup_open(own);
}

static int joiner_fill(struct joiner *j, struct err *e)
{
	const struct launch_plan *p = j->p;
	for (const char *const *v = (const char *const *)p->env; *v; v++)
		strv_add(&j->env, *v);
	/* Docker's default for a terminal, unless either says otherwise. */
	if (j->r->terminal && !env_get(&j->env, "TERM"))
		strv_add(&j->env, "TERM=xterm");
	for (char *const *v = j->r->env; v && *v; v++)
		env_apply(&j->env, *v);
	if (!j->env.n)
		j->env.v = xcalloc(1, sizeof(*j->env.v));
	j->caps = p->caps;
	if (j->r->privileged)
		j->caps.bounding = j->caps.effective = j->caps.permitted = ~UINT64_C(0);
	j->stub = stage_make_stub(e);
	if (j->stub < 0)
		return j->stub;
	if (!p->seccomp && !p->default_seccomp)
		return 0;
	return seccomp_filter_get(p->seccomp, p->caps.bounding, p->store_root, &j->filter, e);
}

static void joiner_deinit(struct joiner *j)
{
	seccomp_filter_deinit(&j->filter);
	strv_free(&j->env);
	scope_close(&j->stub);
	scope_close(&j->cgroup);
	scope_close(&j->cgroup_ns);
}

/* The process that the stub has started in its place: a child of ours, too. */
static int take_successor(pid_t successor, pid_t *pid, int *pidfd, struct err *e)
{
	siginfo_t si;
	auto_fd fd = (int)syscall(SYS_pidfd_open, successor, 0);
	if (successor <= 0 || successor == *pid || fd < 0 ||
		waitid(P_PID, (id_t)successor, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		return err_set(e, EPROTO, "the new process is not where it should be");
	(void)waitpid(*pid, NULL, 0);
	close(take_fd(*pidfd));
	*pid = successor;
	*pidfd = take_fd(fd);
	return 0;
}

/* Listens until the child has exec'd. */
static int see_off(
	const struct joiner *j, int sync, pid_t *pid, int *pidfd, int *console, struct err *e)
{
	bool is_ready = false, is_known = !j->r->enters_last;
	while (!is_ready || !is_known) {
		pid_t successor = 0;
		int r = stage_listen(sync, console, is_known ? NULL : &successor, e);
		if (r == STAGE_DIED)
			return err_set(e, ECHILD, "the new process was killed while it started");
		if (r == STAGE_INIT) {
			r = take_successor(successor, pid, pidfd, e);
			is_known = true;
		} else if (r == STAGE_READY) {
			is_ready = true;
		}
		if (r < 0)
			return r;
	}
	return stage_release(sync, j->r->args[0], e);
}

static long clone_into(int cgroup, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)(cgroup >= 0 ? cgroup : 0),
	};
	return syscall(SYS_clone3, &args, sizeof(args));
}

static int start(struct joiner *j, const struct proc_id *init, const int stdio[3], pid_t *pid,
	int *pidfd, int *console, struct err *e)
{
	int pair[2];
	int r = msg_pair(pair);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket pair");
	auto_fd mine = pair[0];
	auto_fd theirs = pair[1];
	j->init = init;
	if (!j->r->enters_last && (r = join(j->p, init, e)) < 0)
		return r;
	long child = clone_into(j->cgroup, pidfd);
	if (child < 0 && j->cgroup >= 0)
		child = clone_into(-1, pidfd); /* from another login session */
	if (child == 0)
		joined_main(j, stdio, theirs);
	if (child < 0)
		return err_sys(e, "cannot start a process in the container");
	close(take_fd(theirs));
	*pid = (pid_t)child;
	r = see_off(j, mine, pid, pidfd, console, e);
	if (r < 0) {
		(void)syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL, 0);
		(void)waitpid(*pid, NULL, 0);
	}
	return r;
}

int launch_exec(const struct launch_plan *p, const struct proc_id *init,
	const struct exec_request *r, const int stdio[3], pid_t *pid, int *pidfd, int *console,
	struct err *e)
{
	struct joiner j = {.p = p, .r = r, .root = -1, .stub = -1, .cgroup = -1, .cgroup_ns = -1};
	*pid = -1;
	*pidfd = *console = -1;
	int x = joiner_fill(&j, e);
	if (x == 0)
		joiner_find_cgroup(&j, init);
	if (x == 0)
		x = start(&j, init, stdio, pid, pidfd, console, e);
	joiner_deinit(&j);
	if (x < 0) {
		scope_close(pidfd);
		scope_close(console);
		*pidfd = *console = -1;
	}
	return x;
}
