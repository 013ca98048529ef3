#include "engine/idmap_auto.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/userns.h"
#include "engine/user.h"
#include "storage/db/db.h"
#include "storage/db/id_range_row.h"
#include "storage/image.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_LEAST = 1024, NOBODY = 65534, FILE_MAX = 4 << 20 };

/* The file as the image's topmost layer that has it shows it; "" where there is none. Owned. */
static char *image_file(const struct store *s, const struct image *image, const char *path)
{
	for (size_t i = image->n_layers; i-- > 0;) {
		struct stat st;
		auto_buf text = BUF_INIT;
		auto_free char *dir = store_path(s, "layers/%s/diff", image->layer_ids[i]);
		auto_fd root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		auto_fd fd = root < 0 ? -1 : path_open_in(root, path, O_RDONLY | O_NONBLOCK, 0);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || read_fd(fd, FILE_MAX, &text) < 0)
			break;
		return buf_take(&text);
	}
	return xstrdup("");
}

static void raise(uint32_t *size, uint32_t id)
{
	if (id != NOBODY && id < UINT32_MAX - 1 && id + 1 > *size)
		*size = id + 1;
}

uint32_t idmap_image_size(const struct store *s, const struct image *image, const char *user)
{
	uint32_t size = SIZE_LEAST, id;
	struct user_entry x;
	auto_free char *passwd = image_file(s, image, "etc/passwd");
	auto_free char *group = image_file(s, image, "etc/group");
	auto_strv parts = STRV_INIT;
	for (char *at = passwd; user_next_passwd(&at, &x);) {
		raise(&size, x.uid);
		raise(&size, x.gid);
	}
	for (char *at = group; user_next_group(&at, &x);)
		raise(&size, x.gid);
	strv_split(&parts, user, ':');
	for (size_t i = 0; i < parts.n; i++)
		if (parse_u32(parts.v[i], &id))
			raise(&size, id);
	return size;
}

/* ---- a range ---- */

struct used {
	struct id_range *v;
	size_t n;
};

static void use(struct used *u, uint32_t first, uint32_t count)
{
	u->v = xrealloc(u->v, (u->n + 1) * sizeof(*u->v));
	u->v[u->n++] = (struct id_range){0, first, count};
}

static bool has_folder(const struct store *s, const char *id)
{
	auto_free char *dir = store_path(s, "containers/%s", id);
	return access(dir, F_OK) == 0;
}

/* Those that are taken; what nobody has any more is dropped. */
static int load_used(struct store *s, struct used *u, struct err *e)
{
	auto_free struct id_range_row *rows = NULL;
	size_t n;
	int r = id_range_row_list(s->db, &rows, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (rows[i].is_recorded || has_folder(s, rows[i].container_id))
			use(u, rows[i].first, rows[i].count);
		else
			r = id_range_row_delete(s->db, rows[i].container_id, e);
	}
	return r;
}

/* The one that is in the way of size ids from `first` on, or NULL. */
static const struct id_range *in_the_way(const struct used *u, uint32_t first, uint32_t size)
{
	for (size_t i = 0; i < u->n; i++)
		if (first < u->v[i].outside + u->v[i].count && u->v[i].outside < first + size)
			return &u->v[i];
	return NULL;
}

static bool find_free(const struct used *u, uint32_t size, uint32_t total, uint32_t *first)
{
	const struct id_range *x;
	*first = 1; /* 0 is the user */
	while (size <= total && *first <= total - size) {
		if (!(x = in_the_way(u, *first, size)))
			return true;
		*first = x->outside + x->count;
	}
	return false;
}

static int take(struct store *s, const char *id, uint32_t size, uint32_t total, struct used *u,
	uint32_t *first, struct err *e)
{
	int r = load_used(s, u, e);
	if (r < 0)
		return r;
	if (!find_free(u, size, total, first)) {
		err_set(e, ENOSPC, "not enough unused IDs in user namespace");
		return err_hint(e,
			"%u of the user's %u ids are wanted in a row: remove containers with "
			"--userns=auto, give size=, or enlarge /etc/subuid and /etc/subgid",
			size, total);
	}
	struct id_range_row row = {.first = *first, .count = size};
	memcpy(row.container_id, id, sizeof(row.container_id));
	return id_range_row_insert(s->db, &row, e);
}

int idmap_auto_take(struct store *s, const char *container_id, uint32_t size, uint32_t total,
	const struct id_range *avoid, size_t n_avoid, uint32_t *first, struct err *e)
{
	struct used u = {0};
	for (size_t i = 0; i < n_avoid; i++)
		use(&u, avoid[i].outside, avoid[i].count);
	int r = db_begin(s->db, DB_NORMAL, e);
	if (r == 0) {
		r = take(s, container_id, size, total, &u, first, e);
		if (r == 0)
			r = db_commit(s->db, e);
		else
			db_rollback(s->db);
	}
	free(u.v);
	return r;
}
