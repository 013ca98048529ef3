/* Paths that a container shall not see (covered by /dev/null or an empty folder) or not write. Both
 * sides of each mount are descriptors: what covers is our own verified device or our own tmpfs. */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int attach(int tree, int target, const char *path, struct err *e)
{
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, "cannot cover %s", path);
	return 0;
}

static int make_empty(struct err *e)
{
	auto_fd fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", "tmpfs", 0) < 0 ||
		fsconfig(fs, FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
		fsconfig(fs, FSCONFIG_SET_STRING, "nr_blocks", "1", 0) < 0 ||
		fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(e, "cannot make an empty folder");
	int fd = fsmount(fs, FSMOUNT_CLOEXEC,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? err_sys(e, "cannot make an empty folder") : fd;
}

/* One tmpfs serves all: the first use mounts it, the others are copies of that mount. */
static int cover_folder(int target, const char *path, int *empty, struct err *e)
{
	if (*empty < 0) {
		*empty = make_empty(e);
		return *empty < 0 ? *empty : attach(*empty, target, path, e);
	}
	auto_fd copy = open_tree(*empty, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return copy < 0 ? err_sys(e, "cannot cover %s", path) : attach(copy, target, path, e);
}

static int mask(const struct inner *in, const char *path, int *empty, struct err *e)
{
	struct stat st;
	auto_fd target = path_open_in(in->root, path, O_PATH, 0);
	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0 || fstat(target, &st) < 0)
		return err_sysn(e, target < 0 ? -target : errno, "cannot open %s", path);
	if (S_ISDIR(st.st_mode))
		return cover_folder(target, path, empty, e);
	auto_fd null = stage_clone_device("null", e);
	return null < 0 ? null : attach(null, target, path, e);
}

static int make_readonly(const struct inner *in, const char *path, struct err *e)
{
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	auto_fd target = path_open_in(in->root, path, O_PATH, 0);
	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return err_sysn(e, -target, "cannot open %s", path);
	auto_fd copy = open_tree(
		target, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (copy < 0)
		return err_sys(e, "cannot make %s read-only", path);
	if (mount_setattr(copy, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro, sizeof(ro)) < 0)
		return err_sys(e, "cannot make %s read-only", path);
	return attach(copy, target, path, e);
}

int inner_cover_paths(const struct inner *in, struct err *e)
{
	auto_fd empty = -1;
	int r = 0;
	for (const char **path = in->p->readonly; *path && r == 0; path++)
		r = make_readonly(in, *path, e);
	for (const char **path = in->p->masked; *path && r == 0; path++)
		r = mask(in, *path, &empty, e);
	return r;
}
