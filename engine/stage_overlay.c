/* Sources that are made before they are bound: the root of an image, and the overlay of -v ...:O,
 * which keeps what the container writes away from the folder below it. Both lie in the container's
 * own folder and go with it. Where the kernel's overlay cannot be had (the container's driver is
 * another), they are copies: slower, and the same to see. */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"
#include "storage/copy.h"
#include "storage/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_overlay(const struct inner *in)
{
	return in->p->driver && !strcmp(in->p->driver, "overlay");
}

static int mount_image(const struct inner *in, const struct mount_extras *x, struct err *e)
{
	const struct rootfs_spec spec = {
		.driver = has_overlay(in) ? "overlay" : "vfs",
		.store_root = in->p->store_root,
		.container_dir = x->made_in,
		.layer_ids = (const char *const *)x->layers.v,
		.n_layers = x->layers.n,
		.is_throwaway = in->p->is_throwaway,
	};
	int r = rootfs_prepare(&spec, e);
	if (r < 0)
		return r;
	auto_fd root = rootfs_mount(&spec, e);
	return root < 0 ? root : 0;
}

/* A folder of our own, empty. An open descriptor of it. */
static int fresh_folder(int parent, const char *name, struct err *e)
{
	int r = path_remove_at(parent, name, e);
	if (r < 0)
		return r;
	if (mkdirat(parent, name, 0755) < 0)
		return err_sys(e, "cannot create the folder %s", name);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open the folder %s", name) : fd;
}

static int open_given(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s", path) : fd;
}

/* The root of an overlay has the owner and mode of its upper folder: those of what it covers.
 * Owners that the namespace does not know cannot be had. */
static void take_mode(int upper, int lower)
{
	struct stat st;
	if (fstat(lower, &st) < 0)
		return;
	if (fchown(upper, st.st_uid, st.st_gid) < 0)
		log_debug("the owner of the covered folder is not known here");
	(void)fchmod(upper, st.st_mode & 07777);
}

/* Descriptors instead of names: nothing in them needs quoting, and nothing is resolved twice. */
static int mount_overlay(
	const struct inner *in, const struct mount_plan *m, int dir, int lower, struct err *e)
{
	const struct mount_extras *x = &m->more;
	auto_fd merged = fresh_folder(dir, "merged", e);
	auto_fd upper = x->upper ? open_given(x->upper, e) : fresh_folder(dir, "upper", e);
	auto_fd work = x->work ? open_given(x->work, e) : fresh_folder(dir, "work", e);
	if (merged < 0 || upper < 0 || work < 0)
		return -e->code;
	if (!x->upper)
		take_mode(upper, lower);
	auto_free char *options = xasprintf("userxattr,index=off%s,lowerdir=/proc/self/fd/%d,"
					    "upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d",
		in->p->is_throwaway && !x->upper ? ",volatile" : "", lower, upper, work);
	if (mount("overlay", m->source, "overlay", 0, options) == 0)
		return 0;
	err_sys(e, "cannot mount an overlay of %s on %s", x->lower, m->target);
	return err_hint(e, "that file system may not do for an overlay in a user namespace");
}

static int copy_lower(const struct mount_plan *m, int dir, int lower, struct err *e)
{
	if (m->more.upper)
		return err_set(e, ENOTSUP,
			"upperdir= for %s needs --storage-driver overlay in this container",
			m->target);
	auto_fd merged = fresh_folder(dir, "merged", e);
	if (merged < 0)
		return merged;
	int r = copy_tree(lower, merged, COPY_PLAIN, e);
	return r < 0 ? err_ctx(e, "cannot copy %s for %s", m->more.lower, m->target) : 0;
}

int inner_make_source(
	const struct inner *in, const struct mount_plan *m, const char *lower, struct err *e)
{
	const struct mount_extras *x = &m->more;
	int r = path_mkdirs(x->made_in, 0700, e);
	if (r < 0)
		return r;
	if (!x->lower)
		return mount_image(in, x, e);
	auto_fd dir = open_given(x->made_in, e);
	auto_fd below = dir < 0 ? -1 : open_given(x->volume ? lower : x->lower, e);
	if (below < 0)
		return -e->code;
	return has_overlay(in) ? mount_overlay(in, m, dir, below, e) : copy_lower(m, dir, below, e);
}
