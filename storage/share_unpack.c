/* share: one layer as it is unpacked. */
#include "storage/share_internal.h"
#include "storage/copy_data.h"
#include "storage/unpack_tar.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct noted {
	uint64_t key;
	ino_t ino;
};

struct deferred {
	char *path; /* NULL: settled */
	ino_t ino;
	uint32_t layer;
};

struct share {
	const struct share_index *x;
	int stage_fd;
	bool is_single_id;
	struct noted *noted;
	size_t n_noted, room_noted;
	ino_t *excluded; /* files of several names */
	size_t n_excluded;
	struct deferred *deferred;
	size_t n_deferred, room_deferred;
	/* ino -> index + 1 of what is deferred */
	uint32_t *by_ino;
	size_t room_by_ino;
};

struct share *share_new(const struct share_index *x, int stage_fd, bool is_single_id)
{
	struct share *s = xcalloc(1, sizeof(*s));
	s->x = x;
	s->stage_fd = stage_fd;
	s->is_single_id = is_single_id;
	return s;
}

void share_free(struct share *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_deferred; i++)
		free(s->deferred[i].path);
	free(s->deferred);
	free(s->by_ino);
	free(s->noted);
	free(s->excluded);
	free(s);
}

static bool may_share(const char *path, const struct tar_entry *en)
{
	return !en->is_sparse && en->n_xattrs == 0 && share_allowed(path, en->mode, en->size);
}

int share_find(struct share *s, const char *path, const struct tar_entry *en, uint32_t *layer)
{
	if (!s->x || !may_share(path, en))
		return -1;
	return share_index_find(s->x, path, en, s->is_single_id, layer);
}

/* ---- what stands for twins, by inode ---- */

static size_t slot_of(const struct share *s, ino_t ino)
{
	size_t i = (size_t)(ino * 0x9e3779b97f4a7c15ULL) & (s->room_by_ino - 1);
	while (s->by_ino[i] && s->deferred[s->by_ino[i] - 1].ino != ino)
		i = (i + 1) & (s->room_by_ino - 1);
	return i;
}

static void remember_ino(struct share *s, size_t which)
{
	if (2 * (which + 1) > s->room_by_ino) {
		free(s->by_ino);
		s->room_by_ino = s->room_by_ino ? 2 * s->room_by_ino : 256;
		s->by_ino = xcalloc(s->room_by_ino, sizeof(*s->by_ino));
		for (size_t i = 0; i < which; i++)
			s->by_ino[slot_of(s, s->deferred[i].ino)] = (uint32_t)i + 1;
	}
	s->by_ino[slot_of(s, s->deferred[which].ino)] = (uint32_t)which + 1;
}

static struct deferred *deferred_of(struct share *s, ino_t ino)
{
	if (!s->n_deferred)
		return NULL;
	uint32_t which = s->by_ino[slot_of(s, ino)];
	return which && s->deferred[which - 1].path ? &s->deferred[which - 1] : NULL;
}

int share_defer(
	struct share *s, int diff_fd, const char *path, const struct stat *st, uint32_t layer)
{
	struct stat here;
	auto_fd fd = path_open_plain(diff_fd, path, O_PATH);
	if (fd < 0 || fstat(fd, &here) < 0 || here.st_ino != st->st_ino)
		return 0;
	if (s->n_deferred == s->room_deferred) {
		s->room_deferred = s->room_deferred ? 2 * s->room_deferred : 256;
		s->deferred = xrealloc(s->deferred, s->room_deferred * sizeof(*s->deferred));
	}
	s->deferred[s->n_deferred] = (struct deferred){xstrdup(path), st->st_ino, layer};
	remember_ino(s, s->n_deferred++);
	return 1;
}

static int fill(struct share *s, struct deferred *d, int at, const char *name, struct err *e)
{
	struct stat st;
	auto_fd from = share_index_open(s->x, d->layer, d->path);
	auto_fd to = openat(at, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || to < 0 || fstat(to, &st) < 0)
		return from < 0 ? err_sysn(e, ESTALE, "cannot open the copy of %s in the store",
					  d->path)
				: err_sys(e, "cannot open %s", d->path);
	struct stat twin;
	const struct timespec times[2] = {st.st_mtim, st.st_mtim};
	if (fstat(from, &twin) < 0 || copy_data(from, to, twin.st_size, e) < 0)
		return err_ctx(e, "cannot write %s", d->path);
	if (futimens(to, times) < 0)
		return err_sys(e, "cannot set the time of %s", d->path);
	free(take_ptr(d->path));
	return 0;
}

static void exclude(struct share *s, ino_t ino)
{
	s->excluded = xrealloc(s->excluded, (s->n_excluded + 1) * sizeof(*s->excluded));
	s->excluded[s->n_excluded++] = ino;
}

int share_settle(struct share *s, int at, const char *name, ino_t ino, struct err *e)
{
	struct deferred *d = deferred_of(s, ino);
	exclude(s, ino);
	return d ? fill(s, d, at, name, e) : 0;
}

int share_settle_all(struct share *s, int diff_fd, struct err *e)
{
	for (size_t i = 0; i < s->n_deferred; i++) {
		struct deferred *d = &s->deferred[i];
		if (!d->path)
			continue;
		const char *last;
		auto_free char *path = xstrdup(d->path);
		auto_fd at = path_open_parent_in(diff_fd, path, 0, &last);
		if (at < 0)
			return err_sysn(e, -at, "cannot open %s", path);
		if (fill(s, d, at, last, e) < 0)
			return -e->code;
	}
	return 0;
}

/* ---- the index and the list ---- */

void share_note(struct share *s, const char *path, const struct tar_entry *en, ino_t ino)
{
	if (!may_share(path, en))
		return;
	if (s->n_noted == s->room_noted) {
		s->room_noted = s->room_noted ? 2 * s->room_noted : 256;
		s->noted = xrealloc(s->noted, s->room_noted * sizeof(*s->noted));
	}
	s->noted[s->n_noted++] = (struct noted){share_key(path, en, s->is_single_id), ino};
}

static int by_number(const void *a, const void *b)
{
	const ino_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static int put_file(struct share *s, const char *name, const struct buf *text, struct err *e)
{
	auto_fd fd = openat(
		s->stage_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_all(fd, text->data, text->len);
	return r < 0 ? err_sysn(e, -r, "cannot write %s", name) : 0;
}

static int write_index(struct share *s, struct err *e)
{
	auto_buf text = BUF_INIT;
	buf_puts(&text, SHARE_MAGIC);
	if (s->n_excluded)
		qsort(s->excluded, s->n_excluded, sizeof(*s->excluded), by_number);
	for (size_t i = 0; i < s->n_noted; i++)
		if (!s->n_excluded || !bsearch(&s->noted[i].ino, s->excluded, s->n_excluded,
					      sizeof(*s->excluded), by_number))
			buf_add(&text, &s->noted[i].key, sizeof(s->noted[i].key));
	share_index_seal(&text);
	return s->n_noted ? put_file(s, "share", &text, e) : 0;
}

static int write_links(struct share *s, struct err *e)
{
	auto_buf text = BUF_INIT;
	size_t n = 0;
	buf_puts(&text, SHARE_LINKS_MAGIC);
	for (size_t i = 0; i < s->n_deferred; i++) {
		const struct deferred *d = &s->deferred[i];
		if (!d->path)
			continue;
		const char *layer = share_index_layer(s->x, d->layer);
		buf_add(&text, layer, strlen(layer) + 1);
		buf_add(&text, d->path, strlen(d->path) + 1);
		n++;
	}
	return n ? put_file(s, "links", &text, e) : 0;
}

int share_finish(struct share *s, struct err *e)
{
	return write_index(s, e) < 0 || write_links(s, e) < 0 ? -e->code : 0;
}
