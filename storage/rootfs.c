#include "storage/rootfs.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/mounted.h"
#include "storage/rootfs_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char driver_overlay[] = "overlay", driver_fuse[] = "fuse-overlayfs", driver_vfs[] = "vfs";

static bool is_driver(const struct rootfs_spec *r, const char *driver)
{
	return !strcmp(r->driver, driver);
}

bool rootfs_needs_server(const char *driver) { return !strcmp(driver, driver_fuse); }

static int make_folder(int dir_fd, const struct rootfs_spec *r, const char *name, struct err *e)
{
	if (mkdirat(dir_fd, name, 0755) == 0)
		return 1;
	return errno == EEXIST ? 0 : err_sys(e, "cannot create %s/%s", r->container_dir, name);
}

/* The container's "/" is the upper folder: it starts with what the image says of "/". */
static int copy_root_mode(int dir_fd, const struct rootfs_spec *r, struct err *e)
{
	struct stat st;
	if (!r->n_layers)
		return 0;
	auto_free char *top =
		xasprintf("%s/layers/%s/diff", r->store_root, r->layer_ids[r->n_layers - 1]);
	if (lstat(top, &st) < 0)
		return err_sys(e, "cannot look at %s", top);
	if ((st.st_uid != 0 || st.st_gid != 0) &&
		fchownat(dir_fd, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot set the owner of %s/upper", r->container_dir);
	if (fchmodat(dir_fd, "upper", st.st_mode & 07777, 0) < 0)
		return err_sys(e, "cannot set the mode of %s/upper", r->container_dir);
	return 0;
}

int rootfs_prepare(const struct rootfs_spec *r, struct err *e)
{
	auto_fd dir = open(r->container_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open %s", r->container_dir);
	int made = make_folder(dir, r, "merged", e);
	if (made < 0)
		return made;
	if (is_driver(r, driver_vfs))
		return vfs_prepare(r, e);
	if (r->read_only)
		return 0;
	made = make_folder(dir, r, "upper", e);
	int made_work = made < 0 ? made : make_folder(dir, r, "work", e);
	if (made_work < 0)
		return made_work;
	return made ? copy_root_mode(dir, r, e) : 0;
}

int rootfs_serve(const struct rootfs_spec *r, pid_t *pid, int *pidfd, struct err *e)
{
	if (!rootfs_needs_server(r->driver))
		BUG("driver %s has no server", r->driver);
	auto_fd lock = -1;
	int is_mounted = mounted_check(r, &lock, e);
	if (is_mounted <= 0)
		return is_mounted < 0 ? is_mounted : fuse_serve(r, pid, pidfd, e);
	*pid = 0;
	*pidfd = -1;
	return mounted_adopt(r, e);
}

/* The overlay or the copy. */
static int mount_new(const struct rootfs_spec *r, struct err *e)
{
	auto_fd lock = -1;
	int is_mounted = mounted_check(r, &lock, e);
	if (is_mounted)
		return is_mounted < 0 ? is_mounted : mounted_adopt(r, e);
	return is_driver(r, driver_overlay) ? overlay_mount(r, e) : vfs_mount(r, e);
}

int rootfs_mount(const struct rootfs_spec *r, struct err *e)
{
	int made = 0;
	if (r->idmap && !is_driver(r, driver_fuse))
		return err_set(
			e, EINVAL, "ids cannot be mapped by the storage driver %s", r->driver);
	if (is_driver(r, driver_overlay) || is_driver(r, driver_vfs))
		made = mount_new(r, e);
	else if (!is_driver(r, driver_fuse))
		return err_set(e, EINVAL, "unknown storage driver: %s", r->driver);
	if (made < 0)
		return made;
	auto_free char *merged = path_join(r->container_dir, "merged");
	auto_fd fd = open(merged, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s", merged) : take_fd(fd);
}
