#include "engine/rootview_internal.h"
#include "base/err.h"
#include "base/scope.h"
#include "engine/launch_plan.h"
#include "engine/stage.h"
#include "storage/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int pivot(int root, bool read_only, struct err *e)
{
	const struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, "cannot change the root");
	/* The old root now lies over the new one at "."; detaching it uncovers ours. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, "cannot leave the host's root");
	if (read_only && mount_setattr(AT_FDCWD, "/", 0, (void *)&ro, sizeof(ro)) < 0)
		return err_sys(e, "cannot make the container's root read-only");
	return 0;
}

/* With the ids that are on disk, which are the container's own: we are not in its user namespace.
 */
static struct rootfs_spec unmapped_rootfs(const struct launch_plan *p)
{
	struct rootfs_spec spec = launch_rootfs(p);
	spec.is_throwaway = false; /* its start is to find what is written here */
	spec.idmap = NULL;
	return spec;
}

static int mount_view(
	const struct launch_plan *p, enum rootview_what what, int *root, struct err *e)
{
	const struct rootfs_spec spec = unmapped_rootfs(p);
	struct inner in = INNER_INIT(p);
	*root = in.root = rootfs_mount(&spec, e);
	if (in.root < 0)
		return in.root;
	int r = what == ROOTVIEW_WHOLE ? inner_mount_volumes(&in, e) : 0;
	return r < 0 ? r : pivot(in.root, p->root_readonly && what == ROOTVIEW_WHOLE, e);
}

static int view_and_run(const struct launch_plan *p, enum rootview_what what,
	int (*fn)(int root, void *arg, struct err *e), void *arg, struct err *e)
{
	auto_fd mounted = -1;
	int r = mount_view(p, what, &mounted, e);
	if (r < 0)
		return r;
	auto_fd root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "cannot open the container's root");
	r = fn(root, arg, e);
	/* fuse-overlayfs gets what the kernel still holds for it before it is ended. */
	if (rootfs_needs_server(p->driver) && syncfs(root) < 0 && r >= 0)
		return err_sys(e, "cannot write the container's files");
	return r;
}

static int leave_mounts(struct err *e)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "cannot make a mount namespace");
	return 0;
}

int rootview_mounted(const struct launch_plan *p, enum rootview_what what,
	int (*fn)(int root, void *arg, struct err *e), void *arg, struct err *e)
{
	const struct rootfs_spec spec = unmapped_rootfs(p);
	pid_t server = 0;
	int server_fd = -1;
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)umask(0022); /* for mount points that are made */
	int r = leave_mounts(e);
	if (r == 0)
		r = rootfs_prepare(&spec, e);
	if (r == 0 && rootfs_needs_server(spec.driver)) {
		r = rootfs_serve(&spec, &server, &server_fd, e);
		/* The server keeps its root: changing the root takes along who shares the
		 * namespace, and it would wait for itself. */
		if (r == 0)
			r = leave_mounts(e);
	}
	if (r == 0)
		r = view_and_run(p, what, fn, arg, e);
	rootfs_stop_server(&server, &server_fd);
	return r;
}
