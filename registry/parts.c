#include "registry/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/lock.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/reference.h"

enum { STALE_AFTER_S = 7 * 24 * 3600, TAKE_TRIES = 100 };

static int open_part(int parts_fd, const char *name, int flags)
{
	return openat(parts_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
}

/* The file under this name is still the one that is open: not dropped by its last holder. */
static bool is_current(int parts_fd, const char *name, int fd)
{
	struct stat now, ours;
	return fstat(fd, &ours) == 0 && fstatat(parts_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       now.st_ino == ours.st_ino && now.st_dev == ours.st_dev;
}

static const char *const beside[] = {".sums", ".done"};

static int64_t remove_file(int parts_fd, const char *name)
{
	struct stat st;
	if (fstatat(parts_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		unlinkat(parts_fd, name, 0) < 0)
		return 0;
	return (int64_t)st.st_blocks * 512;
}

/* The bytes that were freed. */
static int64_t remove_files(int parts_fd, const char *digest)
{
	int64_t freed = 0;
	for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
		auto_free char *name = xasprintf("%s%s", digest, beside[i]);
		freed += remove_file(parts_fd, name);
	}
	/* Last: the next holder's files must not be taken for this one's. */
	return freed + remove_file(parts_fd, digest);
}

/* Emptied for a commit, which then took the layer, and its command died. */
static bool is_used_up(int parts_fd, const char *digest, const struct stat *st)
{
	auto_free char *layer = xasprintf("%s.layer", digest);
	return st->st_size == 0 && faccessat(parts_fd, layer, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

/* The bytes that were freed. */
static int64_t remove_older(int parts_fd, const char *digest, time_t age_s)
{
	auto_fd fd = open_part(parts_fd, digest, 0);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (age_s && time(NULL) - st.st_mtime < age_s && !is_used_up(parts_fd, digest, &st))
		return 0;
	if (lock_take(fd, false) != LOCK_TAKEN || !is_current(parts_fd, digest, fd))
		return 0;
	return remove_files(parts_fd, digest);
}

/* A file beside a part that is gone: its remover was killed half-way. */
static int64_t remove_orphan(int parts_fd, const char *name)
{
	int64_t freed = 0;
	for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
		if (!str_ends(name, beside[i]))
			continue;
		auto_free char *digest = xstrndup(name, strlen(name) - strlen(beside[i]));
		if (!digest_valid(digest) || faccessat(parts_fd, digest, F_OK, 0) == 0)
			break;
		struct err ignored;
		auto_fd fd = parts_take(parts_fd, digest, &ignored);
		if (fd >= 0)
			freed += remove_files(parts_fd, digest);
	}
	return freed;
}

static int64_t sweep(int parts_fd, time_t age_s)
{
	int fd = openat(parts_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	int64_t freed = 0;
	while (dir && (d = readdir(dir))) {
		if (digest_valid(d->d_name))
			freed += remove_older(parts_fd, d->d_name, age_s);
		else
			freed += remove_orphan(parts_fd, d->d_name);
	}
	return freed;
}

int64_t parts_clear(int parts_fd) { return sweep(parts_fd, 0); }

int parts_open(int root_fd, struct err *e)
{
	if (mkdirat(root_fd, "parts", 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make the folder parts of the data root");
	int fd = openat(root_fd, "parts", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, "cannot open the folder parts of the data root");
	(void)sweep(fd, STALE_AFTER_S);
	return fd;
}

int parts_take(int parts_fd, const char *digest, struct err *e)
{
	if (!digest_valid(digest))
		return err_set(e, EINVAL, "\"%s\" is no valid digest", digest);
	for (int i = 0; i < TAKE_TRIES; i++) {
		auto_fd fd = open_part(parts_fd, digest, O_CREAT);
		if (fd < 0)
			return err_sys(e, "cannot open parts/%s of the data root", digest);
		int r = lock_take(fd, false);
		if (r == LOCK_BUSY)
			return PARTS_BUSY;
		if (r < 0)
			return err_sysn(e, -r, "cannot lock parts/%s of the data root", digest);
		if (is_current(parts_fd, digest, fd))
			return take_fd(fd);
	}
	return PARTS_BUSY;
}

int parts_sums(int parts_fd, const char *digest)
{
	auto_free char *name = xasprintf("%s.sums", digest);
	return open_part(parts_fd, name, O_CREAT);
}

void parts_drop(int parts_fd, const char *digest) { (void)remove_files(parts_fd, digest); }
