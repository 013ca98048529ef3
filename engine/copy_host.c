/* The user's own files as one end of a copy: looked at by name, as the user. */
#include "engine/copy_internal.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 10 };

char *host_path(const char *typed)
{
	auto_free char *clean = path_abs(typed);
	return copy_keep_ending(clean, typed);
}

int copy_check_output(const char *path, struct err *e)
{
	struct stat st;
	auto_free char *clean = path_clean(path);
	auto_free char *above = path_dir(clean);
	if (stat(above, &st) < 0 && errno == ENOENT)
		return err_set(
			e, ENOENT, "invalid output path: directory \"%s\" does not exist", above);
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_go(e, errno, "stat %s", path);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return err_set(e, EINVAL,
			"invalid output path: \"%s\" must be a directory or a regular file: got a "
			"device",
			path);
	return 0;
}

/* Every link followed; Go's error names the first part that is missing. */
static char *resolve(const char *path, struct err *e)
{
	char *real = realpath(path, NULL);
	int code = errno;
	struct stat st;
	if (real) {
		if (copy_has_slash(path) && stat(path, &st) < 0) {
			err_set(e, ENOTDIR, "not a directory");
			free(real);
			return NULL;
		}
		return real;
	}
	if (code == ENOTDIR) {
		err_set(e, ENOTDIR, "not a directory");
		return NULL;
	}
	/* A link that leads nowhere: what it names is missing. */
	auto_free char *at = path_clean(path);
	for (int i = 0; code == ENOENT && i < LINKS_MAX; i++) {
		char target[PATH_MAX + 1];
		ssize_t n = readlink(at, target, PATH_MAX);
		if (n < 0)
			break;
		target[n] = 0;
		auto_free char *above = path_dir(at);
		auto_free char *next = *target == '/' ? xstrdup(target) : path_join(above, target);
		free(at);
		at = path_clean(next);
	}
	for (char *slash = strchr(at + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (lstat(at, &st) < 0)
			break;
		*slash = '/';
	}
	err_go(e, code, "lstat %s", at);
	return NULL;
}

/* Only the folder's links are followed. */
static int resolve_folder(const char *path, struct copy_end *out, struct err *e)
{
	const char *base = path_base(path);
	auto_free char *above = xstrndup(path, (size_t)(base - path));
	auto_free char *real = resolve(above, e);
	if (!real)
		return -e->code;
	/* "link/": the folder it leads to, under the link's name. */
	out->path = path_join(real, base);
	auto_free char *was = copy_base(path);
	auto_free char *is = copy_base(out->path);
	if (copy_has_slash(path) && strcmp(was, is) != 0)
		out->rebase = take_ptr(was);
	return 0;
}

int host_source(const char *typed, bool follow, struct copy_end *out, struct err *e)
{
	struct stat st;
	auto_free char *path = host_path(typed);
	if (follow) {
		auto_free char *real = resolve(path, e);
		if (!real)
			return -e->code;
		out->path = copy_followed(path, real, &out->rebase);
	} else if (resolve_folder(path, out, e) < 0) {
		return -e->code;
	}
	if (lstat(out->path, &st) < 0)
		return err_go(e, errno, "lstat %s", out->path);
	out->exists = true;
	out->is_folder = S_ISDIR(st.st_mode);
	return 0;
}

static int check_above(const char *path, struct err *e)
{
	struct stat st;
	char *above, *last;
	copy_split_last(path, &above, &last);
	free(last);
	int r = 0;
	if (stat(above, &st) < 0)
		r = err_go(e, errno, "stat %s", above);
	else if (!S_ISDIR(st.st_mode))
		r = err_set(e, ENOTDIR, "not a directory");
	free(above);
	return r;
}

int host_destination(const char *typed, struct copy_end *out, struct err *e)
{
	struct stat st;
	out->path = host_path(typed);
	int failed = lstat(out->path, &st);
	for (int i = 0; failed == 0 && S_ISLNK(st.st_mode); i++) {
		char target[PATH_MAX + 1];
		ssize_t n = readlink(out->path, target, PATH_MAX);
		if (n < 0 || i > LINKS_MAX)
			return err_set(e, ELOOP, "too many symlinks in %s", typed);
		target[n] = 0;
		auto_free char *above = path_dir(out->path);
		auto_free char *joined = path_join(above, target);
		char *next = *target == '/' ? xstrdup(target) : path_clean(joined);
		free(out->path);
		out->path = next;
		failed = lstat(next, &st);
	}
	if (failed < 0 && errno != ENOENT)
		return err_go(e, errno, "lstat %s", out->path);
	if (failed < 0)
		return check_above(out->path, e);
	out->exists = true;
	out->is_folder = S_ISDIR(st.st_mode);
	return 0;
}
