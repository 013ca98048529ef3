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
	bool is_whole;
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
	struct union_diff d = {
		.above = above, .below = below, .is_whole = c->is_whole, .is_own = is_mount_point};
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

static int container_folders(
	struct store *s, const struct container_row *row, struct comparison *c, struct err *e)
{
	char **all = NULL, **own = NULL;
	size_t n = 0, n_own = 0;
	c->is_whole = !strcmp(row->driver, "vfs");
	auto_free char *folder =
		store_path(s, "containers/%s/%s", row->id, c->is_whole ? "vfs" : "upper");
	int r = container_row_layers(s->db, row->id, &all, &n, e);
	if (r >= 0)
		r = container_row_layers_own(s->db, row->id, &own, &n_own, e);
	if (r >= 0) {
		/* The copy of vfs is made at the first start. */
		bool is_there = access(folder, F_OK) == 0;
		if (is_there)
			strv_add(&c->above, folder);
		c->is_whole = c->is_whole && is_there;
		add_layers(s, all, n - n_own, n, &c->above);
		add_layers(s, all, 0, n - n_own, &c->below);
	}
	free_ids(all, n);
	free_ids(own, n_own);
	return r < 0 ? r : 0;
}

/* False where there is no such image. */
static bool image_folders(struct store *s, const char *name, struct comparison *c)
{
	struct image image = {0};
	struct err ignored = {0};
	bool is_found = image_lookup(s, name, &image, &ignored) == ROW_OK && image.n_layers;
	if (is_found) {
		size_t top = image.n_layers - 1;
		add_layers(s, image.layer_ids, top, top + 1, &c->above);
		add_layers(s, image.layer_ids, 0, top, &c->below);
	}
	image_deinit(&image);
	return is_found;
}

static int find_folders(struct store *s, const char *name, struct comparison *c, struct err *e)
{
	auto_container_row row = {0};
	int r = container_get(s, name, &row, e);
	if (r == 0)
		return container_folders(s, &row, c, e);
	if (r == -ENOENT && image_folders(s, name, c))
		return 0;
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

int diff_run(struct store *s, const char *name, diff_fn fn, void *arg, struct err *e)
{
	struct comparison c = {0};
	auto_fd out = memfd_create("diff", MFD_CLOEXEC);
	if (out < 0)
		return err_sys(e, "cannot keep the list of changes");
	c.out = out;
	int r = find_folders(s, name, &c, e);
	if (r == 0)
		r = enter_call(s, compare, &c, e);
	strv_free(&c.above);
	strv_free(&c.below);
	return r < 0 ? r : tell(out, fn, arg, e);
}
