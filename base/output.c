#include "base/output.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_TRIES = 100 };

static char *random_name(void)
{
	unsigned char raw[8];
	char hex[2 * sizeof(raw) + 1];
	random_bytes(raw, sizeof(raw));
	hex_encode(hex, raw, sizeof(raw));
	return xasprintf(".moss.%s", hex);
}

static int open_above(struct output *o, const char *path, struct err *e)
{
	*o = OUTPUT_INIT;
	o->path = path_clean(path);
	auto_free char *above = path_dir(o->path);
	o->dir_fd = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return o->dir_fd < 0 ? err_go(e, errno, "open %s", above) : 0;
}

/* The guard first, so that there is no instant without one. */
static int take_name(struct output *o, struct err *e)
{
	o->temporary = random_name();
	return guard_start(&o->guard, o->dir_fd, o->temporary, e);
}

int output_file(struct output *o, const char *path, struct err *e)
{
	if (open_above(o, path, e) < 0)
		return -e->code;
	o->fd = openat(o->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (o->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
		return err_go(e, errno, "open %s", path);
	if (take_name(o, e) < 0)
		return -e->code;
	o->fd = openat(o->dir_fd, o->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return o->fd < 0 ? err_go(e, errno, "open %s", path) : 0;
}

/* A folder that is there is replaced in the end, which the kernel does with an empty one only. */
static int check_empty(const struct output *o, struct err *e)
{
	const struct dirent *d;
	int fd = open(o->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_go(e, errno, "open %s", o->path);
	auto_dir dir = fdopendir(fd);
	while (dir && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			return err_set(e, ENOTEMPTY, "the folder %s is not empty", o->path);
	return dir ? 0 : err_go(e, errno, "open %s", o->path);
}

int output_folder(struct output *o, const char *path, struct err *e)
{
	if (open_above(o, path, e) < 0)
		return -e->code;
	o->is_folder = true;
	if (check_empty(o, e) < 0)
		return -e->code;
	if (take_name(o, e) < 0)
		return -e->code;
	if (mkdirat(o->dir_fd, o->temporary, 0700) < 0)
		return err_go(e, errno, "mkdir %s", o->path);
	o->fd = openat(o->dir_fd, o->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return o->fd < 0 ? err_go(e, errno, "open %s", o->path) : 0;
}

static int give_name(int fd, int dir_fd, const char *name)
{
	char self[32];
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int output_name(int fd, int dir_fd, const char *last, const char *temporary)
{
	sigset_t all, before;
	int r = give_name(fd, dir_fd, last);
	if (r != -EEXIST)
		return r;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	r = give_name(fd, dir_fd, temporary);
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, last) < 0) {
		r = -errno;
		(void)unlinkat(dir_fd, temporary, 0);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int commit_unnamed(struct output *o, struct err *e)
{
	struct stat st;
	const char *last = path_base(o->path);
	/* A guard only where the file has to have two names for an instant. */
	bool is_there = fstatat(o->dir_fd, last, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (is_there && take_name(o, e) < 0)
		return -e->code;
	auto_free char *other = o->temporary ? NULL : random_name();
	int r = output_name(o->fd, o->dir_fd, last, o->temporary ? o->temporary : other);
	return r < 0 ? err_go(e, -r, "rename to %s", o->path) : 0;
}

static int commit_named(struct output *o, struct err *e)
{
	if (o->is_folder && fchmod(o->fd, 0755) < 0)
		return err_go(e, errno, "chmod %s", o->path);
	if (renameat(o->dir_fd, o->temporary, o->dir_fd, path_base(o->path)) < 0)
		return err_go(e, errno, "rename to %s", o->path);
	return 0;
}

int output_commit(struct output *o, struct err *e)
{
	if ((o->temporary ? commit_named(o, e) : commit_unnamed(o, e)) < 0)
		return -e->code;
	guard_end(&o->guard);
	free(o->temporary);
	o->temporary = NULL;
	return 0;
}

void output_drop(struct output *o)
{
	struct err ignored;
	if (o->temporary)
		(void)path_remove_at(o->dir_fd, o->temporary, &ignored);
	guard_end(&o->guard);
	scope_close(&o->fd);
	scope_close(&o->dir_fd);
	free(o->path);
	free(o->temporary);
	*o = OUTPUT_INIT;
}
