/* The monitor's side of a launch: clone, listen, let go, clean up. */
#include "engine/launch.h"
#include "base/err.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/launch_build.h"
#include "engine/launch_plan.h"
#include "engine/stage.h"
#include "storage/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

struct rootfs_spec launch_rootfs(const struct launch_plan *p)
{
	return (struct rootfs_spec){
		.driver = p->driver,
		.store_root = p->store_root,
		.container_dir = p->bundle,
		.layer_ids = (const char *const *)p->layers.v,
		.n_layers = p->layers.n,
		.is_throwaway = p->is_throwaway,
		.idmap = plan_has_idmap(p) ? &p->idmap : NULL,
	};
}

void launch_keep_writes(struct launch_plan *p) { p->is_throwaway = false; }

/* What must be there before init looks: the copy, or a running server. */
static int prepare_rootfs(const struct launch_plan *p, struct launched *l, struct err *e)
{
	if (!p->driver)
		return 0;
	const struct rootfs_spec spec = launch_rootfs(p);
	int r = rootfs_prepare(&spec, e);
	if (r < 0 || !rootfs_needs_server(p->driver))
		return r;
	/* The mount is for this container only. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "cannot make a mount namespace");
	return rootfs_serve(&spec, &l->server_pid, &l->server_pidfd, e);
}

static void leave_cgroup(struct launched *l)
{
	scope_close(&l->cgroup);
	l->cgroup = -1;
	if (l->cgroup_path)
		cgroup_remove(l->cgroup_path);
	free(take_ptr(l->cgroup_path));
}

static int make_cgroup(const struct launch_plan *p, struct launched *l, struct err *e)
{
	const char *parent = launch_annotation(p, "moss.cgroup-parent");
	return cgroup_make(
		parent, path_base(p->bundle), &p->limits, &l->cgroup_path, &l->cgroup, e);
}

/* The cgroup namespace is made by init, once it is where the namespace's root is to be. */
static long clone_into(struct launched *l, const struct launch_plan *p)
{
	bool builds = plan_needs_builder(p);
	struct clone_args args = {
		.flags = ((builds ? launch_builder_flags(p) : plan_ns_flags(p, true)) &
				 ~(uint64_t)CLONE_NEWCGROUP) |
			 CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&l->pidfd,
		.exit_signal = SIGCHLD,
	};
	if (l->cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)l->cgroup;
	}
	return syscall(SYS_clone3, &args, sizeof(args));
}

static int clone_init(const struct launch_plan *p, const int stdio[3], int sync, struct launched *l,
	struct err *e)
{
	long pid = clone_into(l, p);
	if (pid < 0 && l->cgroup >= 0 && !cgroup_limits_need(&p->limits)) {
		/* Some rule of the tree that we did not foresee: it goes without. */
		leave_cgroup(l);
		pid = clone_into(l, p);
	}
	if (pid == 0 && plan_needs_builder(p))
		builder_main(p, stdio, sync);
	if (pid == 0)
		inner_main(p, stdio, sync);
	if (pid < 0)
		return err_sys(e, "cannot make the container's namespaces");
	l->pid = (pid_t)pid;
	return 0;
}

/* With the host's pids what exec started is found by its mount namespace at the end. */
static void hold_mount_ns(const struct launch_plan *p, struct launched *l)
{
	char path[64];
	if (p->ns[NS_PID].wanted || l->mount_ns >= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)l->pid);
	l->mount_ns = open(path, O_RDONLY | O_CLOEXEC);
}

int launch_clone(const struct launch_plan *p, const int stdio[3], struct launched *l, struct err *e)
{
	int pair[2];
	*l = (struct launched){.pid = 0,
		.pidfd = -1,
		.sync = -1,
		.console = -1,
		.mount_ns = -1,
		.server_pid = 0,
		.server_pidfd = -1,
		.cgroup = -1};
	int r = msg_pair(pair);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket pair");
	l->sync = pair[0];
	auto_fd theirs = pair[1];
	l->arg0 = p->args[0];
	r = prepare_rootfs(p, l, e);
	if (r == 0)
		r = make_cgroup(p, l, e);
	if (r == 0)
		r = clone_init(p, stdio, theirs, l, e);
	if (r == 0 && plan_needs_builder(p)) {
		close(take_fd(theirs)); /* or its end would never be heard of */
		r = launch_await_init(p, l, e);
	}
	if (r < 0) {
		launch_abort(l);
		return r;
	}
	hold_mount_ns(p, l);
	l->id = (struct proc_id){l->pid, proc_start_time(l->pid), proc_ns_inode(l->pid, "pid")};
	return 0;
}

int launch_wait_ready(struct launched *l, struct err *e)
{
	while (!l->is_ready) {
		int r = stage_listen(l->sync, &l->console, NULL, e);
		if (r < 0 || r == STAGE_READY)
			return r < 0 ? r : 0;
		if (r == STAGE_DIED)
			return err_set(
				e, ECHILD, "the container's init was killed while it started");
	}
	return 0;
}

int launch_release(struct launched *l, struct err *e)
{
	int r = stage_release(l->sync, l->arg0, e);
	close(take_fd(l->sync));
	return r;
}

static void end_process(pid_t *pid, int *pidfd)
{
	if (*pid > 0) {
		if (*pidfd >= 0)
			(void)syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL, 0);
		(void)spawn_wait(*pid);
		*pid = 0;
	}
	if (*pidfd >= 0)
		close(take_fd(*pidfd));
}

void launch_abort(struct launched *l)
{
	int saved = errno;
	if (l->sync >= 0)
		close(take_fd(l->sync));
	if (l->console >= 0)
		close(take_fd(l->console));
	if (l->mount_ns >= 0)
		close(take_fd(l->mount_ns));
	end_process(&l->pid, &l->pidfd);
	leave_cgroup(l);
	rootfs_stop_server(&l->server_pid, &l->server_pidfd);
	errno = saved;
}
