#include "storage/copy.h"
#include "storage/copy_data.h"
#include "base/err.h"
#include "base/inodes.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024, XATTR_MAX = 64 * 1024 };

struct copy {
	int to_root;
	enum copy_flags flags;
	struct inodes links;
	bool has_failed;
};

static bool is_ours(const char *name)
{
	return str_starts(name, "user.overlay.") || str_starts(name, "user.fuseoverlayfs.");
}

/* What the namespace may not set (trusted.*, security.selinux) is passed over, as unpacking does.
 */
static int copy_xattrs(const struct copy *c, int from, int to, struct err *e)
{
	char names[XATTR_MAX];
	ssize_t n = flistxattr(from, names, sizeof(names));
	if (n <= 0)
		return n == 0 || errno == ENOTSUP || errno == EPERM || errno == EBADF
			       ? 0
			       : err_sys(e, "cannot list extended attributes");
	auto_free char *value = xmalloc(XATTR_MAX);
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		if (is_ours(name) && !(c->flags & COPY_MARKS))
			continue;
		ssize_t len = fgetxattr(from, name, value, XATTR_MAX);
		if (len < 0)
			continue;
		if (fsetxattr(to, name, value, (size_t)len, 0) < 0 && errno != EPERM &&
			errno != ENOTSUP)
			return err_sys(e, "cannot set the extended attribute %s", name);
	}
	return 0;
}

/* Owner first: chown takes set-id bits and capabilities away. */
static int set_attributes(
	const struct copy *c, int from, int to, const struct stat *st, struct err *e)
{
	if (fchown(to, st->st_uid, st->st_gid) < 0)
		return err_sys(e, "cannot set the owner");
	if (fchmod(to, st->st_mode & 07777) < 0)
		return err_sys(e, "cannot set the mode");
	int r = copy_xattrs(c, from, to, e);
	if (r < 0)
		return r;
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	return futimens(to, times) < 0 ? err_sys(e, "cannot set the times") : 0;
}

/* A writable layer may be in use: what goes or changes its kind between two looks is passed over.
 */
static int source_failed(const struct copy *c, const char *what, struct err *e)
{
	bool has_gone = errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == EINVAL;
	return (c->flags & COPY_MARKS) && has_gone ? 0 : err_sys(e, "%s", what);
}

static int copy_regular(struct copy *c, int from_dir, int to_dir, const char *name,
	const struct stat *st, struct err *e)
{
	auto_fd from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (from < 0)
		return source_failed(c, "cannot open", e);
	auto_fd to = openat(to_dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(e, "cannot create");
	int r = copy_data(from, to, st->st_size, e);
	return r < 0 ? r : set_attributes(c, from, to, st, e);
}

static int copy_symlink(const struct copy *c, int from_dir, int to_dir, const char *name,
	const struct stat *st, struct err *e)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);
	if (n < 0)
		return source_failed(c, "cannot read the link", e);
	target[n] = 0;
	if (symlinkat(target, to_dir, name) < 0)
		return err_sys(e, "cannot create the link");
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot set the owner");
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	return utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0
		       ? err_sys(e, "cannot set the times")
		       : 0;
}

/* Fifos and sockets; device nodes cannot be made in a user namespace and are passed over. */
static int copy_special(int to_dir, const char *name, const struct stat *st, struct err *e)
{
	if (mknodat(to_dir, name, st->st_mode, st->st_rdev) < 0)
		return errno == EPERM && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
			       ? 0
			       : err_sys(e, "cannot create");
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot set the owner");
	if (fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		return err_sys(e, "cannot set the mode");
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	return utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0
		       ? err_sys(e, "cannot set the times")
		       : 0;
}

static int copy_folder(struct copy *c, int from, int to, const struct stat *st, const char *path,
	int depth, struct err *e);

static bool is_opaque(int fd)
{
	char v;
	return fgetxattr(fd, "user.overlay.opaque", &v, 1) == 1 && v == 'y';
}

static int enter_folder(struct copy *c, int from_dir, int to_dir, const char *name,
	const struct stat *st, const char *path, int depth, struct err *e)
{
	auto_fd from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return source_failed(c, "cannot open", e);
	struct stat there;
	bool exists = fstatat(to_dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0;
	if (exists && (!S_ISDIR(there.st_mode) || ((c->flags & COPY_LAYER) && is_opaque(from)))) {
		int r = path_remove_at(to_dir, name, e);
		if (r < 0)
			return r;
	}
	if (mkdirat(to_dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create");
	auto_fd to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_sys(e, "cannot open the copy");
	return copy_folder(c, from, to, st, path, depth + 1, e);
}

/* 1 where the name could be made a link to an earlier copy of the same file. */
static int link_again(struct copy *c, int to_dir, const char *name, const struct stat *st,
	const char *path, struct err *e)
{
	if (st->st_nlink < 2)
		return 0;
	const char *first = inodes_meet(&c->links, st->st_dev, st->st_ino, path);
	if (!first)
		return 0;
	if (linkat(c->to_root, first, to_dir, name, 0) < 0)
		return err_sys(e, "cannot link to %s", first);
	return 1;
}

static int copy_entry(struct copy *c, int from_dir, int to_dir, const char *name, const char *path,
	int depth, struct err *e)
{
	struct stat st;
	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return source_failed(c, "cannot look at", e);
	if (S_ISDIR(st.st_mode))
		return enter_folder(c, from_dir, to_dir, name, &st, path, depth, e);
	int r = path_remove_at(to_dir, name, e);
	if (r < 0)
		return r;
	if ((c->flags & COPY_LAYER) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		return 0;
	r = link_again(c, to_dir, name, &st, path, e);
	if (r != 0)
		return r;
	if (S_ISREG(st.st_mode))
		return copy_regular(c, from_dir, to_dir, name, &st, e);
	if (S_ISLNK(st.st_mode))
		return copy_symlink(c, from_dir, to_dir, name, &st, e);
	return copy_special(to_dir, name, &st, e);
}

static int copy_folder(struct copy *c, int from, int to, const struct stat *st, const char *path,
	int depth, struct err *e)
{
	if (depth > DEPTH_MAX)
		return err_set(e, ELOOP, "folders nested too deeply");
	int copy = fcntl(from, F_DUPFD_CLOEXEC, 3);
	auto_dir dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return err_sys(e, "cannot read /%s", path);
	rewinddir(dir);
	const struct dirent *d;
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		auto_free char *below = *path ? path_join(path, d->d_name) : xstrdup(d->d_name);
		int r = copy_entry(c, from, to, d->d_name, below, depth, e);
		if (r < 0) {
			/* The name is put in front once, by the folder that met the error. */
			if (!c->has_failed)
				err_ctx(e, "/%s", below);
			c->has_failed = true;
			return r;
		}
	}
	return set_attributes(c, from, to, st, e);
}

int copy_tree(int from_fd, int to_fd, enum copy_flags flags, struct err *e)
{
	struct copy c = {.to_root = to_fd, .flags = flags};
	struct stat st;
	if (fstat(from_fd, &st) < 0)
		return err_sys(e, "cannot look at the folder to copy");
	int r = copy_folder(&c, from_fd, to_fd, &st, "", 0, e);
	inodes_free(&c.links);
	return r;
}

int copy_attributes(int from_fd, int to_fd, struct err *e)
{
	struct copy c = {.flags = COPY_PLAIN};
	struct stat st;
	if (fstat(from_fd, &st) < 0)
		return err_sys(e, "cannot look at what to copy");
	return set_attributes(&c, from_fd, to_fd, &st, e);
}
