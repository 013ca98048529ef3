/* trash: what is on its way in or out. See store.h for the protocol. */
#include "storage/store.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { NONCE_BYTES = 8, CONTAINER_ROOM = 1536 * 1024 };

static void nonce_make(char out[2 * NONCE_BYTES + 1])
{
	unsigned char bytes[NONCE_BYTES];
	random_bytes(bytes, sizeof(bytes));
	hex_encode(out, bytes, sizeof(bytes));
}

/* Between the making of a thing in tmp and its lock there is a moment when it looks dead: makers
 * hold tmp shared for that long, the sweeper exclusively. */
static int tmp_hold(struct store *s, struct err *e)
{
	auto_fd fd = openat(s->root_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;
	do
		r = fd < 0 ? -1 : flock(fd, LOCK_SH);
	while (r < 0 && fd >= 0 && errno == EINTR);
	return r < 0 ? err_sys(e, "cannot lock %s/tmp", s->root) : take_fd(fd);
}

static int locked_file(int dir_fd, const char *name)
{
	auto_fd fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int r = lock_take(fd, false);
	return r < 0 ? r : r == LOCK_BUSY ? -EBUSY : take_fd(fd);
}

/* Tells ext4 that the folders in this one have nothing to do with each other: each then goes to a
 * part of the disk of its own. Else a layer's inodes are looked for where those of removed layers
 * were, which are not given out again for some seconds and passed over one by one: measured, a pull
 * after a removal takes half the time. */
static void spread_folders(int tmp_fd)
{
	int flags;
	if (ioctl(tmp_fd, FS_IOC_GETFLAGS, &flags) < 0 || (flags & FS_TOPDIR_FL))
		return;
	flags |= FS_TOPDIR_FL;
	(void)ioctl(tmp_fd, FS_IOC_SETFLAGS, &flags);
}

int store_stage(struct store *s, char **path, int *lock_fd, struct err *e)
{
	auto_fd tmp = tmp_hold(s, e);
	if (tmp < 0)
		return -e->code;
	spread_folders(tmp);
	char nonce[2 * NONCE_BYTES + 1];
	nonce_make(nonce);
	auto_free char *lock = xasprintf("%s.lock", nonce);
	auto_fd fd = locked_file(tmp, lock);
	if (fd < 0)
		return err_sysn(e, -fd, "cannot create %s/tmp/%s", s->root, lock);
	if (mkdirat(tmp, nonce, 0700) < 0) {
		int r = err_sys(e, "cannot create %s/tmp/%s", s->root, nonce);
		(void)unlinkat(tmp, lock, 0);
		return r;
	}
	*path = store_path(s, "tmp/%s", nonce);
	*lock_fd = take_fd(fd);
	return 0;
}

void store_unstage(struct store *s, const char *path, int *lock_fd)
{
	struct err ignored = {0};
	auto_free char *relative = xasprintf("tmp/%s", path_base(path));
	auto_free char *lock = xasprintf("%s.lock", relative);
	if (unlinkat(s->root_fd, relative, AT_REMOVEDIR) == 0 || errno == ENOENT ||
		store_trash(s, relative, &ignored) == 0)
		(void)unlinkat(s->root_fd, lock, 0);
	scope_close(lock_fd);
	*lock_fd = -1;
}

/* The last of the disk is for ends and removals (storage/db/reserve.h), not for more containers. */
static int check_room(struct store *s, const char *what, struct err *e)
{
	struct statfs fs;
	if (statfs(s->root, &fs) < 0 ||
		(uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize >= CONTAINER_ROOM)
		return 0;
	err_sysn(e, ENOSPC, "cannot create %s/%s", s->root, what);
	return err_hint(e, "make room on the file system of %s", s->root);
}

int store_container_new(struct store *s, const char *id, char **dir, int *alive_fd, struct err *e)
{
	auto_fd tmp = tmp_hold(s, e);
	if (tmp < 0)
		return -e->code;
	auto_free char *marker = xasprintf("%s.alive", id);
	auto_free char *relative = xasprintf("containers/%s", id);
	auto_free char *alive = xasprintf("%s/alive", relative);
	int r = check_room(s, relative, e);
	if (r < 0)
		return r;
	auto_fd fd = locked_file(tmp, marker);
	if (fd < 0)
		return err_sysn(e, -fd, "cannot create %s/tmp/%s", s->root, marker);
	if (mkdirat(s->root_fd, relative, 0700) < 0 ||
		linkat(tmp, marker, s->root_fd, alive, 0) < 0) {
		r = err_sys(e, "cannot create %s/%s", s->root, relative);
		(void)unlinkat(s->root_fd, relative, AT_REMOVEDIR);
		(void)unlinkat(tmp, marker, 0);
		return r;
	}
	*dir = store_path(s, "%s", relative);
	*alive_fd = take_fd(fd);
	return 0;
}

void store_container_settled(struct store *s, const char *id)
{
	auto_free char *marker = xasprintf("tmp/%s.alive", id);
	(void)unlinkat(s->root_fd, marker, 0);
}

int store_trash(struct store *s, const char *relative, struct err *e)
{
	char nonce[2 * NONCE_BYTES + 1];
	nonce_make(nonce);
	auto_free char *to = xasprintf("trash/%s", nonce);
	if (renameat(s->root_fd, relative, s->root_fd, to) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_sys(e, "cannot move %s/%s to the trash", s->root, relative);
	}
	s->needs_purge = true;
	return 0;
}

/* One entry: whoever holds its lock is at it. A file goes at once. */
static int purge_one(
	struct store *s, int trash, const char *name, store_remove_fn remove, struct err *e)
{
	struct stat st;
	bool counts = s->freed && fstatat(trash, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		      !S_ISDIR(st.st_mode) && st.st_nlink == 1;
	if (unlinkat(trash, name, 0) == 0) {
		if (counts)
			*s->freed += (int64_t)st.st_blocks * 512;
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	auto_fd fd = openat(trash, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return 0;
	auto_free char *parent = store_path(s, "trash");
	return remove(s, parent, name, e);
}

int store_purge(struct store *s, store_remove_fn remove, struct err *e)
{
	store_settle(s);
	auto_fd trash = openat(s->root_fd, "trash", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int copy = trash < 0 ? -1 : fcntl(trash, F_DUPFD_CLOEXEC, 3);
	auto_dir dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return err_sys(e, "cannot open %s/trash", s->root);
	int result = 0;
	const struct dirent *d;
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		int r = purge_one(s, trash, d->d_name, remove, e);
		if (r < 0)
			result = r;
	}
	if (result == 0)
		s->needs_purge = s->has_leftovers = false;
	return result;
}
