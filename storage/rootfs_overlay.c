/* overlay: the kernel's overlay, mounted in the container's mount namespace.
 *
 * The options name everything relative to the data root: 127 layers fit into the one page that
 * mount(2) takes (22 bytes each), and no name needs quoting.
 */
#include "storage/rootfs_internal.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { OPTIONS_MAX = 4095 };

static bool is_repeated_above(const struct rootfs_spec *r, size_t i)
{
	for (size_t k = i + 1; k < r->n_layers; k++)
		if (!strcmp(r->layer_ids[k], r->layer_ids[i]))
			return true;
	return false;
}

/* A layer that an image has twice hides its lower copy: the kernel refuses the same folder twice.
 */
char *overlay_lower(const struct rootfs_spec *r)
{
	auto_buf text = BUF_INIT;
	for (size_t i = r->n_layers; i-- > 0;)
		if (!is_repeated_above(r, i))
			buf_printf(&text, "%slayers/%s/diff", text.len ? ":" : "", r->layer_ids[i]);
	return buf_take(&text);
}

const char *overlay_container(const struct rootfs_spec *r)
{
	const char *below = str_after(r->container_dir, r->store_root);
	if (!below)
		return r->container_dir;
	while (*below == '/')
		below++;
	return below;
}

char *rootfs_lower_option(const struct rootfs_spec *r)
{
	auto_free char *lower = overlay_lower(r);
	return xasprintf("lowerdir=%s", lower);
}

static int explain(const struct rootfs_spec *r, const char *options, struct err *e)
{
	int code = errno;
	int result = err_sysn(e, code, "cannot mount an overlay on %s/merged", r->container_dir);
	if (strlen(options) > OPTIONS_MAX)
		return err_set(e, E2BIG, "cannot mount an overlay of %zu layers", r->n_layers);
	if (code == EPERM || code == ENODEV || code == EINVAL)
		return err_hint(e,
			"this kernel or file system may not allow overlay for a user: try "
			"--storage-driver fuse-overlayfs");
	return result;
}

/* A second start: the kernel refuses an upper that was used without syncing, since it cannot know
 * that the machine did not crash between. The record of this boot does. */
static bool forget_volatile(const char *dir)
{
	int saved = errno;
	auto_free char *mark = xasprintf("%s/work/work/incompat/volatile", dir);
	auto_free char *dirty = path_join(mark, "dirty");
	(void)unlink(dirty);
	bool is_gone = rmdir(mark) == 0;
	errno = saved;
	return is_gone;
}

static char *mount_options(const struct rootfs_spec *r, const char *dir, const char *lower)
{
	auto_buf options = BUF_INIT;
	/* Without upper it wants two folders below. */
	if (r->read_only) {
		buf_printf(&options, "userxattr,lowerdir=%s", lower);
		if (!strchr(lower, ':'))
			buf_printf(&options, ":%s/merged", dir);
		return buf_take(&options);
	}
	/* Without layers (an image FROM scratch) it still wants a lower folder: the empty merged.
	 */
	buf_printf(&options, "userxattr,index=off%s,upperdir=%s/upper,workdir=%s/work,lowerdir=%s",
		r->is_throwaway ? ",volatile" : "", dir, dir, lower);
	if (!r->n_layers)
		buf_printf(&options, "%s/merged", dir);
	return buf_take(&options);
}

int overlay_mount(const struct rootfs_spec *r, struct err *e)
{
	const char *dir = overlay_container(r);
	auto_free char *lower = overlay_lower(r);
	auto_free char *merged = xasprintf("%s/merged", dir);
	auto_free char *options = mount_options(r, dir, lower);
	auto_fd before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (before < 0 || chdir(r->store_root) < 0)
		return err_sys(e, "cannot enter %s", r->store_root);
	int failed = mount("overlay", merged, "overlay", 0, options);
	if (failed < 0 && r->is_throwaway && forget_volatile(dir))
		failed = mount("overlay", merged, "overlay", 0, options);
	int result = failed < 0 ? explain(r, options, e) : 0;
	if (fchdir(before) < 0 && result == 0)
		return err_sys(e, "cannot go back to the working directory");
	return result;
}
