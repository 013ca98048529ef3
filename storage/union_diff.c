#include "storage/union.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024, CAPABILITY_MAX = 64 };

struct change {
	char kind;
	char *path;
};

struct diff {
	const struct union_diff *d;
	struct change *v; /* in order; a folder's own is put before those in it */
	size_t n;
};

static void add_change(struct diff *x, size_t at, char kind, const char *path)
{
	if ((x->n & (x->n - 1)) == 0)
		x->v = xrealloc(x->v, (x->n ? x->n * 2 : 1) * sizeof(*x->v));
	memmove(x->v + at + 1, x->v + at, (x->n - at) * sizeof(*x->v));
	x->v[at] = (struct change){kind, xstrdup(path)};
	x->n++;
}

/* Archives may have cut a time to whole seconds. */
static bool is_other_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ||
	       (a->tv_nsec != b->tv_nsec && a->tv_nsec != 0 && b->tv_nsec != 0);
}

static bool is_other(const struct stat *a, const struct stat *b)
{
	return a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid ||
	       a->st_rdev != b->st_rdev ||
	       (!S_ISDIR(a->st_mode) &&
		       (is_other_time(&a->st_mtim, &b->st_mtim) || a->st_size != b->st_size));
}

static ssize_t capability(int dir, const char *name, char value[CAPABILITY_MAX])
{
	auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fgetxattr(fd, "security.capability", value, CAPABILITY_MAX);
	return n < 0 ? 0 : n;
}

static bool has_other_capability(int a, int b, const char *name)
{
	char x[CAPABILITY_MAX], y[CAPABILITY_MAX];
	ssize_t n = capability(a, name, x), m = capability(b, name, y);
	return n != m || memcmp(x, y, (size_t)n) != 0;
}

static int compare_folders(struct diff *x, const struct union_folder *above,
	const struct union_folder *below, const char *path, bool is_added, int depth,
	struct err *e);

static int compare_inside(struct diff *x, const struct union_folder *above,
	const struct union_folder *below, const char *name, const char *path, bool is_added,
	int depth, struct err *e)
{
	auto_union up = {0};
	auto_union down = {0};
	int r = union_enter(above, name, &up, e);
	if (r == 0)
		r = union_enter(below, name, &down, e);
	return r < 0 ? err_ctx(e, "%s", path)
		     : compare_folders(x, &up, &down, path, is_added, depth + 1, e);
}

/* A name that is there above. */
static int compare_entry(struct diff *x, const struct union_folder *above,
	const struct union_folder *below, const struct union_name *n, const char *path, int depth,
	struct err *e)
{
	struct stat now, before;
	bool is_added = false;
	if (fstatat(above->fds[n->part], n->name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at %s", path);
	int part = union_find(below, n->name, &before);
	if (part < 0) {
		is_added = !x->d->is_own || !x->d->is_own(path, &now);
		if (is_added)
			add_change(x, x->n, 'A', path);
	} else if (x->d->below_has_own && x->d->is_own(path, &now) && x->d->is_own(path, &before)) {
		is_added = false;
	} else if (is_other(&now, &before) ||
		   (S_ISREG(now.st_mode) && (now.st_mode & 0111) &&
			   has_other_capability(above->fds[n->part], below->fds[part], n->name))) {
		add_change(x, x->n, 'C', path);
		is_added = true; /* has been told of */
	}
	if (!S_ISDIR(now.st_mode))
		return 0;
	return compare_inside(x, above, below, n->name, path, is_added, depth, e);
}

/* It is own, and so is all that is in it. */
static bool is_only_own(struct diff *x, const struct union_folder *below, const char *name,
	const char *path, int depth)
{
	struct stat st;
	struct err ignored;
	auto_union down = {0};
	auto_union_names names = {0};
	if (union_find(below, name, &st) < 0 || !x->d->is_own(path, &st) || depth > DEPTH_MAX)
		return false;
	if (!S_ISDIR(st.st_mode))
		return true;
	if (union_enter(below, name, &down, &ignored) < 0 ||
		union_list(&down, &names, &ignored) < 0)
		return false;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *here = path_join(path, names.v[i].name);
		if (!names.v[i].is_whiteout &&
			!is_only_own(x, &down, names.v[i].name, here, depth + 1))
			return false;
	}
	return true;
}

/* What is below and not above. */
static void deleted(
	struct diff *x, const struct union_folder *below, const char *folder, const char *name)
{
	struct stat st;
	if (union_find(below, name, &st) < 0)
		return;
	auto_free char *path = path_join(folder, name);
	if (!x->d->below_has_own || !is_only_own(x, below, name, path, 0))
		add_change(x, x->n, 'D', path);
}

/* Both lists side by side, by name. */
static int compare_names(struct diff *x, const struct union_folder *above,
	const struct union_folder *below, const struct union_names *up,
	const struct union_names *down, const char *path, int depth, struct err *e)
{
	size_t i = 0, k = 0;
	while (i < up->n || k < down->n) {
		int order = i == up->n     ? 1
			    : k == down->n ? -1
					   : strcmp(up->v[i].name, down->v[k].name);
		if (order > 0) {
			deleted(x, below, path, down->v[k++].name);
			continue;
		}
		const struct union_name *n = &up->v[i++];
		k += order == 0;
		if (n->is_whiteout) {
			deleted(x, below, path, n->name);
			continue;
		}
		auto_free char *here = path_join(path, n->name);
		int r = compare_entry(x, above, below, n, here, depth, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_folders(struct diff *x, const struct union_folder *above,
	const struct union_folder *below, const char *path, bool is_told, int depth, struct err *e)
{
	auto_union_names up = {0};
	auto_union_names down = {0};
	size_t first = x->n;
	if (depth > DEPTH_MAX)
		return err_set(e, ELOOP, "%s: folders nested too deeply", path);
	int r = union_list(above, &up, e);
	/* A layer tells what it deletes; only one that hides all below says it by leaving out. */
	if (r == 0 && above->is_opaque)
		r = union_list(below, &down, e);
	if (r == 0)
		r = compare_names(x, above, below, &up, &down, path, depth, e);
	if (r == 0 && x->n > first && !is_told)
		add_change(x, first, 'C', path);
	return r;
}

int union_diff(const struct union_diff *d, union_change_fn fn, void *arg, struct err *e)
{
	struct diff x = {.d = d};
	auto_union above = {0};
	auto_union below = {0};
	int r = union_open(d->above, d->n_above, &above, e);
	if (r == 0)
		r = union_open(d->below, d->n_below, &below, e);
	above.is_opaque = d->is_whole;
	if (r == 0)
		r = compare_folders(&x, &above, &below, "/", true, 0, e);
	for (size_t i = 0; i < x.n; i++) {
		if (r == 0)
			r = fn(arg, x.v[i].kind, x.v[i].path, e);
		free(x.v[i].path);
	}
	free(x.v);
	return r;
}
