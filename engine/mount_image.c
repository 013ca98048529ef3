/* Images: mounts/<id>/ has merged, the mount point, and for the driver vfs a copy of the layers
 * that all shells share. Whoever makes, uses or removes such a folder holds mounts/lock. */
#include "base/err.h"
#include "base/lock.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "engine/enter.h"
#include "engine/mount_internal.h"
#include "storage/image.h"
#include "storage/rootfs.h"
#include "storage/shells.h"
#include "storage/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *hex_of(const char *id)
{
	const char *colon = strchr(id, ':');
	return colon ? colon + 1 : id;
}

char *mount_image_path(const struct store *s, const char *id)
{
	return store_path(s, "mounts/%s/merged", hex_of(id));
}

static int take_lock(struct store *s, struct err *e)
{
	auto_free char *folder = store_path(s, "mounts");
	auto_free char *path = path_join(folder, "lock");
	int r = path_mkdirs(folder, 0700, e);
	if (r < 0)
		return r;
	auto_fd fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "cannot open %s", path);
	r = lock_take(fd, true);
	return r < 0 ? err_sysn(e, -r, "cannot lock %s", path) : take_fd(fd);
}

static int make_read_only(const char *merged, struct err *e)
{
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	if (mount_setattr(AT_FDCWD, merged, AT_SYMLINK_NOFOLLOW, &ro, sizeof(ro)) == 0)
		return 0;
	err_sys(e, "cannot make %s read-only", merged);
	(void)umount2(merged, MNT_DETACH | UMOUNT_NOFOLLOW);
	return -e->code;
}

static int mount_new(struct store *s, const struct image *image, const char *merged, struct err *e)
{
	auto_free char *folder = path_dir(merged);
	struct rootfs_spec spec = {
		.store_root = s->root,
		.container_dir = folder,
		.layer_ids = (const char *const *)image->layer_ids,
		.n_layers = image->n_layers,
		.read_only = true,
		.outlives = true,
	};
	int r = rootfs_choose(s, enter_call, &spec.driver, e);
	if (r == 0)
		r = path_mkdirs(folder, 0700, e);
	if (r == 0)
		r = mount_rootfs(&spec, e);
	return r < 0 ? r : make_read_only(merged, e);
}

int mount_image(struct store *s, const struct image *image, char **path, struct err *e)
{
	auto_free char *merged = mount_image_path(s, image->id);
	mount_sweep(s);
	auto_fd lock = take_lock(s, e);
	if (lock < 0)
		return lock;
	int r = mount_is_there(merged, e);
	if (r == 0)
		r = mount_new(s, image, merged, e);
	if (r < 0)
		return err_ctx(e, "cannot mount the image");
	*path = take_ptr(merged);
	return 0;
}

int mount_image_end(struct store *s, const struct image *image, bool force, struct err *e)
{
	auto_free char *merged = mount_image_path(s, image->id);
	int r = mount_take_away(merged, hex_of(image->id), force, e);
	mount_sweep(s);
	return r;
}

int mount_images(struct store *s, struct strv *ids, struct err *e)
{
	auto_strv hex = STRV_INIT;
	int r = mount_listed(s, "mounts", &hex, e);
	for (size_t i = 0; i < hex.n; i++)
		strv_take(ids, xasprintf("sha256:%s", hex.v[i]));
	return r;
}

/* ---- what is left of shells that have ended ---- */

static int is_below(void *arg, const char *point, const char *type)
{
	const char *rest = str_after(point, arg);
	(void)type;
	return rest && (*rest == '\0' || *rest == '/');
}

/* Where it cannot be told it may be. */
static bool is_mounted_anywhere(struct store *s, const char *folder)
{
	auto_free struct proc_id *shells = NULL;
	size_t n = 0;
	struct err ignored;
	auto_free char *real = realpath(folder, NULL);
	if (!real || mountinfo_each(0, is_below, real, &ignored) != 0)
		return true;
	shells_list(s->root, &shells, &n);
	for (size_t i = 0; i < n; i++) {
		int r = mountinfo_each(shells[i].pid, is_below, real, &ignored);
		if (r > 0 || (r < 0 && proc_start_time(shells[i].pid) == shells[i].start))
			return true;
	}
	return false;
}

void mount_sweep(struct store *s)
{
	struct err e;
	auto_free char *folder = store_path(s, "mounts");
	if (access(folder, F_OK) < 0)
		return;
	auto_fd lock = take_lock(s, &e);
	auto_dir dir = lock < 0 ? NULL : opendir(folder);
	struct dirent *d;
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.' || !strcmp(d->d_name, "lock"))
			continue;
		auto_free char *path = path_join(folder, d->d_name);
		auto_free char *below = path_join("mounts", d->d_name);
		if (!is_mounted_anywhere(s, path) && store_trash(s, below, &e) < 0)
			log_debug("%s", e.msg);
	}
	if (s->needs_purge && store_purge(s, enter_remove, &e) < 0)
		log_debug("%s", e.msg);
}
