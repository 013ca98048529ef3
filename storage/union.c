#include "storage/union.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MARK ".wh."
#define OPAQUE_MARK ".wh..wh..opq"

void union_close(struct union_folder *u)
{
	for (size_t i = 0; i < u->n; i++)
		close(u->fds[i]);
	free(u->fds);
	*u = (struct union_folder){0};
}

static void add_part(struct union_folder *u, int taken_fd)
{
	u->fds = xrealloc(u->fds, (u->n + 1) * sizeof(*u->fds));
	u->fds[u->n++] = taken_fd;
}

int union_open(const int *roots, size_t n, struct union_folder *out, struct err *e)
{
	*out = (struct union_folder){0};
	for (size_t i = 0; i < n; i++) {
		int fd = openat(roots[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			union_close(out);
			return err_sys(e, "cannot open a layer");
		}
		add_part(out, fd);
	}
	return 0;
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static bool has_mark(int fd, const char *name)
{
	struct stat st;
	auto_free char *mark = xasprintf(MARK "%s", name);
	return strlen(mark) <= NAME_MAX && fstatat(fd, mark, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_opaque(int fd)
{
	static const char *const names[] = {"user.overlay.opaque", "user.fuseoverlayfs.opaque"};
	struct stat st;
	char v;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (fgetxattr(fd, names[i], &v, 1) == 1 && v == 'y')
			return true;
	return fstatat(fd, OPAQUE_MARK, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int union_find(const struct union_folder *u, const char *name, struct stat *st)
{
	for (size_t i = 0; i < u->n; i++) {
		if (fstatat(u->fds[i], name, st, AT_SYMLINK_NOFOLLOW) == 0)
			return is_whiteout(st) ? -1 : (int)i;
		if (has_mark(u->fds[i], name))
			return -1;
	}
	return -1;
}

int union_enter(
	const struct union_folder *u, const char *name, struct union_folder *out, struct err *e)
{
	*out = (struct union_folder){.is_opaque = u->is_opaque};
	for (size_t i = 0; i < u->n; i++) {
		int fd = openat(u->fds[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
			union_close(out);
			return err_sys(e, "cannot open %s", name);
		}
		bool is_hidden_here = fd < 0 && errno != ENOENT;
		if (fd >= 0) {
			add_part(out, fd);
			is_hidden_here = is_opaque(fd);
		}
		if (is_hidden_here || has_mark(u->fds[i], name)) {
			out->is_opaque = true;
			break;
		}
	}
	return 0;
}

/* ---- names ---- */

void union_names_free(struct union_names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	*l = (struct union_names){0};
}

/* Of one name the topmost first, and beside a whiteout of the same part what replaced it. */
static int by_name(const void *a, const void *b)
{
	const struct union_name *x = a, *y = b;
	int r = strcmp(x->name, y->name);
	if (r)
		return r;
	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return (int)x->is_whiteout - (int)y->is_whiteout;
}

static void add_name(struct union_names *l, const char *name, size_t part, bool is_white)
{
	if ((l->n & (l->n - 1)) == 0)
		l->v = xrealloc(l->v, (l->n ? l->n * 2 : 1) * sizeof(*l->v));
	l->v[l->n++] = (struct union_name){xstrdup(name), part, is_white};
}

static int list_part(
	const struct union_folder *u, size_t part, struct union_names *out, struct err *e)
{
	const struct dirent *d;
	int copy = openat(u->fds[part], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return err_sys(e, "cannot read a folder of a layer");
	while ((errno = 0, d = readdir(dir))) {
		struct stat st;
		const char *name = d->d_name, *marked = str_after(name, MARK);
		if (!strcmp(name, ".") || !strcmp(name, "..") || str_starts(name, ".wh..wh."))
			continue;
		bool is_white = marked && *marked;
		if (!is_white && (d->d_type == DT_CHR || d->d_type == DT_UNKNOWN))
			is_white = fstatat(u->fds[part], name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				   is_whiteout(&st);
		add_name(out, marked && *marked ? marked : name, part, is_white);
	}
	return errno ? err_sys(e, "cannot read a folder of a layer") : 0;
}

int union_list(const struct union_folder *u, struct union_names *out, struct err *e)
{
	size_t kept = 0;
	*out = (struct union_names){0};
	for (size_t i = 0; i < u->n; i++) {
		int r = list_part(u, i, out, e);
		if (r < 0) {
			union_names_free(out);
			return r;
		}
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_name);
	for (size_t i = 0; i < out->n; i++) {
		if (kept && !strcmp(out->v[kept - 1].name, out->v[i].name))
			free(out->v[i].name);
		else
			out->v[kept++] = out->v[i];
	}
	out->n = kept;
	return 0;
}
