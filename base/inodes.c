#include "base/inodes.h"
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>

void inodes_free(struct inodes *t)
{
	for (size_t i = 0; i < t->room; i++)
		free(t->v[i].path);
	free(t->v);
	*t = (struct inodes){0};
}

static size_t slot_of(const struct inodes *t, dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)dev;
	size_t i = (size_t)(h >> 17) & (t->room - 1);
	while (t->v[i].path && (t->v[i].ino != ino || t->v[i].dev != dev))
		i = (i + 1) & (t->room - 1);
	return i;
}

static void grow(struct inodes *t)
{
	struct inode_path *old = t->v;
	size_t old_room = t->room;
	t->room = old_room ? 2 * old_room : 256;
	t->v = xcalloc(t->room, sizeof(*t->v));
	for (size_t i = 0; i < old_room; i++)
		if (old[i].path)
			t->v[slot_of(t, old[i].dev, old[i].ino)] = old[i];
	free(old);
}

const char *inodes_meet(struct inodes *t, dev_t dev, ino_t ino, const char *path)
{
	if (2 * t->n >= t->room)
		grow(t);
	struct inode_path *p = &t->v[slot_of(t, dev, ino)];
	if (p->path)
		return p->path;
	*p = (struct inode_path){dev, ino, xstrdup(path)};
	t->n++;
	return NULL;
}
