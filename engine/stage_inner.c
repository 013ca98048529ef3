#include "engine/stage.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch.h"
#include "engine/launch_plan.h"
#include "storage/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int inner_detach(const int stdio[3], const struct launch_plan *p, int sync, struct err *e)
{
	int r = stage_take_fds(stdio, p->terminal, sync, NULL, e);
	if (r < 0)
		return r;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	stage_reset_signals();
	stage_leave_keyring();
	(void)umask(0022); /* for the mount points and the working directory that are made */
	if (setsid() < 0 && errno != EPERM)
		return err_sys(e, "cannot make a session");
	return 0;
}

/* While the host's files are in sight. */
int inner_fetch(struct inner *in, struct err *e)
{
	const struct launch_plan *p = in->p;
	in->stub = stage_make_stub(e);
	if (in->stub < 0)
		return in->stub;
	if (!p->seccomp && !p->default_seccomp)
		return 0;
	return seccomp_filter_get(p->seccomp, p->caps.bounding, p->store_root, &in->filter, e);
}

static int inner_bind_root(const struct launch_plan *p, struct err *e)
{
	auto_free char *path =
		*p->root_path == '/' ? xstrdup(p->root_path) : path_join(p->bundle, p->root_path);
	auto_fd target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_sys(e, "cannot open the root file system %s", path);
	auto_fd tree = open_tree(
		target, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0 || move_mount(tree, "", target, "",
				MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, "cannot mount the root file system %s", path);
	return take_fd(tree);
}

static int inner_mount_root(struct inner *in, struct err *e)
{
	const struct launch_plan *p = in->p;
	/* Nothing we do may reach the host's mounts; what the host does may reach us. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "cannot leave the host's mounts");
	if (in->root >= 0) /* the way to its place may be closed by now, the root never is */
		return move_mount(in->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0
			       ? err_sys(e, "cannot mount the root file system")
			       : 0;
	if (!p->driver) {
		in->root = inner_bind_root(p, e);
		return in->root < 0 ? in->root : 0;
	}
	const struct rootfs_spec spec = launch_rootfs(p);
	in->root = rootfs_mount(&spec, e);
	return in->root < 0 ? in->root : 0;
}

static int inner_pivot(const struct inner *in, struct err *e)
{
	if (fchdir(in->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, "cannot change the root");
	/* The old root now lies over the new one at "."; detaching it uncovers ours. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, "cannot leave the host's root");
	return 0;
}

static int inner_seal_root(const struct inner *in, struct err *e)
{
	struct mount_attr attr = {.attr_set = in->p->root_readonly ? MOUNT_ATTR_RDONLY : 0};
	if (in->p->rootfs_propagation != MS_SLAVE &&
		mount(NULL, "/", NULL, MS_REC | in->p->rootfs_propagation, NULL) < 0)
		return err_sys(e, "cannot set the propagation of the container's root");
	if (attr.attr_set && mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0)
		return err_sys(e, "cannot make the container's root read-only");
	return 0;
}

static int inner_set_names(const struct launch_plan *p, struct err *e)
{
	if (p->hostname && sethostname(p->hostname, strlen(p->hostname)) < 0)
		return err_sys(e, "cannot set the host name \"%s\"", p->hostname);
	if (p->domainname && setdomainname(p->domainname, strlen(p->domainname)) < 0)
		return err_sys(e, "cannot set the domain name \"%s\"", p->domainname);
	return 0;
}

static int inner_set_oom(const struct inner *in, struct err *e)
{
	char text[16];
	if (!in->p->has_oom)
		return 0;
	snprintf(text, sizeof(text), "%d", in->p->oom_score_adj);
	int r = stage_write_proc(in->proc, "self/oom_score_adj", text, e);
	/* Lower than the user's own is for root only; Docker without root goes on as well. */
	return r == -EACCES || r == -EPERM ? 0 : r;
}

static int inner_resolve_user(struct inner *in, struct err *e)
{
	const struct launch_plan *p = in->p;
	in->user = (struct user_ids){
		.uid = p->user_text ? 0 : p->uid, .gid = p->user_text ? 0 : p->gid};
	int r = user_resolve(in->root, p->user_text, p->group_add, &in->user, e);
	for (size_t i = 0; r == 0 && i < p->n_gids; i++)
		user_add_group(&in->user, p->gids[i]);
	return r;
}

static int inner_give_console(struct inner *in, int sync, struct err *e)
{
	struct sync_msg m = {.at = SYNC_CONSOLE};
	auto_fd master = -1;
	if (!in->p->terminal)
		return 0;
	int r = inner_open_console(in, &master, e);
	if (r < 0)
		return r;
	r = msg_send(sync, &m, sizeof(m), &master, 1);
	return r < 0 ? err_sysn(e, -r, "cannot pass the terminal on") : 0;
}

static int inner_make_cwd(const struct inner *in, struct err *e)
{
	const char *cwd = in->p->cwd;
	struct stat st;
	auto_fd fd = path_open_in(in->root, cwd, O_PATH, 0);
	if (fd == -ENOENT)
		fd = path_mkdirs_in(in->root, cwd, 0755);
	if (fd == -ENOTDIR || (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))) {
		err_set(e, ENOTDIR, "Cannot mkdir: %s is not a directory", cwd);
		return err_status(e, 125);
	}
	return fd < 0 ? err_sysn(e, -fd, "cannot make the working directory %s", cwd) : 0;
}

/* A new network namespace has its loopback interface down. */
static int inner_raise_loopback(const struct launch_plan *p, struct err *e)
{
	struct ifreq lo = {.ifr_name = "lo"};
	if (!launch_has_new_netns(p))
		return 0;
	auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &lo) < 0)
		return err_sys(e, "cannot find the loopback interface");
	lo.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ? err_sys(e, "cannot raise the loopback interface")
						: 0;
}

static int inner_build(struct inner *in, struct err *e)
{
	int r;
	if ((r = inner_raise_loopback(in->p, e)) < 0 || (r = inner_mount_root(in, e)) < 0 ||
		(r = inner_mount_all(in, e)) < 0 || (r = inner_open_proc(in, e)) < 0 ||
		(r = inner_write_sysctls(in, e)) < 0 || (r = inner_set_oom(in, e)) < 0 ||
		(r = inner_give_console(in, STAGE_SYNC_FD, e)) < 0 ||
		(in->p->passwd && !in->outside && (r = inner_add_names(in, e)) < 0) ||
		(r = inner_resolve_user(in, e)) < 0 || (r = inner_own_all(in, e)) < 0 ||
		(r = inner_cover_paths(in, e)) < 0 || (r = inner_pivot(in, e)) < 0 ||
		(r = inner_set_names(in->p, e)) < 0)
		return r;
	return 0;
}

void inner_go_on(struct inner *in)
{
	const struct launch_plan *p = in->p;
	struct err e = {0};
	int r = inner_build(in, &e);
	const struct finish f = {
		.stub = in->stub,
		.root = in->root,
		.args = p->args,
		.env = p->env,
		.home = in->user.home,
		.cwd = p->cwd,
		.no_new_privs = p->no_new_privs,
		.has_init = p->has_init,
		.forks = p->ns[NS_PID].of != NULL,
		.dies_with_parent = true,
		.umask = p->umask,
		.caps = &p->caps,
		.user = &in->user,
		.rlimits = p->rlimits,
		.n_rlimits = p->n_rlimits,
		.filter = &in->filter,
	};
	/* The working directory may have to be made: the root becomes read-only after it. */
	if (r == 0)
		r = inner_make_cwd(in, &e);
	if (r == 0)
		r = inner_seal_root(in, &e);
	if (r == 0)
		(void)stage_finish(&f, &e);
	stage_fail(&e);
}

void inner_main(const struct launch_plan *p, const int stdio[3], int sync)
{
	struct err e = {0};
	struct inner in = INNER_INIT(p);
	if (inner_detach(stdio, p, sync, &e) < 0 || stage_join(p, &e) < 0 ||
		stage_new_cgroup_ns(p, &e) < 0 || inner_fetch(&in, &e) < 0)
		stage_fail(&e);
	inner_go_on(&in);
}
