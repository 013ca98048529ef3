#include "engine/size.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/enter.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

struct inode {
	dev_t dev;
	ino_t ino;
};

struct inodes {
	struct inode *v;
	size_t n, cap;
};

/* Few files have several names, so a list will do. */
static bool seen_before(struct inodes *seen, const struct stat *st)
{
	for (size_t i = 0; i < seen->n; i++) {
		if (seen->v[i].ino == st->st_ino && seen->v[i].dev == st->st_dev)
			return true;
	}
	if (seen->n == seen->cap) {
		seen->cap = seen->cap ? 2 * seen->cap : 64;
		seen->v = xrealloc(seen->v, seen->cap * sizeof(*seen->v));
	}
	seen->v[seen->n++] = (struct inode){st->st_dev, st->st_ino};
	return false;
}

static int64_t tree_size(const char *path)
{
	char *const paths[] = {(char *)path, NULL};
	struct inodes seen = {0};
	int64_t bytes = 0;
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	for (FTSENT *f; fts && (f = fts_read(fts));) {
		if (f->fts_info != FTS_F && f->fts_info != FTS_SL && f->fts_info != FTS_SLNONE)
			continue;
		if (f->fts_statp->st_nlink < 2 || !seen_before(&seen, f->fts_statp))
			bytes += f->fts_statp->st_size;
	}
	if (fts)
		fts_close(fts);
	free(seen.v);
	return bytes;
}

struct sizes {
	char *const *paths;
	size_t n;
	int64_t *bytes; /* shared with the child */
};

static int measure(void *arg, struct err *e)
{
	struct sizes *z = arg;
	(void)e;
	for (size_t i = 0; i < z->n; i++)
		z->bytes[i] = tree_size(z->paths[i]);
	return 0;
}

static int tree_sizes(
	struct store *s, const struct strv *paths, const char *what, int64_t *bytes, struct err *e)
{
	if (paths->n == 0)
		return 0;
	size_t len = paths->n * sizeof(*bytes);
	int64_t *shared =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return err_sys(e, "cannot get memory for sizes");
	struct sizes z = {paths->v, paths->n, shared};
	int r = enter_call(s, measure, &z, e);
	if (r < 0)
		r = err_ctx(e, "cannot measure %s", what);
	else
		memcpy(bytes, shared, len);
	munmap(shared, len);
	return r < 0 ? r : 0;
}

int container_sizes(
	struct store *s, const char *const *ids, size_t n, int64_t *bytes, struct err *e)
{
	auto_strv paths = STRV_INIT;
	for (size_t i = 0; i < n; i++)
		strv_take(&paths, store_path(s, "containers/%s/upper", ids[i]));
	int r = tree_sizes(s, &paths, "the containers' files", bytes, e);
	/* What commits have taken from them is still theirs. */
	for (size_t i = 0; i < n && r >= 0; i++) {
		int64_t own = 0;
		r = container_row_own_bytes(s->db, ids[i], &own, e);
		bytes[i] += own;
	}
	return r;
}

int kept_sizes(struct store *s, const char *const *ids, size_t n, int64_t *bytes, struct err *e)
{
	auto_strv paths = STRV_INIT;
	for (size_t i = 0; i < n; i++)
		strv_take(&paths, store_path(s, "undo/%s", ids[i]));
	return tree_sizes(s, &paths, "what is in the trash", bytes, e);
}

int volume_sizes(struct store *s, const char *const *names, size_t n, int64_t *bytes, struct err *e)
{
	auto_strv paths = STRV_INIT;
	for (size_t i = 0; i < n; i++)
		strv_take(&paths, store_path(s, "volumes/%s/_data", names[i]));
	return tree_sizes(s, &paths, "the volumes' files", bytes, e);
}

int size_freed_begin(struct store *s, struct err *e)
{
	int64_t *freed = mmap(
		NULL, sizeof(*freed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (freed == MAP_FAILED)
		return err_sys(e, "cannot get memory for sizes");
	s->freed = freed;
	return 0;
}

int64_t size_freed_end(struct store *s)
{
	int64_t freed = *s->freed;
	munmap(s->freed, sizeof(*s->freed));
	s->freed = NULL;
	return freed;
}
