/* inodes: under which path an inode was first met, for trees that are copied or packed: files with
 * several names. An open-addressing table that grows; paths are copied. */
#ifndef BASE_INODES_H
#define BASE_INODES_H

#include <stddef.h>
#include <sys/types.h>

struct inode_path {
	dev_t dev;
	ino_t ino;
	char *path;
};

struct inodes {
	struct inode_path *v;
	size_t n, room;
};
void inodes_free(struct inodes *t);
#define auto_inodes __attribute__((cleanup(inodes_free))) struct inodes

/* The path the inode was met under before (borrowed), or NULL: then it is noted with this one. */
const char *inodes_meet(struct inodes *t, dev_t dev, ino_t ino, const char *path);

#endif
