#include "engine/usage_walk.h"

#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/str.h"

void usage_walk_deinit(struct usage_walk *w)
{
	for (size_t i = 0; i < w->room; i++)
		free(w->v[i].trees);
	free(w->v);
}

static struct usage_inode *slot_of(struct usage_inode *v, size_t room, dev_t dev, ino_t ino)
{
	size_t at = (size_t)((uint64_t)ino * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (room - 1);
	while (v[at].n && (v[at].ino != ino || v[at].dev != dev))
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
			*slot_of(v, room, w->v[i].dev, w->v[i].ino) = w->v[i];
	free(w->v);
	w->v = v;
	w->room = room;
}

static void meet(struct usage_walk *w, const struct stat *st, uint32_t tree)
{
	make_room(w);
	struct usage_inode *i = slot_of(w->v, w->room, st->st_dev, st->st_ino);
	if (!i->n) {
		*i = (struct usage_inode){.dev = st->st_dev,
			.ino = st->st_ino,
			.bytes = (int64_t)st->st_blocks * 512};
		w->n++;
	} else if (i->trees[i->n - 1] == tree) {
		return;
	}
	if (!(i->n & (i->n - 1)))
		i->trees = xrealloc(i->trees, (i->n ? 2 * i->n : 1) * sizeof(*i->trees));
	i->trees[i->n++] = tree;
}

void usage_walk_tree(struct usage_walk *w, const char *path, bool without_top, uint32_t tree)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	for (FTSENT *f; fts && (f = fts_read(fts));) {
		if (f->fts_info == FTS_DP || f->fts_info == FTS_NS || f->fts_info == FTS_ERR)
			continue;
		if (without_top && f->fts_level == FTS_ROOTLEVEL)
			continue;
		const struct stat *st = f->fts_statp;
		if (S_ISDIR(st->st_mode) || st->st_nlink == 1)
			w->alone[tree] += (int64_t)st->st_blocks * 512;
		else
			meet(w, st, tree);
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
