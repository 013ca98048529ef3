/* The monitor's side of a builder (launch.h): it listens until init is there and known. */
#include "engine/launch_build.h"
#include "base/err.h"
#include "base/msg.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/launch.h"
#include "engine/launch_plan.h"
#include "engine/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILL_WAIT_MS = 1000, KILL_ROUNDS = 100 };

uint64_t launch_builder_flags(const struct launch_plan *p)
{
	/* The others are made later: to belong to a user namespace of the container's, or because
	 * init is not the builder. */
	return plan_has_idmap(p) || !p->ns[NS_PID].of ? CLONE_NEWNS : plan_ns_flags(p, true);
}

static int write_maps(const struct launch_plan *p, const struct launched *l, struct err *e)
{
	struct sync_msg m = {.at = SYNC_MAPPED};
	int r = userns_map_nested(&p->idmap, l->pid, e);
	if (r < 0)
		return r;
	r = msg_send(l->sync, &m, sizeof(m), NULL, 0);
	return r < 0 ? err_set(e, ECHILD, "the container's init was killed while it started") : 0;
}

/* Whoever has the socket may say anything once init can be seen by another container: it must be a
 * child of ours, and in the namespace that was asked for. */
static int take_init(const struct launch_plan *p, struct launched *l, pid_t pid, struct err *e)
{
	siginfo_t si;
	auto_fd pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pid <= 0 || pid == l->pid || pidfd < 0 ||
		waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		(p->ns[NS_PID].of && proc_ns_inode(pid, "pid") != p->ns[NS_PID].init.ns_ino))
		return err_set(e, EPROTO, "the container's init is not where it should be");
	(void)spawn_wait(l->pid); /* the builder */
	close(take_fd(l->pidfd));
	l->pid = pid;
	l->pidfd = take_fd(pidfd);
	if (!p->ns[NS_PID].of)
		return 0;
	/* Held: the number of a namespace that is gone is soon another's. */
	auto_free char *path = xasprintf("/proc/%d/ns/mnt", (int)pid);
	l->mount_ns = open(path, O_RDONLY | O_CLOEXEC);
	if (l->mount_ns < 0)
		return err_sys(e, "cannot open the container's mount namespace");
	return 0;
}

int launch_await_init(const struct launch_plan *p, struct launched *l, struct err *e)
{
	bool is_known = false;
	while (!is_known) {
		pid_t pid = 0;
		int console = -1;
		int r = stage_listen(l->sync, &console, &pid, e);
		if (r == STAGE_DIED)
			return err_set(
				e, ECHILD, "the container's init was killed while it started");
		if (r == STAGE_CONSOLE) {
			scope_close(&l->console);
			l->console = console;
		} else if (r == STAGE_READY) {
			l->is_ready = true;
		} else if (r == STAGE_UNSHARED) {
			r = write_maps(p, l, e);
		} else if (r == STAGE_INIT) {
			r = take_init(p, l, pid, e);
			is_known = true;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* How many of them there were. */
static int kill_members(uint64_t mount_ino)
{
	auto_dir proc = opendir("/proc");
	struct dirent *d;
	int n = 0;
	while (proc && (d = readdir(proc)) != NULL) {
		uint32_t pid;
		if (!parse_u32(d->d_name, &pid) || proc_ns_inode((pid_t)pid, "mnt") != mount_ino)
			continue;
		auto_fd pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
		/* Looked at again: the number may be another's by now. */
		if (pidfd < 0 || proc_ns_inode((pid_t)pid, "mnt") != mount_ino)
			continue;
		n += proc_kill_wait(pidfd, KILL_WAIT_MS) == 0;
	}
	return n;
}

void launch_kill_rest(struct launched *l)
{
	struct stat st;
	if (l->mount_ns < 0)
		return;
	/* Until a round finds none: they may have forked meanwhile. */
	for (int i = 0; fstat(l->mount_ns, &st) == 0 && i < KILL_ROUNDS; i++)
		if (!kill_members(st.st_ino))
			break;
	close(take_fd(l->mount_ns));
}
