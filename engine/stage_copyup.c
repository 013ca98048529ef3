/* Filling an empty volume with what the image has at its mount point.
 *
 * The copy is made beside the volume's folder (_data.new), gets the name _data.full when it is
 * whole, and its entries are then renamed into the folder one by one: the folder itself stays, for
 * a running container may have it mounted. A death before the new name leaves an empty volume,
 * which the next start fills; a death after it leaves _data.full, whose entries the next start
 * with that volume moves. A folder of the host's that a volume binds has nothing beside it that is
 * ours: it is filled in place, and the mark "filling" makes the next start do it again.
 */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"
#include "storage/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char full_name[] = "_data.full", new_name[] = "_data.new", mark_name[] = "filling";

static int open_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int is_empty(int dir_fd)
{
	int again = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *d;
	if (!dir)
		return -errno;
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			return 0;
	return 1;
}

/* What a container has put there meanwhile stays. */
static int move_entries(int from, int to, struct err *e)
{
	int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *d;
	if (!dir)
		return err_sys(e, "cannot read the copy");
	while ((d = readdir(dir)) != NULL) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (renameat2(from, d->d_name, to, d->d_name, RENAME_NOREPLACE) < 0 &&
			errno != EEXIST && errno != ENOENT)
			return err_sys(e, "cannot move %s into the volume", d->d_name);
	}
	return 0;
}

/* The rest of a fill: from _data.full, which is whole. */
static int settle(int parent, int data, struct err *e)
{
	auto_fd full = open_folder(parent, full_name);
	if (full == -ENOENT)
		return 0;
	if (full < 0)
		return err_sysn(e, -full, "cannot open %s", full_name);
	int r = copy_attributes(full, data, e);
	if (r == 0)
		r = move_entries(full, data, e);
	return r < 0 ? r : path_remove_at(parent, full_name, e);
}

static int copy_aside(int image, int parent, struct err *e)
{
	int r = path_remove_at(parent, new_name, e); /* of one that was killed here */
	if (r < 0)
		return r;
	if (mkdirat(parent, new_name, 0700) < 0)
		return err_sys(e, "cannot create %s", new_name);
	auto_fd to = open_folder(parent, new_name);
	if (to < 0)
		return err_sysn(e, -to, "cannot open %s", new_name);
	r = copy_tree(image, to, COPY_PLAIN, e);
	if (r == 0 && renameat(parent, new_name, parent, full_name) < 0)
		r = err_sys(e, "cannot rename %s", new_name);
	if (r < 0) {
		struct err ignored = {0};
		(void)path_remove_at(parent, new_name, &ignored);
	}
	return r;
}

static int fill_in_place(int image, int parent, int data, struct err *e)
{
	auto_fd mark = openat(parent, mark_name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (mark < 0)
		return err_sys(e, "cannot create %s", mark_name);
	int r = copy_tree(image, data, COPY_PLAIN, e);
	if (r == 0 && unlinkat(parent, mark_name, 0) < 0)
		return err_sys(e, "cannot remove %s", mark_name);
	return r;
}

static int fill(const struct mount_extras *x, int image, int parent, int data, struct err *e)
{
	bool is_again = x->device && faccessat(parent, mark_name, F_OK, 0) == 0;
	int empty = is_empty(data);
	if (empty < 0)
		return err_sysn(e, -empty, "cannot read the volume");
	if (!empty && !is_again)
		return 0;
	if (x->device)
		return fill_in_place(image, parent, data, e);
	int r = copy_aside(image, parent, e);
	if (r == 0)
		r = settle(parent, data, e);
	if (r == 0 && (x->uid >= 0 || x->gid >= 0) &&
		fchown(data, (uid_t)x->uid, (gid_t)x->gid) < 0)
		return err_sys(e, "cannot set the volume's owner");
	return r;
}

static bool has_leftover(int parent)
{
	return faccessat(parent, full_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int inner_fill_volume(
	const struct inner *in, const struct mount_plan *m, const char *data_path, struct err *e)
{
	const struct mount_extras *x = &m->more;
	auto_free char *up = path_dir(x->lower ? x->lower : m->source);
	auto_fd parent = open(up, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return err_sys(e, "cannot open %s", up);
	bool wanted = x->copy_up && !in->is_filled;
	auto_fd image = wanted ? path_open_in(in->root, m->target, O_RDONLY | O_DIRECTORY, 0) : -1;
	if (image < 0 && !has_leftover(parent))
		return 0; /* nothing there to copy */
	/* Two containers that start with the same new volume: the second finds it filled. */
	if (flock(parent, LOCK_EX) < 0)
		return err_sys(e, "cannot lock %s", up);
	auto_fd data = open(data_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (data < 0)
		return errno == ENOTDIR || errno == ENOENT
			       ? 0
			       : err_sys(e, "cannot open %s", data_path);
	int r = x->device ? 0 : settle(parent, data, e);
	if (r == 0 && image >= 0)
		r = fill(x, image, parent, data, e);
	return r < 0 ? err_ctx(e, "cannot fill the volume for %s", m->target) : 0;
}

int inner_fill_tmpfs(const struct inner *in, const struct mount_plan *m, int tree, struct err *e)
{
	auto_fd image = path_open_in(in->root, m->target, O_RDONLY | O_DIRECTORY, 0);
	if (image < 0)
		return 0;
	auto_fd to = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = to < 0 ? err_sys(e, "cannot open the tmpfs") : copy_tree(image, to, COPY_PLAIN, e);
	return r < 0 ? err_ctx(e, "cannot fill the tmpfs on %s", m->target) : 0;
}

static int mark_of(const struct inner *in, int flags)
{
	auto_free char *path = path_join(in->p->bundle, "filled");
	return open(path, flags | O_CLOEXEC, 0600);
}

bool inner_was_filled(const struct inner *in)
{
	auto_fd fd = mark_of(in, O_PATH);
	return fd >= 0;
}

void inner_mark_filled(const struct inner *in)
{
	auto_fd fd = mark_of(in, O_WRONLY | O_CREAT);
	if (fd < 0)
		log_debug("cannot note that the volumes are filled");
}
