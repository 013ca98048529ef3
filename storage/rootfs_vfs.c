/* vfs: the layers copied one over the other into containers/<id>/vfs, once. */
#include "storage/rootfs_internal.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int rootfs_copy_layers(const struct rootfs_spec *r, int to, struct err *e)
{
	for (size_t i = 0; i < r->n_layers; i++) {
		auto_free char *diff =
			xasprintf("%s/layers/%s/diff", r->store_root, r->layer_ids[i]);
		auto_fd from = open(diff, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (from < 0)
			return err_sys(e, "cannot open %s", diff);
		int result = copy_tree(from, to, COPY_LAYER, e);
		if (result < 0)
			return err_ctx(e, "cannot copy layer %s", r->layer_ids[i]);
	}
	return 0;
}

/* Half a copy is never taken for the whole: it gets its name when it is complete. */
int vfs_prepare(const struct rootfs_spec *r, struct err *e)
{
	auto_fd dir = open(r->container_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open %s", r->container_dir);
	if (faccessat(dir, "vfs", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	int result = path_remove_at(dir, "vfs.part", e);
	if (result < 0)
		return result;
	if (mkdirat(dir, "vfs.part", 0755) < 0)
		return err_sys(e, "cannot create %s/vfs.part", r->container_dir);
	auto_fd to = openat(dir, "vfs.part", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_sys(e, "cannot open %s/vfs.part", r->container_dir);
	result = rootfs_copy_layers(r, to, e);
	if (result < 0)
		return result;
	if (!r->is_throwaway && syncfs(to) < 0)
		return err_sys(e, "cannot sync %s", r->container_dir);
	if (renameat(dir, "vfs.part", dir, "vfs") < 0)
		return err_sys(e, "cannot create %s/vfs", r->container_dir);
	return 0;
}

int vfs_mount(const struct rootfs_spec *r, struct err *e)
{
	auto_free char *tree = path_join(r->container_dir, "vfs");
	auto_free char *merged = path_join(r->container_dir, "merged");
	if (mount(tree, merged, NULL, MS_BIND, NULL) < 0)
		return err_sys(e, "cannot mount %s on %s", tree, merged);
	return 0;
}
