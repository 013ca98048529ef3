#include "storage/place.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "storage/place_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { IMPLIED_MODE = 0755, DEPTH_MAX = 512, FOLDER_BYTES_MAX = 256 * 1024 * 1024 };

/* In `folders`, one after the other; the path follows. */
struct folder {
	uint32_t mode;
	int32_t mtime_ns;
	int64_t mtime_s;
	uint32_t path_len; /* with its NUL */
};

void placer_init(struct placer *p, int dir_fd, const char *shown, unsigned flags)
{
	*p = (struct placer){.dir_fd = dir_fd,
		.shown = shown,
		.flags = flags,
		.own_guard = GUARD_INIT,
		.parent_fd = -1};
	p->old_umask = umask(0);
}

static void forget_parent(struct placer *p)
{
	scope_close(&p->parent_fd);
	p->parent_fd = -1;
	free(p->parent_path);
	p->parent_path = NULL;
}

void placer_deinit(struct placer *p)
{
	forget_parent(p);
	guard_end(&p->own_guard);
	buf_free(&p->folders);
	(void)umask(p->old_umask);
}

/* ---- folders ---- */

/* Component by component, for kernels and filters without openat2. */
static int walk_beneath(int dir_fd, const char *path)
{
	auto_free char *copy = xstrdup(path);
	char *rest = copy, *name;
	auto_fd at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	while (at >= 0 && (name = strsep(&rest, "/"))) {
		if (!strcmp(name, ".."))
			return -EXDEV;
		int next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int code = errno;
		close(take_fd(at));
		if (next < 0)
			return -code;
		at = next;
	}
	return at < 0 ? -errno : take_fd(at);
}

int place_open_folder(const struct placer *p, const char *path)
{
	bool is_beneath = p->flags & PLACE_BENEATH;
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve =
			is_beneath ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS : RESOLVE_NO_MAGICLINKS,
	};
	for (int tries = 0; tries < 1000; tries++) {
		long fd = syscall(SYS_openat2, p->dir_fd, path, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno == ENOSYS || errno == EPERM)
			return walk_beneath(p->dir_fd, path);
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

static int make_folders(struct placer *p, const char *path, int depth, struct err *e)
{
	int fd = place_open_folder(p, path);
	if (fd >= 0 || fd != -ENOENT || depth > DEPTH_MAX)
		return fd >= 0 ? fd : err_go(e, -fd, "cannot open %s/%s", p->shown, path);
	auto_free char *above = path_dir(path);
	auto_fd at = make_folders(p, above, depth + 1, e);
	if (at < 0)
		return at;
	if (mkdirat(at, path_base(path), IMPLIED_MODE) < 0 && errno != EEXIST)
		return err_go(e, errno, "mkdir %s/%s", p->shown, path);
	fd = place_open_folder(p, path);
	return fd >= 0 ? fd : err_go(e, -fd, "cannot open %s/%s", p->shown, path);
}

int place_parent(struct placer *p, const char *path, const char **last, struct err *e)
{
	auto_free char *above = path_dir(path);
	*last = path_base(path);
	if (p->parent_path && !strcmp(p->parent_path, above))
		return p->parent_fd;
	forget_parent(p);
	int fd = make_folders(p, above, 0, e);
	if (fd < 0)
		return fd;
	p->parent_fd = fd;
	p->parent_path = take_ptr(above);
	return fd;
}

void place_folder_add(struct placer *p, const char *path, const struct tar_entry *en)
{
	const struct folder f = {
		.mode = en->mode & 07777,
		.mtime_s = en->mtime_s,
		.mtime_ns = en->mtime_ns,
		.path_len = (uint32_t)strlen(path) + 1,
	};
	buf_add(&p->folders, &f, sizeof(f));
	buf_add(&p->folders, path, f.path_len);
}

static int finish_folder(struct placer *p, const struct folder *f, const char *path, struct err *e)
{
	const struct timespec times[2] = {
		{.tv_sec = f->mtime_s, .tv_nsec = f->mtime_ns},
		{.tv_sec = f->mtime_s, .tv_nsec = f->mtime_ns},
	};
	auto_fd found = place_open_folder(p, path);
	/* Gone or replaced meanwhile: then there is nothing to say of it. */
	auto_fd fd = found < 0 ? -1 : openat(found, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	/* Another's folder that was merged into keeps what it is. */
	if (fchmod(fd, f->mode) < 0 && errno != EPERM)
		return err_go(e, errno, "chmod %s/%s", p->shown, path);
	if (futimens(fd, times) < 0 && errno != EPERM)
		return err_go(e, errno, "chtimes %s/%s", p->shown, path);
	return 0;
}

/* The deepest first: a folder that may not be searched hides those in it. */
int placer_finish(struct placer *p, struct err *e)
{
	auto_free size_t *at = NULL;
	size_t n = 0, room = 0, pos = 0;
	forget_parent(p);
	while (pos < p->folders.len) {
		struct folder f;
		if (n == room) {
			room = room ? room * 2 : 64;
			at = xrealloc(at, room * sizeof(*at));
		}
		at[n++] = pos;
		memcpy(&f, p->folders.data + pos, sizeof(f));
		pos += sizeof(f) + f.path_len;
	}
	while (n-- > 0) {
		struct folder f;
		memcpy(&f, p->folders.data + at[n], sizeof(f));
		int r = finish_folder(p, &f, p->folders.data + at[n] + sizeof(f), e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- entries ---- */

/* NULL: it would climb out. */
static char *clean_name(const char *name)
{
	while (*name == '/')
		name++;
	auto_free char *clean = path_clean(*name ? name : ".");
	if (!strcmp(clean, "..") || str_starts(clean, "../"))
		return NULL;
	return take_ptr(clean);
}

static int spot_find(struct placer *p, const struct tar_entry *en, struct spot *s, struct err *e)
{
	s->path = clean_name(en->path);
	if (!s->path)
		return err_set(e, EINVAL, "\"%s\" is outside of \"%s\"", en->path, p->shown);
	s->shown = path_join(p->shown, s->path);
	if (!strcmp(s->path, "."))
		return 0;
	s->at = place_parent(p, s->path, &s->last, e);
	if (s->at < 0)
		return s->at;
	s->exists = fstatat(s->at, s->last, &s->st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!s->exists && errno != ENOENT)
		return err_go(e, errno, "lstat %s", s->shown);
	return 0;
}

static int check_kinds(
	const struct placer *p, const struct spot *s, const struct tar_entry *en, struct err *e)
{
	bool is_folder = en->type == '5';
	if (!s->exists || p->flags & PLACE_OVERWRITE || is_folder == S_ISDIR(s->st.st_mode))
		return 0;
	return err_set(e, is_folder ? ENOTDIR : EISDIR, "cannot overwrite %s \"%s\" with %s \"%s\"",
		is_folder ? "non-directory" : "directory", s->shown,
		is_folder ? "directory" : "non-directory", p->shown);
}

int place_make_room(const struct spot *s, struct err *e)
{
	struct err why = {0};
	int r = s->exists ? path_remove_at(s->at, s->last, &why) : 0;
	return r < 0 ? err_go(e, -r, "unlinkat %s", s->shown) : 0;
}

static int place_folder(
	struct placer *p, const struct spot *s, const struct tar_entry *en, struct err *e)
{
	bool is_merged = s->exists && S_ISDIR(s->st.st_mode);
	/* Writable for us until the end. */
	if (!is_merged && mkdirat(s->at, s->last, 0700) < 0 && errno != EEXIST)
		return err_go(e, errno, "mkdir %s", s->shown);
	auto_fd fd = openat(s->at, s->last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_go(e, errno, "open %s", s->shown);
	int r = place_attributes(p, s, fd, en, e);
	if (r < 0)
		return r;
	if (p->folders.len > FOLDER_BYTES_MAX)
		return err_set(e, E2BIG, "%s: too many directories", p->shown);
	place_folder_add(p, s->path, en);
	return 0;
}

static int place_at(struct placer *p, struct spot *s, const struct tar_entry *en,
	const struct place_content *c, struct err *e)
{
	int r = spot_find(p, en, s, e);
	/* "./" is what everything goes into: it stays what it is. "/" is a folder like others. */
	if (r == 0 && !strcmp(s->path, ".")) {
		if (en->type == '5' && *en->path == '/')
			place_folder_add(p, ".", en);
		return 0;
	}
	if (r == 0)
		r = check_kinds(p, s, en, e);
	if (r < 0)
		return r;
	if (en->type == '0' || en->type == '7' || en->type == 0)
		return place_regular(p, s, en, c, e);
	bool is_merged = en->type == '5' && s->exists && S_ISDIR(s->st.st_mode);
	if (!is_merged && s->exists) {
		if ((r = place_make_room(s, e)) < 0)
			return r;
		s->exists = false;
	}
	return en->type == '5' ? place_folder(p, s, en, e) : place_other(p, s, en, e);
}

int place_entry(
	struct placer *p, const struct tar_entry *en, const struct place_content *c, struct err *e)
{
	struct spot s = {.at = -1};
	int r = place_at(p, &s, en, c, e);
	free(s.path);
	free(s.shown);
	return r;
}
