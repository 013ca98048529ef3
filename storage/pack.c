#include "storage/pack.h"
#include "base/err.h"
#include "base/inodes.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/pack_header.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	DEPTH_MAX = 1024,
	XATTR_NAMES_MAX = 64 * 1024,
	HOLES_MIN = 64 * 1024, /* bytes of holes that are worth a map */
	END_BLOCKS = 2,
};

struct pack {
	const struct pack_options *o;
	pack_entry_fn entry;
	void *arg;
	struct pack_result *result;
	struct inodes links;
	char *names, *value; /* extended attributes: lists and values */
};

static bool is_whiteout(const struct pack *p, const struct stat *st)
{
	return p->o->mode == PACK_LAYER && S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static char *archive_name(const struct pack *p, const char *path, bool is_folder)
{
	return xasprintf("%s%s%s", p->o->prefix ? p->o->prefix : "", path, is_folder ? "/" : "");
}

static int emit(struct pack *p, const struct tar_entry *en, int fd, struct err *e)
{
	p->result->entries++;
	return p->entry(p->arg, en, fd, e);
}

/* ---- attributes ---- */

/* Those a layer can have: not the drivers' own, not what belongs to this machine. */
static bool wants_xattr(const struct pack *p, const char *name)
{
	static const char *const local[] = {
		"security.selinux", "security.ima", "security.evm", "security.apparmor"};
	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		if (!strcmp(name, local[i]))
			return false;
	return p->o->mode == PACK_PLAIN ||
	       (!str_starts(name, "user.overlay.") && !str_starts(name, "user.fuseoverlayfs."));
}

static void add_xattr(struct tar_entry *en, const char *name, const char *value, size_t n)
{
	size_t len = strlen(name) + 1;
	en->xattrs = xrealloc(en->xattrs, (en->n_xattrs + 1) * sizeof(*en->xattrs));
	struct tar_xattr *x = &en->xattrs[en->n_xattrs++];
	x->name = xmalloc(len + n + 1);
	memcpy(x->name, name, len);
	memcpy(x->name + len, value, n);
	x->value = x->name + len;
	x->len = n;
}

static int by_name(const void *a, const void *b)
{
	const struct tar_xattr *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static void read_xattrs(struct pack *p, int fd, struct tar_entry *en)
{
	ssize_t n = flistxattr(fd, p->names, XATTR_NAMES_MAX);
	for (const char *name = p->names; n > 0 && name < p->names + n; name += strlen(name) + 1) {
		if (!wants_xattr(p, name) || en->n_xattrs == TAR_XATTRS_MAX)
			continue;
		ssize_t len = fgetxattr(fd, name, p->value, XATTR_NAMES_MAX);
		if (len >= 0)
			add_xattr(en, name, p->value, (size_t)len);
	}
	if (en->n_xattrs > 1)
		qsort(en->xattrs, en->n_xattrs, sizeof(*en->xattrs), by_name);
}

static void entry_deinit(struct tar_entry *en)
{
	for (size_t i = 0; i < en->n_xattrs; i++)
		free(en->xattrs[i].name);
	free(en->xattrs);
	free(en->extents);
	free(en->path);
	free(en->link);
}
#define auto_entry __attribute__((cleanup(entry_deinit))) struct tar_entry

static void fill(struct tar_entry *en, char type, char *taken_path, const struct stat *st)
{
	en->type = type;
	en->path = taken_path;
	en->mode = st->st_mode & 07777;
	en->uid = st->st_uid;
	en->gid = st->st_gid;
	en->mtime_s = st->st_mtim.tv_sec;
	en->mtime_ns = (int32_t)st->st_mtim.tv_nsec;
}

/* ---- contents ---- */

static void add_extent(struct tar_entry *en, off_t from, off_t to)
{
	if ((en->n_extents & 63) == 0)
		en->extents = xrealloc(en->extents, (en->n_extents + 64) * sizeof(*en->extents));
	en->extents[en->n_extents++] = (struct tar_extent){(uint64_t)from, (uint64_t)(to - from)};
	en->stored += (uint64_t)(to - from);
}

/* The pieces that hold something, where that is worth it. */
static void find_holes(int fd, off_t size, const struct stat *st, struct tar_entry *en)
{
	en->stored = en->size = (uint64_t)size;
	if (size - (off_t)st->st_blocks * 512 < HOLES_MIN)
		return;
	en->stored = 0;
	off_t at = 0;
	while (at < size && en->n_extents < TAR_EXTENTS_MAX - 1) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0 || data >= size)
			break;
		off_t hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		add_extent(en, data, hole);
		at = hole;
	}
	/* Readers learn the length from a last, empty piece. */
	if (en->n_extents < TAR_EXTENTS_MAX - 1 && en->stored + HOLES_MIN <= (uint64_t)size) {
		add_extent(en, size, size);
		en->is_sparse = true;
		return;
	}
	en->n_extents = 0;
	en->stored = (uint64_t)size;
}

static int zeros(size_t n, void *buffer, size_t room,
	int (*take)(void *arg, const void *p, size_t n, struct err *e), void *arg, struct err *e)
{
	memset(buffer, 0, n < room ? n : room);
	for (size_t k; n; n -= k) {
		k = n < room ? n : room;
		if (take(arg, buffer, k, e) < 0)
			return -e->code;
	}
	return 0;
}

int pack_content(const struct tar_entry *en, int fd, void *buffer, size_t room,
	int (*take)(void *arg, const void *p, size_t n, struct err *e), void *arg, struct err *e)
{
	const struct tar_extent whole = {0, en->stored};
	const struct tar_extent *pieces = en->is_sparse ? en->extents : &whole;
	for (size_t i = 0; i < (en->is_sparse ? en->n_extents : 1); i++) {
		uint64_t at = pieces[i].offset, end = at + pieces[i].len;
		while (at < end) {
			size_t want = end - at < room ? (size_t)(end - at) : room;
			ssize_t n = pread(fd, buffer, want, (off_t)at);
			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return err_sys(e, "cannot read %s", en->path);
			if (n == 0)
				return zeros((size_t)(end - at), buffer, room, take, arg, e);
			if (take(arg, buffer, (size_t)n, e) < 0)
				return -e->code;
			at += (uint64_t)n;
		}
	}
	return 0;
}

/* ---- entries ---- */

static int pack_file(struct pack *p, int dir, const char *name, const char *path, struct err *e)
{
	auto_entry en = {0};
	struct stat st;
	auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot open /%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ESTALE, "/%s changed while it was read", path);
	fill(&en, '0', archive_name(p, path, false), &st);
	const char *first =
		st.st_nlink > 1 ? inodes_meet(&p->links, st.st_dev, st.st_ino, en.path) : NULL;
	if (first) {
		en.type = '1';
		en.link = xstrdup(first);
		return emit(p, &en, -1, e);
	}
	read_xattrs(p, fd, &en);
	find_holes(fd, st.st_size, &st, &en);
	p->result->files += en.size;
	return emit(p, &en, fd, e);
}

static int pack_link(struct pack *p, int dir, const char *name, const char *path,
	const struct stat *st, struct err *e)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(dir, name, target, PATH_MAX);
	if (n < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot read the link /%s", path);
	auto_entry en = {0};
	fill(&en, '2', archive_name(p, path, false), st);
	en.link = xstrndup(target, (size_t)n);
	return emit(p, &en, -1, e);
}

/* ".wh.NAME" beside where NAME was. */
static int pack_whiteout(struct pack *p, const char *path, const struct stat *st, struct err *e)
{
	auto_entry en = {0};
	const char *slash = strrchr(path, '/');
	int folder = slash ? (int)(slash - path) + 1 : 0;
	auto_free char *marked = xasprintf("%.*s.wh.%s", folder, path, path + folder);
	fill(&en, '0', archive_name(p, marked, false), st);
	en.mode = 0;
	return emit(p, &en, -1, e);
}

static int pack_special(struct pack *p, const char *path, const struct stat *st, struct err *e)
{
	auto_entry en = {0};
	char type = S_ISFIFO(st->st_mode) ? '6' : S_ISCHR(st->st_mode) ? '3' : '4';
	fill(&en, type, archive_name(p, path, false), st);
	en.dev_major = major(st->st_rdev);
	en.dev_minor = minor(st->st_rdev);
	return emit(p, &en, -1, e);
}

static int pack_folder(struct pack *p, int dir, const char *path, int depth, struct err *e);

static bool is_opaque(int fd)
{
	char v;
	return fgetxattr(fd, "user.overlay.opaque", &v, 1) == 1 && v == 'y';
}

static int pack_subfolder(struct pack *p, int dir, const char *name, const char *path,
	const struct stat *st, int depth, struct err *e)
{
	auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot open /%s", path);
	{
		auto_entry en = {0};
		fill(&en, '5', archive_name(p, path, true), st);
		read_xattrs(p, fd, &en);
		if (emit(p, &en, -1, e) < 0)
			return -e->code;
	}
	if (p->o->mode == PACK_LAYER && is_opaque(fd)) {
		auto_entry mark = {0};
		auto_free char *inside = xasprintf("%s/.wh..wh..opq", path);
		fill(&mark, '0', archive_name(p, inside, false), st);
		mark.mode &= 0777;
		if (emit(p, &mark, -1, e) < 0)
			return -e->code;
	}
	return pack_folder(p, fd, path, depth + 1, e);
}

static int pack_entry(
	struct pack *p, int dir, const char *name, const char *path, int depth, struct err *e)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at /%s", path);
	if (p->o->wanted && !p->o->wanted(p->o->arg, path, &st))
		return 0;
	if (is_whiteout(p, &st))
		return pack_whiteout(p, path, &st, e);
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return pack_subfolder(p, dir, name, path, &st, depth, e);
	case S_IFREG:
		return pack_file(p, dir, name, path, e);
	case S_IFLNK:
		return pack_link(p, dir, name, path, &st, e);
	case S_IFSOCK:
		return 0;
	default:
		return pack_special(p, path, &st, e);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_folder(int fd, const char *path, struct strv *names, struct err *e)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return err_sys(e, "cannot read /%s", path);
	const struct dirent *d;
	while ((errno = 0, d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			strv_add(names, d->d_name);
	if (errno)
		return err_sys(e, "cannot read /%s", path);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_text);
	return 0;
}

static int pack_folder(struct pack *p, int dir, const char *path, int depth, struct err *e)
{
	auto_strv names = STRV_INIT;
	if (depth > DEPTH_MAX)
		return err_set(e, ELOOP, "/%s: folders nested too deeply", path);
	if (list_folder(dir, path, &names, e) < 0)
		return -e->code;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *below = *path ? path_join(path, names.v[i]) : xstrdup(names.v[i]);
		if (pack_entry(p, dir, names.v[i], below, depth, e) < 0)
			return -e->code;
	}
	return 0;
}

/* The folder itself, under the prefix. */
static int pack_top(struct pack *p, int dir, struct err *e)
{
	auto_entry en = {0};
	struct stat st;
	if (!p->o->prefix)
		return 0;
	if (fstat(dir, &st) < 0)
		return err_sys(e, "cannot look at /");
	fill(&en, '5', xstrdup(p->o->prefix), &st);
	read_xattrs(p, dir, &en);
	return emit(p, &en, -1, e);
}

int pack_walk(int dir_fd, const struct pack_options *o, pack_entry_fn entry, void *arg,
	struct pack_result *out, struct err *e)
{
	struct pack p = {.o = o, .entry = entry, .arg = arg, .result = out};
	*out = (struct pack_result){0};
	p.names = xmalloc(XATTR_NAMES_MAX);
	p.value = xmalloc(XATTR_NAMES_MAX);
	int r = pack_top(&p, dir_fd, e);
	if (r >= 0)
		r = o->only ? pack_entry(&p, dir_fd, o->only, o->as, 0, e)
			    : pack_folder(&p, dir_fd, "", 0, e);
	inodes_free(&p.links);
	free(p.names);
	free(p.value);
	return r < 0 ? r : 0;
}

/* ---- as a stream ---- */

struct stream {
	const struct pack_sink *sink;
	struct buf header;
};

static int stream_entry(void *arg, const struct tar_entry *en, int fd, struct err *e)
{
	static const char block[TAR_BLOCK];
	struct stream *s = arg;
	s->header.len = 0;
	pack_header(en, &s->header);
	int r = s->sink->raw(s->sink->arg, s->header.data, s->header.len, e);
	if (r >= 0 && en->stored)
		r = s->sink->content(s->sink->arg, en, fd, e);
	size_t over = en->stored % TAR_BLOCK;
	return r >= 0 && over ? s->sink->raw(s->sink->arg, block, TAR_BLOCK - over, e) : r;
}

int pack_tree(int dir_fd, const struct pack_options *o, const struct pack_sink *sink,
	struct pack_result *out, struct err *e)
{
	static const char end[END_BLOCKS * TAR_BLOCK];
	struct stream s = {.sink = sink};
	int r = pack_walk(dir_fd, o, stream_entry, &s, out, e);
	if (r >= 0)
		r = sink->raw(sink->arg, end, sizeof(end), e);
	buf_free(&s.header);
	return r < 0 ? r : 0;
}
