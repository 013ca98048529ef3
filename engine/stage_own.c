/* U: what is mounted is given to the container's user, who is known only once all mounts are made
 * (they may bring /etc/passwd). Until then the descriptor is kept; no name is looked up again. */
#include "engine/stage.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024 };

struct owner {
	uid_t uid;
	gid_t gid;
	dev_t dev; /* other file systems below are left alone */
};

int inner_own_later(struct inner *in, int fd, struct err *e)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return err_sys(e, "cannot keep a mount's source open");
	in->owned = xrealloc(in->owned, (in->n_owned + 1) * sizeof(*in->owned));
	in->owned[in->n_owned++] = copy;
	return 0;
}

static bool is_right(const struct stat *st, const struct owner *o)
{
	return st->st_uid == o->uid && st->st_gid == o->gid;
}

static int own_entry(int dir, const char *name, const struct owner *o, int depth, struct err *e);

static int own_folder(int fd, const struct owner *o, int depth, struct err *e)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = again < 0 ? NULL : fdopendir(again);
	if (!dir || depth > DEPTH_MAX)
		return dir ? err_set(e, ELOOP, "folders nested too deeply")
			   : err_sys(e, "cannot read a folder");
	const struct dirent *d;
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		int r = own_entry(again, d->d_name, o, depth, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int own_entry(int dir, const char *name, const struct owner *o, int depth, struct err *e)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at %s", name);
	if (st.st_dev != o->dev)
		return 0;
	if (!is_right(&st, o) && fchownat(dir, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0 &&
		errno != ENOENT)
		return err_sys(e, "%s", name);
	if (!S_ISDIR(st.st_mode))
		return 0;
	auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : err_sys(e, "cannot open %s", name);
	return own_folder(fd, o, depth + 1, e);
}

static int own_tree(int fd, struct owner *o, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at it");
	o->dev = st.st_dev;
	if (!is_right(&st, o) && fchownat(fd, "", o->uid, o->gid, AT_EMPTY_PATH) < 0)
		return err_sys(e, "cannot change the owner");
	return S_ISDIR(st.st_mode) ? own_folder(fd, o, 0, e) : 0;
}

int inner_own_all(struct inner *in, struct err *e)
{
	struct owner o = {.uid = in->user.uid, .gid = in->user.gid};
	for (size_t i = 0; i < in->n_owned; i++) {
		int r = own_tree(in->owned[i], &o, e);
		close(in->owned[i]);
		if (r == 0)
			continue;
		(void)err_ctx(e, "cannot give the files of a mount with U to %u:%u", o.uid, o.gid);
		if (r == -EPERM || r == -EINVAL)
			return err_hint(e, "files of users outside your subordinate ids cannot be "
					   "given away");
		return r;
	}
	in->n_owned = 0;
	return 0;
}
