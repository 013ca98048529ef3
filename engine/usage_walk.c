#include "engine/usage_walk.h"

#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/str.h"
#include "engine/usage_blocks.h"

void usage_walk_deinit(struct usage_walk *w)
{
	for (size_t i = 0; i < w->room; i++)
		free(w->v[i].trees);
	free(w->v);
}

static bool is_same(const struct usage_inode *a, const struct usage_inode *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->is_blocks == b->is_blocks;
}

static struct usage_inode *slot_of(
	struct usage_inode *v, size_t room, const struct usage_inode *key)
{
	size_t at = (size_t)(key->ino * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (room - 1);
	while (v[at].n && !is_same(&v[at], key))
		at = (at + 1) & (room - 1);
	return &v[at];
}

static void make_room(struct usage_walk *w)
{
	if (w->n * 2 < w->room)
		return;
	size_t room = w->room ? w->room * 2 : 1024;
	struct usage_inode *v = xcalloc(room, sizeof(*v));
	for (size_t i = 0; i < w->room; i++)
		if (w->v[i].n)
			*slot_of(v, room, &w->v[i]) = w->v[i];
	free(w->v);
	w->v = v;
	w->room = room;
}

/* key: with its bytes. */
static void meet(struct usage_walk *w, const struct usage_inode *key, uint32_t tree)
{
	make_room(w);
	struct usage_inode *i = slot_of(w->v, w->room, key);
	if (!i->n) {
		*i = *key;
		w->n++;
	} else if (i->trees[i->n - 1] == tree) {
		return;
	}
	if (!(i->n & (i->n - 1)))
		i->trees = xrealloc(i->trees, (i->n ? 2 * i->n : 1) * sizeof(*i->trees));
	i->trees[i->n++] = tree;
}

struct meeting {
	struct usage_walk *walk;
	dev_t dev;
	uint32_t tree;
};

static void meet_blocks(uint64_t place, int64_t bytes, void *arg)
{
	const struct meeting *m = arg;
	const struct usage_inode key = {
		.dev = m->dev, .ino = place, .is_blocks = true, .bytes = bytes};
	meet(m->walk, &key, m->tree);
}

static void meet_file(struct usage_walk *w, const FTSENT *f, bool has_shared_blocks, uint32_t tree)
{
	const struct stat *st = f->fts_statp;
	int64_t bytes = (int64_t)st->st_blocks * 512;
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
		const struct usage_inode key = {
			.dev = st->st_dev, .ino = st->st_ino, .bytes = bytes};
		meet(w, &key, tree);
		return;
	}
	if (has_shared_blocks && S_ISREG(st->st_mode) && bytes > 0) {
		struct meeting m = {w, st->st_dev, tree};
		int64_t shared = usage_blocks_shared(f->fts_accpath, meet_blocks, &m);
		bytes = shared < bytes ? bytes - shared : 0;
	}
	w->alone[tree] += bytes;
}

void usage_walk_tree(struct usage_walk *w, const char *path, bool without_top, uint32_t tree)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	bool has_shared_blocks = usage_blocks_can_be_shared(path);
	for (FTSENT *f; fts && (f = fts_read(fts));) {
		if (f->fts_info == FTS_DP || f->fts_info == FTS_NS || f->fts_info == FTS_ERR)
			continue;
		if (without_top && f->fts_level == FTS_ROOTLEVEL)
			continue;
		meet_file(w, f, has_shared_blocks, tree);
	}
	if (fts)
		fts_close(fts);
}

void usage_walk_each(const struct usage_walk *w,
	void (*fn)(const uint32_t *trees, uint32_t n, int64_t bytes, void *arg), void *arg)
{
	for (size_t i = 0; i < w->room; i++)
		if (w->v[i].n)
			fn(w->v[i].trees, w->v[i].n, w->v[i].bytes, arg);
}
