#include "storage/mounted.h"
#include "base/err.h"
#include "base/io.h"
#include "base/lend.h"
#include "base/lock.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/rootfs_internal.h"
#include "storage/shells.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KILL_WAIT_MS = 5000 };

/* ---- the mark ---- */

bool mounted_maybe(const char *container_dir)
{
	struct stat st;
	auto_free char *path = path_join(container_dir, "mounted");
	return lstat(path, &st) == 0 && st.st_size > 0;
}

static int mark_open(const char *container_dir, int flags, struct err *e)
{
	auto_free char *path = path_join(container_dir, "mounted");
	auto_fd fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, "cannot open %s", path);
	int r = lock_take(fd, true);
	return r < 0 ? err_sysn(e, -r, "cannot lock %s", path) : take_fd(fd);
}

int mounted_mark(const char *container_dir, struct err *e)
{
	auto_fd fd = mark_open(container_dir, O_CREAT, e);
	if (fd < 0)
		return fd == -ENOENT ? err_sys(e, "cannot find %s", container_dir) : fd;
	return pwrite(fd, "1", 1, 0) < 0 ? err_sys(e, "cannot write %s/mounted", container_dir)
					 : take_fd(fd);
}

/* ---- what is true ---- */

/* The working directory of an overlay is on the same mount as upper. One that is not is looked at
 * after upper, so the attempt fails in any case: EBUSY says who has upper. */
static int overlay_has_upper(const struct rootfs_spec *r, struct err *e)
{
	auto_free char *merged = path_join(r->container_dir, "merged");
	auto_free char *options =
		xasprintf("userxattr,index=on,lowerdir=merged,upperdir=upper,workdir=/proc");
	auto_fd before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (before < 0 || chdir(r->container_dir) < 0)
		return err_sys(e, "cannot enter %s", r->container_dir);
	int failed = mount("overlay", merged, "overlay", 0, options);
	int code = failed < 0 ? errno : 0;
	if (failed == 0)
		(void)umount2(merged, MNT_DETACH);
	if (fchdir(before) < 0)
		return err_sys(e, "cannot go back to the working directory");
	return code == EBUSY;
}

/* "PID START\nIDS", as the server has written it before it began. The text is the caller's. */
static bool served_read(const struct rootfs_spec *r, struct proc_id *server, char **ids)
{
	struct err ignored;
	auto_free char *path = path_join(r->container_dir, "served");
	auto_buf text = BUF_INIT;
	*server = (struct proc_id){.pid = 0};
	*ids = NULL;
	if (read_file(path, 1 << 16, &text, &ignored) < 0 || !text.len)
		return false;
	char *line = strchr(text.data, '\n');
	int pid;
	if (!line || sscanf(text.data, "%d %" SCNu64, &pid, &server->start) != 2)
		return false;
	server->pid = pid;
	*ids = xstrdup(line + 1);
	return true;
}

static int is_point(void *arg, const char *point, const char *type)
{
	(void)type;
	return !strcmp(point, arg);
}

/* Its mount is taken away from the server's own namespace as soon as a shell has it. A server that
 * still has it was started by one who was killed on the way, or is being started: not while the
 * caller holds the alive lock. It would live for ever. */
static void end_orphan(const struct rootfs_spec *r)
{
	struct err ignored;
	struct proc_id server;
	auto_free char *ids = NULL;
	auto_free char *merged = path_join(r->container_dir, "merged");
	auto_free char *real = realpath(merged, NULL);
	if (!real || !served_read(r, &server, &ids))
		return;
	auto_fd pidfd = proc_open(&server);
	if (pidfd >= 0 && mountinfo_each(server.pid, is_point, real, &ignored) == 1)
		(void)proc_kill_wait(pidfd, KILL_WAIT_MS);
}

static int server_lives(const struct rootfs_spec *r, struct err *e)
{
	auto_free char *path = path_join(r->container_dir, "served");
	auto_fd fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot open %s", path);
	int is_held = lock_is_held(fd);
	if (is_held > 0) {
		end_orphan(r);
		is_held = lock_is_held(fd);
	}
	return is_held < 0 ? err_sysn(e, -is_held, "cannot look at the lock of %s", path) : is_held;
}

int mounted_check(const struct rootfs_spec *r, int *lock, struct err *e)
{
	*lock = -1;
	if (r->read_only || !strcmp(r->driver, driver_vfs) || !mounted_maybe(r->container_dir))
		return 0;
	auto_fd fd = mark_open(r->container_dir, 0, e);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	int is = !strcmp(r->driver, driver_fuse) ? server_lives(r, e) : overlay_has_upper(r, e);
	if (is < 0)
		return is;
	/* Who mounts outside of the container has just set it. */
	if (!is && !r->outlives && ftruncate(fd, 0) < 0)
		return err_sys(e, "cannot write %s/mounted", r->container_dir);
	*lock = take_fd(fd);
	return is;
}

/* With a folder that goes, what is mounted on it in other namespaces goes, too; what is in our own
 * must be taken away first. The next mount makes the folder again. */
void mounted_end(const char *container_dir)
{
	auto_free char *merged = path_join(container_dir, "merged");
	if (!mounted_maybe(container_dir))
		return;
	(void)umount2(merged, MNT_DETACH | UMOUNT_NOFOLLOW);
	(void)rmdir(merged);
}

/* ---- copies of mounts ---- */

int mounted_copy(const char *point, struct err *e)
{
	struct mount_attr apart = {.attr_clr = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};
	auto_fd tree = open_tree(
		AT_FDCWD, point, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (tree < 0)
		return err_sys(e, "cannot take a copy of the mount on %s", point);
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &apart, sizeof(apart)) == 0)
		return take_fd(tree);
	/* One that a user namespace above has made read-only stays so. */
	apart.attr_clr = 0;
	return mount_setattr(tree, "", AT_EMPTY_PATH, &apart, sizeof(apart)) < 0
		       ? err_sys(e, "cannot make a copy of a mount private")
		       : take_fd(tree);
}

int mounted_attach(int tree, const char *point, struct err *e)
{
	return move_mount(tree, "", AT_FDCWD, point, MOVE_MOUNT_F_EMPTY_PATH) < 0
		       ? err_sys(e, "cannot mount on %s", point)
		       : 0;
}

struct lookup {
	const char *point;
	const struct proc_id *shell;
};

static int lookup_in_shell(void *arg, struct err *e)
{
	const struct lookup *l = arg;
	char path[64];
	struct err ignored;
	auto_fd alive = proc_open(l->shell);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)l->shell->pid);
	auto_fd ns = alive < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || proc_start_time(l->shell->pid) != l->shell->start ||
		setns(ns, CLONE_NEWNS) < 0)
		return err_set(e, ESRCH, "cannot enter the mount namespace of a shell");
	if (mountinfo_has(l->point, &ignored) <= 0 || mountinfo_is_dead(l->point))
		return err_set(e, ENOENT, "nothing is mounted on %s", l->point);
	return mounted_copy(l->point, e);
}

/* The ids that the server was given are in the file it has locked. */
static bool has_same_ids(const struct rootfs_spec *r)
{
	struct proc_id server;
	auto_free char *mine = fuse_id_options(r);
	auto_free char *ids = NULL;
	if (strcmp(r->driver, driver_fuse) != 0)
		return true;
	return served_read(r, &server, &ids) && !strcmp(ids, mine);
}

static int out_of_reach(const struct rootfs_spec *r, struct err *e)
{
	err_set(e, EBUSY, "container %.12s is mounted by moss mount", path_base(r->container_dir));
	return err_hint(e, "unmount it there (moss unmount), or end that moss unshare");
}

int mounted_adopt(const struct rootfs_spec *r, struct err *e)
{
	auto_free char *merged = path_join(r->container_dir, "merged");
	auto_free struct proc_id *shells = NULL;
	size_t n = 0;
	struct err ignored;
	if (!has_same_ids(r))
		return out_of_reach(r, e);
	if (mountinfo_has(merged, &ignored) > 0 && !mountinfo_is_dead(merged))
		return 0;
	shells_list(r->store_root, &shells, &n);
	for (size_t i = 0; i < n; i++) {
		struct lookup l = {merged, &shells[i]};
		auto_fd tree = lend_call(lookup_in_shell, &l, &ignored);
		if (tree >= 0)
			return mounted_attach(tree, merged, e);
	}
	return out_of_reach(r, e);
}
