#include "storage/layer_subtract.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024 };

static bool same_link(int a, int b, const char *name)
{
	char x[PATH_MAX], y[PATH_MAX];
	ssize_t n = readlinkat(a, name, x, sizeof(x)), m = readlinkat(b, name, y, sizeof(y));
	return n >= 0 && n == m && !memcmp(x, y, (size_t)n);
}

static bool is_alike(
	int tree, int base, const char *name, const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		return false;
	if (S_ISDIR(a->st_mode))
		return true;
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
		return false;
	if (S_ISLNK(a->st_mode))
		return same_link(tree, base, name);
	return a->st_size == b->st_size && a->st_rdev == b->st_rdev;
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

static int subtract(int tree, int base, int depth, struct err *e);

static int subtract_folder(int tree, int base, const char *name, int depth, struct err *e)
{
	auto_fd a = openat(tree, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd b = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a < 0 || b < 0)
		return err_sys(e, "cannot open %s", name);
	return subtract(a, b, depth + 1, e);
}

/* An entry of the tree. */
static int take_away(int tree, int base, const char *name, int depth, struct err *e)
{
	struct stat a, b;
	if (fstatat(tree, name, &a, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot look at %s", name);
	if (fstatat(base, name, &b, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at %s", name);
	bool both_folders = S_ISDIR(a.st_mode) && S_ISDIR(b.st_mode);
	bool alike = is_alike(tree, base, name, &a, &b);
	if (both_folders && subtract_folder(tree, base, name, depth, e) < 0)
		return -e->code;
	if (!alike)
		return 0;
	if (unlinkat(tree, name, S_ISDIR(a.st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOTEMPTY &&
		errno != EEXIST)
		return err_sys(e, "cannot remove %s", name);
	return 0;
}

static int mark_missing(int tree, const char *name, struct err *e)
{
	struct stat st;
	if (fstatat(tree, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (mknodat(tree, name, S_IFCHR, makedev(0, 0)) < 0)
		return err_sys(e, "cannot mark %s as deleted", name);
	return 0;
}

/* What is missing is marked first: afterwards what was alike is missing, too. */
static int subtract(int tree, int base, int depth, struct err *e)
{
	struct stat st;
	auto_strv ours = STRV_INIT, theirs = STRV_INIT;
	if (depth > DEPTH_MAX)
		return err_set(e, ELOOP, "folders nested too deeply");
	if (fstat(tree, &st) < 0)
		return err_sys(e, "cannot look at a folder");
	int r = list_names(tree, &ours, e);
	if (r >= 0)
		r = list_names(base, &theirs, e);
	for (size_t i = 0; i < theirs.n && r >= 0; i++)
		r = mark_missing(tree, theirs.v[i], e);
	for (size_t i = 0; i < ours.n && r >= 0; i++)
		r = take_away(tree, base, ours.v[i], depth, e);
	if (r < 0)
		return r;
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	return futimens(tree, times) < 0 ? err_sys(e, "cannot set the times of a folder") : 0;
}

int layer_subtract(int tree_fd, int base_fd, struct err *e)
{
	return subtract(tree_fd, base_fd, 0, e);
}
