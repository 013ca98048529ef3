#include "engine/diff.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/inspect_object.h"
#include "engine/start.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/store.h"
#include "storage/union.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_MAX = 512 * 1024 * 1024 };

/* Folders by name, top first, and where the result goes: "Apath\0Cpath\0...". */
struct comparison {
	struct strv above, below;
	bool is_whole, below_has_own;
	int out;
	struct buf text;
};

/* What moss makes in the writable folder to mount on. Docker has these in a layer of its own below
 * the container's, so they are there without being a change. */
static bool is_mount_point(const char *path, const struct stat *st)
{
	static const char *const folders[] = {
		"/dev", "/dev/pts", "/dev/shm", "/etc", "/proc", "/sys"};
	static const char *const files[] = {
		"/.dockerenv", "/dev/console", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"};
	for (size_t i = 0; S_ISDIR(st->st_mode) && i < ARRAY_LEN(folders); i++)
		if (!strcmp(path, folders[i]))
			return true;
	for (size_t i = 0; S_ISREG(st->st_mode) && !st->st_size && i < ARRAY_LEN(files); i++)
		if (!strcmp(path, files[i]))
			return true;
	return false;
}

/* ---- inside the user namespace ---- */

static int collect(void *arg, char kind, const char *path, struct err *e)
{
	struct comparison *c = arg;
	(void)e;
	buf_putc(&c->text, kind);
	buf_add(&c->text, path, strlen(path) + 1);
	return 0;
}

static int open_all(const struct strv *paths, int *fds, size_t *n, struct err *e)
{
	for (size_t i = 0; i < paths->n; i++) {
		fds[*n] = open(paths->v[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fds[*n] < 0)
			return err_sys(e, "cannot open %s", paths->v[i]);
		++*n;
	}
	return 0;
}

static int compare(void *arg, struct err *e)
{
	struct comparison *c = arg;
	auto_free int *above = xcalloc(c->above.n + 1, sizeof(*above));
	auto_free int *below = xcalloc(c->below.n + 1, sizeof(*below));
	struct union_diff d = {.above = above,
		.below = below,
		.is_whole = c->is_whole,
		.is_own = is_mount_point,
		.below_has_own = c->below_has_own};
	int r = open_all(&c->above, above, &d.n_above, e);
	if (r == 0)
		r = open_all(&c->below, below, &d.n_below, e);
	if (r == 0)
		r = union_diff(&d, collect, c, e);
	if (r == 0 && (r = write_all(c->out, c->text.data ? c->text.data : "", c->text.len)) < 0)
		r = err_sysn(e, -r, "cannot keep the list of changes");
	return r; /* the process ends here: its descriptors with it */
}

/* ---- outside ---- */

static void add_layers(
	struct store *s, char *const *ids, size_t from, size_t to, struct strv *paths)
{
	for (size_t i = to; i-- > from;)
		strv_take(paths, store_path(s, "layers/%s/diff", ids[i]));
}

static void free_ids(char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
}

/* The folders of a container or an image, top first: what it has made itself, and what it stands
 * on.
 */
struct sides {
	struct strv own, base;
	bool is_whole; /* own is the whole tree (a copy of vfs) */
	bool is_container;
};

static void sides_free(struct sides *x)
{
	strv_free(&x->own);
	strv_free(&x->base);
}

static int container_sides(
	struct store *s, const struct container_row *row, struct sides *x, struct err *e)
{
	char **all = NULL, **own = NULL;
	size_t n = 0, n_own = 0;
	bool is_copy = !strcmp(row->driver, "vfs");
	auto_free char *folder =
		store_path(s, "containers/%s/%s", row->id, is_copy ? "vfs" : "upper");
	x->is_container = true;
	int r = container_row_layers(s->db, row->id, &all, &n, e);
	if (r >= 0)
		r = container_row_layers_own(s->db, row->id, &own, &n_own, e);
	if (r >= 0) {
		/* The copy of vfs is made at the first start. */
		bool is_there = access(folder, F_OK) == 0;
		if (is_there)
			strv_add(&x->own, folder);
		x->is_whole = is_copy && is_there;
		add_layers(s, all, n - n_own, n, &x->own);
		add_layers(s, all, 0, n - n_own, &x->base);
	}
	free_ids(all, n);
	free_ids(own, n_own);
	return r < 0 ? r : 0;
}

static int image_sides(struct store *s, const char *name, struct sides *x, struct err *e)
{
	struct image image = {0};
	int r = image_lookup(s, name, &image, e);
	if (r != ROW_OK)
		return r < 0 ? r : -e->code;
	if (image.n_layers) {
		size_t top = image.n_layers - 1;
		add_layers(s, image.layer_ids, top, top + 1, &x->own);
		add_layers(s, image.layer_ids, 0, top, &x->base);
	}
	image_deinit(&image);
	return 0;
}

static int find_sides(
	struct store *s, const char *name, enum diff_kind kind, struct sides *x, struct err *e)
{
	auto_container_row row = {0};
	struct err second = {0};
	int r = kind == DIFF_IMAGE ? -ENOENT : container_get(s, name, &row, e);
	if (r == 0)
		return container_sides(s, &row, x, e);
	if (r != -ENOENT || kind == DIFF_CONTAINER)
		return r;
	if (kind == DIFF_IMAGE)
		return image_sides(s, name, x, e);
	return image_sides(s, name, x, &second) == 0 ? 0 : r;
}

static void add_all(struct strv *to, const struct strv *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strv_add(to, from->v[i]);
}

/* What both stand on need not be compared. Only where all of `below` is that, what lies above it is
 * a layer on it; else both are compared as whole trees. */
static void compare_sides(const struct sides *x, const struct sides *base, struct comparison *c)
{
	auto_strv mine = STRV_INIT;
	add_all(&mine, &x->own, x->own.n);
	if (!x->is_whole)
		add_all(&mine, &x->base, x->base.n);
	add_all(&c->below, &base->own, base->own.n);
	if (!base->is_whole)
		add_all(&c->below, &base->base, base->base.n);
	size_t n = c->below.n, more = mine.n >= n ? mine.n - n : 0;
	bool stands_on = mine.n >= n && !x->is_whole;
	for (size_t i = 0; i < n && stands_on; i++)
		stands_on = !strcmp(mine.v[more + i], c->below.v[i]);
	c->is_whole = !stands_on;
	c->below_has_own = base->is_container;
	add_all(&c->above, &mine, stands_on ? more : mine.n);
}

static int find_folders(
	struct store *s, const struct diff_of *of, struct comparison *c, struct err *e)
{
	struct sides x = {STRV_INIT, STRV_INIT, false, false};
	struct sides base = {STRV_INIT, STRV_INIT, false, false};
	int r = find_sides(s, of->name, of->kind, &x, e);
	if (r == 0 && of->base)
		r = find_sides(s, of->base, of->kind, &base, e);
	if (r == 0 && of->base) {
		compare_sides(&x, &base, c);
	} else if (r == 0) {
		add_all(&c->above, &x.own, x.own.n);
		add_all(&c->below, &x.base, x.base.n);
		c->is_whole = x.is_whole;
	}
	sides_free(&x);
	sides_free(&base);
	return r;
}

static int tell(int fd, diff_fn fn, void *arg, struct err *e)
{
	auto_buf text = BUF_INIT;
	if (lseek(fd, 0, SEEK_SET) < 0 || read_fd(fd, LIST_MAX, &text) < 0)
		return err_set(e, EIO, "cannot read the list of changes");
	for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1) {
		int r = fn(arg, text.data[at], text.data + at + 1, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int diff_run(struct store *s, const struct diff_of *of, diff_fn fn, void *arg, struct err *e)
{
	struct comparison c = {0};
	auto_fd out = memfd_create("diff", MFD_CLOEXEC);
	if (out < 0)
		return err_sys(e, "cannot keep the list of changes");
	c.out = out;
	int r = find_folders(s, of, &c, e);
	if (r == 0)
		r = enter_call(s, compare, &c, e);
	strv_free(&c.above);
	strv_free(&c.below);
	return r < 0 ? r : tell(out, fn, arg, e);
}
