/* Filling an empty volume with what the image has at its mount point. The copy is made beside the
 * volume's folder and renamed over it, so that a volume is either empty or whole, whatever dies. */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"
#include "storage/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int fill(int image, int parent, const char *name, struct err *e)
{
	auto_free char *temp = xasprintf("%s.new", name);
	int r = path_remove_at(parent, temp, e); /* of one that was killed here */
	if (r < 0)
		return r;
	if (mkdirat(parent, temp, 0700) < 0)
		return err_sys(e, "cannot create %s", temp);
	auto_fd to = openat(parent, temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_sys(e, "cannot open %s", temp);
	r = copy_tree(image, to, COPY_PLAIN, e);
	if (r == 0 && renameat(parent, temp, parent, name) < 0 && errno != ENOTEMPTY &&
		errno != EEXIST)
		r = err_sys(e, "cannot rename %s", temp);
	struct err ignored;
	(void)path_remove_at(parent, temp, &ignored);
	return r;
}

int inner_copy_up(const struct inner *in, const struct mount_plan *m, struct err *e)
{
	struct err inside = {0};
	auto_free char *up = path_dir(m->source);
	auto_fd image = path_open_in(in->root, m->target, O_RDONLY | O_DIRECTORY, 0);
	if (image < 0)
		return 0; /* nothing there to copy */
	auto_fd parent = open(up, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return err_sys(e, "cannot open %s", up);
	/* Two containers that start with the same new volume: the second finds it filled. */
	if (flock(parent, LOCK_EX) < 0)
		return err_sys(e, "cannot lock %s", up);
	const char *name = path_base(m->source);
	auto_fd volume = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int empty = volume < 0 ? -errno : is_empty(volume);
	if (empty < 0)
		return err_sysn(e, -empty, "cannot open %s", m->source);
	if (!empty)
		return 0;
	int r = fill(image, parent, name, &inside);
	if (r < 0) {
		*e = inside;
		return err_ctx(e, "cannot fill the volume for %s", m->target);
	}
	return 0;
}
