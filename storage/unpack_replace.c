#include "storage/unpack_write_internal.h"
#include "storage/share.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- replacing ---- */

static int open_replaced(struct layer_writer *w, struct err *e)
{
	if (w->replaced_fd >= 0)
		return 0;
	if (mkdirat(w->stage_fd, "replaced", 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create the folder of replaced files");
	w->replaced_fd =
		openat(w->stage_fd, "replaced", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return w->replaced_fd < 0 ? err_sys(e, "cannot open the folder of replaced files") : 0;
}

/* The inode number is the key that tar-split has for the file (it cannot be another's: the inode
 * stays in use). */
static int keep_file(
	struct layer_writer *w, int at, const char *name, const struct stat *st, struct err *e)
{
	char key[24];
	snprintf(key, sizeof(key), "%llu", (unsigned long long)st->st_ino);
	if (open_replaced(w, e) < 0)
		return -e->code;
	/* Two links to one inode: rename does nothing, so the name is removed after all. */
	if (renameat(at, name, w->replaced_fd, key) < 0 ||
		(unlinkat(at, name, 0) < 0 && errno != ENOENT))
		return err_sys(e, "cannot replace %s", name);
	return 0;
}

enum { REPLACE_DEPTH_MAX = 2048 };

static int clear_away(struct layer_writer *w, int at, const char *name, int depth, struct err *e);

static int clear_folder(struct layer_writer *w, int at, const char *name, int depth, struct err *e)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, "cannot replace %s", name);
	if (depth > REPLACE_DEPTH_MAX)
		return err_set(e, ELOOP, "cannot replace %s: too deep", name);
	const struct dirent *d;
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (clear_away(w, fd, d->d_name, depth + 1, e) < 0)
			return -e->code;
	}
	return unlinkat(at, name, AT_REMOVEDIR) < 0 ? err_sys(e, "cannot replace %s", name) : 0;
}

static int clear_away(struct layer_writer *w, int at, const char *name, int depth, struct err *e)
{
	struct stat st;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot replace %s", name);
	if (S_ISREG(st.st_mode)) {
		if (share_settle(w->share, at, name, st.st_ino, e) < 0)
			return -e->code;
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, "cannot look at %s", name);
		w->size -= st.st_nlink == 1 ? st.st_size : 0;
		return keep_file(w, at, name, &st, e);
	}
	/* Files written earlier through this link or folder have lost the path tar-split knows. */
	w->moved_folder |= S_ISLNK(st.st_mode);
	if (S_ISDIR(st.st_mode))
		return clear_folder(w, at, name, depth, e);
	return unlinkat(at, name, 0) < 0 ? err_sys(e, "cannot replace %s", name) : 0;
}

int layer_make_room(
	struct layer_writer *w, struct place *p, const struct tar_entry *en, struct err *e)
{
	struct stat st;
	if (!*p->path)
		return 0;
	if (fstatat(p->at, p->last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at %s", p->path);
	if (S_ISDIR(st.st_mode) && en->type == '5')
		return 0;
	if (en->type == '3' || en->type == '4')
		return 0; /* is not going to be made */
	p->was_whiteout = S_ISCHR(st.st_mode) && st.st_rdev == 0;
	int r = clear_away(w, p->at, p->last, 0, e);
	if (r == 0 && (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))) {
		/* The parent kept open may have been reached through it. */
		int at = fcntl(p->at, F_DUPFD_CLOEXEC, 0);
		if (at < 0)
			return err_sys(e, "cannot replace %s", p->path);
		layer_forget_parent(w);
		w->parent_fd = p->at = at;
	}
	return r;
}

/* ---- times of folders ---- */

/* Record: u16 bytes shared with the path before, u16 further bytes, timespec, these bytes. */
struct folder_record {
	uint16_t shared, rest;
	struct timespec mtime;
};

int layer_folder_add(struct layer_writer *w, const char *path, struct timespec mtime, struct err *e)
{
	struct folder_record f = {.mtime = mtime};
	size_t n = 0, len = strlen(path);
	while (w->last_folder && path[n] && path[n] == w->last_folder[n])
		n++;
	f.shared = (uint16_t)n;
	f.rest = (uint16_t)(len - n);
	if (w->folders.len + sizeof(f) + f.rest > LAYER_FOLDER_BYTES_MAX)
		return err_set(e, EFBIG, "layer has too many folders: refused");
	buf_add(&w->folders, &f, sizeof(f));
	buf_add(&w->folders, path + n, f.rest);
	free(w->last_folder);
	w->last_folder = xstrdup(path);
	return 0;
}

int layer_writer_finish(struct layer_writer *w, struct err *e)
{
	char path[TAR_PATH_MAX + 1];
	layer_forget_parent(w);
	for (size_t i = 0; i < w->folders.len;) {
		struct folder_record f;
		memcpy(&f, w->folders.data + i, sizeof(f));
		i += sizeof(f);
		memcpy(path + f.shared, w->folders.data + i, f.rest);
		path[f.shared + f.rest] = '\0';
		i += f.rest;
		auto_fd fd = path_open_in(
			w->diff_fd, *path ? path : "/", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		const struct timespec ts[2] = {f.mtime, f.mtime};
		/* One that a later entry replaced is gone; that is not an error. */
		if (fd >= 0 && futimens(fd, ts) < 0)
			return err_sys(e, "cannot set the time of %s", path);
	}
	/* Only a layer that replaces links of its own: what stands for a twin may have moved. */
	if (w->moved_folder && share_settle_all(w->share, w->diff_fd, e) < 0)
		return -e->code;
	return share_finish(w->share, e);
}
