#include "storage/upper_tidy.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024, XATTR_NAMES_MAX = 64 * 1024 };

static const char opaque[] = "user.overlay.opaque";
static const char fuse_opaque[] = "user.fuseoverlayfs.opaque";
/* Two names of one mark: a file, and a device where it may make one. */
static const char *const opaque_files[] = {".wh..wh..opq", ".wh..opq"};

static bool has_mark(int fd, const char *name)
{
	char v;
	return fgetxattr(fd, name, &v, 1) == 1 && v == 'y';
}

/* The drivers' attributes but the one mark. */
static int strip(int fd, char *names, struct err *e)
{
	ssize_t n = flistxattr(fd, names, XATTR_NAMES_MAX);
	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		bool is_drivers = str_starts(name, "user.overlay.") ||
				  str_starts(name, "user.fuseoverlayfs.");
		if (is_drivers && strcmp(name, opaque) != 0 && fremovexattr(fd, name) < 0 &&
			errno != ENODATA)
			return err_sys(e, "cannot remove the attribute %s", name);
	}
	return 0;
}

static int strip_file(int dir, const char *name, char *names, struct err *e)
{
	auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s", name) : strip(fd, names, e);
}

/* ".wh.NAME" as a device. */
static int rewrite_whiteout(int dir, const char *name, struct err *e)
{
	const char *of = name + strlen(".wh.");
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s", name);
	if (mknodat(dir, of, S_IFCHR, makedev(0, 0)) < 0 && errno != EEXIST)
		return err_sys(e, "cannot mark %s as deleted", of);
	return 0;
}

static int tidy_folder(int fd, char *names, int depth, struct err *e);

static int tidy_subfolder(int dir, const char *name, char *names, int depth, struct err *e)
{
	auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s", name) : tidy_folder(fd, names, depth + 1, e);
}

static int tidy_entry(
	int dir, const char *name, char *names, int depth, bool *changed, struct err *e)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot look at %s", name);
	if (S_ISDIR(st.st_mode))
		return tidy_subfolder(dir, name, names, depth, e);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (str_starts(name, ".wh.") && name[4]) {
		*changed = true;
		return rewrite_whiteout(dir, name, e);
	}
	return strip_file(dir, name, names, e);
}

static int rewrite_opaque(int fd, bool *changed, struct err *e)
{
	struct stat st;
	for (size_t i = 0; i < ARRAY_LEN(opaque_files); i++)
		*changed |= fstatat(fd, opaque_files[i], &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*changed && !has_mark(fd, fuse_opaque))
		return 0;
	/* The new mark first: at no moment does what is below show through. */
	if (fsetxattr(fd, opaque, "y", 1, 0) < 0)
		return err_sys(e, "cannot mark a folder as opaque");
	for (size_t i = 0; i < ARRAY_LEN(opaque_files); i++)
		if (unlinkat(fd, opaque_files[i], 0) < 0 && errno != ENOENT)
			return err_sys(e, "cannot remove %s", opaque_files[i]);
	return 0;
}

static int list_names(int fd, struct strv *out, struct err *e)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return err_sys(e, "cannot read a folder");
	const struct dirent *d;
	while ((errno = 0, d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			strv_add(out, d->d_name);
	return errno ? err_sys(e, "cannot read a folder") : 0;
}

static int tidy_folder(int fd, char *names, int depth, struct err *e)
{
	struct stat st;
	bool changed = false;
	auto_strv list = STRV_INIT;
	if (depth > DEPTH_MAX)
		return err_set(e, ELOOP, "folders nested too deeply");
	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at a folder");
	int r = rewrite_opaque(fd, &changed, e);
	if (r >= 0)
		r = strip(fd, names, e);
	if (r >= 0)
		r = list_names(fd, &list, e);
	for (size_t i = 0; i < list.n && r >= 0; i++)
		r = tidy_entry(fd, list.v[i], names, depth, &changed, e);
	if (r < 0 || !changed)
		return r;
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	return futimens(fd, times) < 0 ? err_sys(e, "cannot set the times of a folder") : 0;
}

/* Removes what is empty, and leaves the time of its folder alone. */
static int drop_one(int root, const char *path, struct err *e)
{
	const char *last;
	struct stat st, above;
	auto_fd parent = path_open_parent_in(root, path, 0, &last);
	if (parent < 0)
		return parent == -ENOENT || parent == -ENOTDIR
			       ? 0
			       : err_sysn(e, -parent, "cannot open /%s", path);
	if (fstatat(parent, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at /%s", path);
	bool is_folder = S_ISDIR(st.st_mode);
	if (!is_folder && (!S_ISREG(st.st_mode) || st.st_size != 0))
		return 0;
	if (fstat(parent, &above) < 0)
		return err_sys(e, "cannot look at /%s", path);
	if (unlinkat(parent, last, is_folder ? AT_REMOVEDIR : 0) < 0)
		return errno == ENOTEMPTY || errno == EEXIST
			       ? 0
			       : err_sys(e, "cannot remove /%s", path);
	const struct timespec times[2] = {above.st_atim, above.st_mtim};
	auto_fd folder = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 || futimens(folder, times) < 0
		       ? err_sys(e, "cannot set the times of a folder")
		       : 0;
}

int upper_tidy(int dir_fd, const struct strv *drop, struct err *e)
{
	auto_free char *names = xmalloc(XATTR_NAMES_MAX);
	int r = tidy_folder(dir_fd, names, 0, e);
	for (size_t i = 0; i < drop->n && r >= 0; i++)
		r = drop_one(dir_fd, drop->v[i], e);
	return r;
}

static void copy_attributes(int from, int to)
{
	auto_free char *names = xmalloc(XATTR_NAMES_MAX), *value = xmalloc(XATTR_NAMES_MAX);
	ssize_t n = flistxattr(from, names, XATTR_NAMES_MAX);
	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		if (str_starts(name, "user.overlay.") || str_starts(name, "user.fuseoverlayfs."))
			continue;
		ssize_t len = fgetxattr(from, name, value, XATTR_NAMES_MAX);
		if (len >= 0)
			(void)fsetxattr(to, name, value, (size_t)len, 0);
	}
}

int upper_renew(int dir_fd, int at_fd, const char *name, struct err *e)
{
	struct stat st;
	if (fstat(dir_fd, &st) < 0 || mkdirat(at_fd, name, 0700) < 0)
		return err_sys(e, "cannot create %s", name);
	auto_fd fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s", name);
	auto_fd mark = openat(fd, ".dockerenv", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (mark < 0)
		return err_sys(e, "cannot create %s/.dockerenv", name);
	copy_attributes(dir_fd, fd);
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	if (fchmod(mark, 0755) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0 ||
		fchmod(fd, st.st_mode & 07777) < 0 || futimens(fd, times) < 0)
		return err_sys(e, "cannot set the attributes of %s", name);
	return 0;
}
