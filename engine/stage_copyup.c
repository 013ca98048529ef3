/* Filling an empty volume with what the image has at its mount point. The copy is made beside the
 * volume's folder and renamed over it, so that a volume is either empty or whole, whatever dies. */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Files with several names, so that they are one file again in the copy. */
struct links {
	struct seen {
		dev_t dev;
		ino_t ino;
		char *path; /* below the copy's root */
	} * v;
	size_t n;
	int root;
};

static void links_deinit(struct links *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].path);
	free(l->v);
}

static const char *links_find(const struct links *l, const struct stat *st)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].dev == st->st_dev && l->v[i].ino == st->st_ino)
			return l->v[i].path;
	return NULL;
}

static void links_add(struct links *l, const struct stat *st, const char *path)
{
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = (struct seen){st->st_dev, st->st_ino, xstrdup(path)};
}

static int copy_xattrs(int from, int to)
{
	char names[65536], value[65536];
	ssize_t n = flistxattr(from, names, sizeof(names));
	if (n < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (char *name = names; name < names + n; name += strlen(name) + 1) {
		/* The storage driver's own marks are not the image's. */
		if (str_starts(name, "user.overlay.") || str_starts(name, "trusted.overlay.") ||
			str_starts(name, "user.fuseoverlayfs."))
			continue;
		ssize_t size = fgetxattr(from, name, value, sizeof(value));
		if (size < 0)
			continue;
		if (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP &&
			errno != EPERM)
			return -errno;
	}
	return 0;
}

static int copy_data(int from, int to)
{
	char block[65536];
	for (;;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
		if (n == 0)
			return 0;
		if (n > 0)
			continue;
		if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
			return -errno;
		while ((n = read(from, block, sizeof(block))) > 0)
			if (write(to, block, (size_t)n) != n)
				return errno ? -errno : -ENOSPC;
		return n < 0 ? -errno : 0;
	}
}

/* Owner first: chown clears set-id bits and capabilities. */
static int copy_meta(int from, int to, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return -errno;
	int r = copy_xattrs(from, to);
	return r < 0 ? r : futimens(to, times) < 0 ? -errno : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	auto_fd from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return -errno;
	auto_fd to = openat(to_dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	int r = copy_data(from, to);
	return r < 0 ? r : copy_meta(from, to, st);
}

static int copy_special(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char target[4096];
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		if (symlinkat(target, to_dir, name) < 0)
			return -errno;
	} else if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode)) {
		if (mknodat(to_dir, name, st->st_mode, 0) < 0)
			return -errno;
	} else {
		return 0; /* device nodes cannot be made in a user namespace */
	}
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	(void)utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

static int copy_tree(int from, int to, const char *path, struct links *links, struct err *e);

static int copy_entry(
	int from, int to, const char *name, const char *path, struct links *links, struct err *e)
{
	struct stat st;
	int r = fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	if (r == 0 && S_ISDIR(st.st_mode)) {
		auto_fd a = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = a < 0 || mkdirat(to, name, 0700) < 0 ? -errno : 0;
		auto_fd b =
			r < 0 ? -1
			      : openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (r == 0)
			r = b < 0 ? -errno : copy_tree(a, b, path, links, e);
		return r < 0 && !e->code ? err_sysn(e, -r, "cannot copy %s", path) : r;
	}
	const char *first = r == 0 && st.st_nlink > 1 ? links_find(links, &st) : NULL;
	if (r == 0 && first) {
		r = linkat(links->root, first, to, name, 0) < 0 ? -errno : 0;
	} else if (r == 0) {
		r = S_ISREG(st.st_mode) ? copy_file(from, to, name, &st)
					: copy_special(from, to, name, &st);
		if (r == 0 && st.st_nlink > 1)
			links_add(links, &st, path);
	}
	return r < 0 ? err_sysn(e, -r, "cannot copy %s", path) : 0;
}

static int copy_tree(int from, int to, const char *path, struct links *links, struct err *e)
{
	struct stat st;
	int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = again < 0 ? NULL : fdopendir(again);
	if (!dir || fstat(from, &st) < 0)
		return err_sys(e, "cannot read %s", path);
	struct dirent *d;
	while ((d = readdir(dir)) != NULL) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		auto_free char *below = *path ? path_join(path, d->d_name) : xstrdup(d->d_name);
		int r = copy_entry(from, to, d->d_name, below, links, e);
		if (r < 0)
			return r;
	}
	int r = copy_meta(from, to, &st);
	return r < 0 ? err_sysn(e, -r, "cannot copy the attributes of %s", path) : 0;
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
	struct links links = {.root = to};
	r = copy_tree(image, to, "", &links, e);
	links_deinit(&links);
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
