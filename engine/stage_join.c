/* Joining namespaces of other containers, and taking over what goes with them.
 *
 * A procfs shows the pid namespace of the process that mounted it. To mount that of another
 * container one would have to be a process there, where its programs see and (with SYS_PTRACE) may
 * trace it: so its own /proc is copied instead, out of its mount namespace. The process that goes
 * there for it is in no namespace that the container can look into. What is found is checked to be
 * what its place says: the container may have mounted anything anywhere.
 */
#include "engine/stage.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { ENTER_TRIES = 2500, ENTER_PAUSE_NS = 2000000, PROC_ROOT_INO = 1 };

static int not_running(const struct ns_plan *ns, struct err *e)
{
	return err_set(e, ESRCH, "container %s is not running", ns->of);
}

static int join_one(const struct launch_plan *p, enum plan_ns i, struct err *e)
{
	const struct ns_plan *ns = &p->ns[i];
	auto_fd fd = ns->of ? proc_open(&ns->init) : open(ns->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && ns->of)
		return not_running(ns, e);
	if (fd >= 0 && setns(fd, plan_ns_flag(i)) == 0)
		return 0;
	return err_sys(e, "cannot join the %s namespace of %s%s", plan_ns_name(i),
		ns->of ? "container " : "", ns->of ? ns->of : ns->path);
}

int stage_join(const struct launch_plan *p, struct err *e)
{
	int r = 0;
	for (int i = 0; i < NS_COUNT && r == 0; i++)
		if (i != NS_PID && plan_ns_is_joined(p, (enum plan_ns)i))
			r = join_one(p, (enum plan_ns)i, e);
	return r;
}

/* Not by clone3: its root is the cgroup that a process is in beforehand. */
int stage_new_cgroup_ns(const struct launch_plan *p, struct err *e)
{
	bool is_new = p->ns[NS_CGROUP].wanted && !plan_ns_is_joined(p, NS_CGROUP);
	if (is_new && unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(e, "cannot make a cgroup namespace");
	return 0;
}

int stage_join_pid(const struct launch_plan *p, struct err *e)
{
	return p->ns[NS_PID].of ? join_one(p, NS_PID, e) : 0;
}

/* ---- a mount of another container ---- */

struct wanted {
	const struct ns_plan *ns;
	const char *path;
	bool is_proc; /* else a tmpfs */
};

struct found {
	struct err e;
};

/* Its own root is in place: before, the host's files are still there under the same names. */
static int enter_mounts(const struct wanted *w, struct err *e)
{
	struct stat host, now;
	auto_fd pidfd = proc_open(&w->ns->init);
	if (pidfd < 0)
		return not_running(w->ns, e);
	if (stat("/", &host) < 0)
		return err_sys(e, "cannot look at /");
	for (int i = 0; i < ENTER_TRIES; i++) {
		const struct timespec pause = {.tv_nsec = ENTER_PAUSE_NS};
		if (setns(pidfd, CLONE_NEWNS) < 0 || stat("/", &now) < 0)
			return err_sys(e, "cannot enter the mounts of container %s", w->ns->of);
		if (now.st_dev != host.st_dev || now.st_ino != host.st_ino)
			return 0;
		(void)nanosleep(&pause, NULL);
	}
	return err_set(e, ETIMEDOUT, "container %s has not started yet", w->ns->of);
}

static int is_wanted(const struct wanted *w, int fd)
{
	struct statfs fs;
	struct stat st;
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	if (!w->is_proc)
		return fs.f_type == TMPFS_MAGIC;
	return fs.f_type == PROC_SUPER_MAGIC && st.st_ino == PROC_ROOT_INO &&
	       fstatat(fd, "1/ns/pid", &st, 0) == 0 && st.st_ino == w->ns->init.ns_ino;
}

static int copy_mount(const struct wanted *w, struct err *e)
{
	int r = enter_mounts(w, e);
	if (r < 0)
		return r;
	auto_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd place = root < 0 ? -errno : path_open_in(root, w->path, O_PATH, 0);
	if (place < 0)
		return err_sysn(e, -place, "cannot open %s of container %s", w->path, w->ns->of);
	if (!is_wanted(w, place))
		return err_set(e, EINVAL, "%s of container %s is not %s any more", w->path,
			w->ns->of, w->is_proc ? "the procfs of its processes" : "a tmpfs");
	auto_fd tree = open_tree(place, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return tree < 0 ? err_sys(e, "cannot take over %s of container %s", w->path, w->ns->of)
			: take_fd(tree);
}

static _Noreturn void fetch_main(const struct wanted *w, int sock)
{
	struct found f = {0};
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fds_close_except(0, &sock, 1);
	int tree = copy_mount(w, &f.e);
	(void)msg_send(sock, &f, sizeof(f), &tree, tree >= 0);
	_exit(0);
}

static int fetch(const struct wanted *w, struct err *e)
{
	int pair[2], fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	struct found f;
	int r = msg_pair(pair);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket pair");
	auto_fd mine = pair[0];
	auto_fd theirs = pair[1];
	pid_t pid = fork();
	if (pid == 0)
		fetch_main(w, theirs);
	if (pid < 0)
		return err_sys(e, "cannot start a process");
	close(take_fd(theirs));
	ssize_t n = msg_recv(mine, &f, sizeof(f), fds, &n_fds);
	(void)spawn_wait(pid);
	if (n != (ssize_t)sizeof(f) || (!f.e.code && n_fds != 1))
		return err_set(
			e, ECHILD, "a process that enters container %s was killed", w->ns->of);
	if (!f.e.code)
		return fds[0];
	*e = f.e;
	return -f.e.code;
}

int stage_open_joined(struct inner *in, struct err *e)
{
	const struct launch_plan *p = in->p;
	bool wants_shm = false;
	for (size_t i = 0; i < p->n_mounts; i++)
		wants_shm |= p->mounts[i].kind == MOUNT_JOINED;
	if (p->ns[NS_PID].of) {
		const struct wanted proc = {&p->ns[NS_PID], "/proc", true};
		in->joined_proc = fetch(&proc, e);
		if (in->joined_proc < 0)
			return in->joined_proc;
	}
	if (!wants_shm)
		return 0;
	const struct wanted shm = {&p->ns[NS_IPC], "/dev/shm", false};
	in->joined_shm = fetch(&shm, e);
	return in->joined_shm < 0 ? in->joined_shm : 0;
}
