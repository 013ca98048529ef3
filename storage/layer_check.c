#include "storage/layer_check.h"
#include "storage/layer_wanted.h"
#include "storage/pack_layer.h"
#include "storage/share.h"
#include "storage/share_joining.h"
#include "storage/tarsplit.h"
#include "storage/unpack_tar.h"
#include "storage/unpack_write_internal.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct checker {
	const struct layer_check *c;
	struct layer_wants wants;
	size_t told;
};

enum { DEPTH_MAX = 2048, TOLD_MAX = 1000 };

static void tell(struct checker *k, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct checker *k, const char *path, const char *fmt, ...)
{
	if (++k->told > TOLD_MAX)
		return;
	va_list ap;
	va_start(ap, fmt);
	auto_free char *message = xvasprintf(fmt, ap);
	va_end(ap);
	k->c->damage(k->c->arg, path, message);
}

/* ---- what the file system says ---- */

static mode_t kind_of(char type)
{
	return type == '0' ? S_IFREG : type == '2' ? S_IFLNK : type == '5' ? S_IFDIR : S_IFIFO;
}

static bool has_its_time(const struct checker *k, const struct wanted *w, const struct stat *st)
{
	bool has_fraction = !k->c->is_local;
	return st->st_mtim.tv_sec == w->mtime_s &&
	       (!has_fraction || st->st_mtim.tv_nsec == w->mtime_ns);
}

/* A folder in which a commit is putting equal files of other layers in place has its time again
 * before the note of it goes (storage/share_joining.h). */
static bool is_changing(const struct checker *k, const struct wanted *w)
{
	struct stat st;
	if (w->type != '5')
		return false;
	if (fstatat(k->wants.diff_fd, "../" SHARE_JOINING, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	auto_fd fd = path_open_plain(k->wants.diff_fd, w->path, O_PATH);
	return fd >= 0 && fstat(fd, &st) == 0 && has_its_time(k, w, &st);
}

static void check_time(struct checker *k, const struct wanted *w, const struct stat *st)
{
	/* What no file system can hold was moved to what it can. */
	if (w->mtime_s < INT32_MIN || w->mtime_s > UINT32_MAX)
		return;
	if (!has_its_time(k, w, st) && !is_changing(k, w))
		tell(k, w->path, "has another modification time");
}

static void check_xattrs(struct checker *k, const struct wanted *w, int fd)
{
	char names[16 * 1024], value[64 * 1024];
	for (size_t i = 0; i + 1 < w->xattrs.n; i += 2) {
		ssize_t n = fgetxattr(fd, w->xattrs.v[i], value, sizeof(value));
		auto_free char *hex = xcalloc(2, n > 0 ? (size_t)n + 1 : 1);
		if (n > 0)
			hex_encode(hex, value, (size_t)n);
		if (n < 0 && errno == ENOTSUP)
			continue;
		if (n < 0 || strcmp(hex, w->xattrs.v[i + 1]) != 0)
			tell(k, w->path, "has another attribute %s", w->xattrs.v[i]);
	}
	ssize_t n = flistxattr(fd, names, sizeof(names));
	bool is_opaque = false;
	for (const char *p = names; n > 0 && p < names + n; p += strlen(p) + 1) {
		is_opaque = is_opaque || !strcmp(p, OPAQUE_XATTR);
		bool is_known = false;
		for (size_t i = 0; i + 1 < w->xattrs.n; i += 2)
			is_known = is_known || !strcmp(w->xattrs.v[i], p);
		if (!is_known && (layer_keeps_xattr(p) ||
					 (str_starts(p, "user.") && strcmp(p, OPAQUE_XATTR) != 0)))
			tell(k, w->path, "has an attribute %s that it should not have", p);
	}
	if (is_opaque != w->is_opaque && w->type != 'p')
		tell(k, w->path,
			w->is_opaque ? "hides nothing of the layers below any more"
				     : "hides the layers below, which it should not");
}

static void check_metadata(
	struct checker *k, const struct wanted *w, int at, const char *name, const struct stat *st)
{
	if (st->st_uid != w->uid || st->st_gid != w->gid)
		tell(k, w->path, "has owner %u:%u instead of %llu:%llu", (unsigned)st->st_uid,
			(unsigned)st->st_gid, (unsigned long long)w->uid,
			(unsigned long long)w->gid);
	if (!S_ISLNK(st->st_mode) && (st->st_mode & 07777) != w->mode)
		tell(k, w->path, "has mode %04o instead of %04o", (unsigned)st->st_mode & 07777,
			(unsigned)w->mode);
	check_time(k, w, st);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return;
	auto_fd fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		check_xattrs(k, w, fd);
	else
		tell(k, w->path, "cannot be read: %s", strerror(errno));
}

static void check_link(struct checker *k, const struct wanted *w, int at, const char *name)
{
	char target[4096 + 1];
	ssize_t n = readlinkat(at, name, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	if (n < 0 || strcmp(target, w->link) != 0)
		tell(k, w->path, "leads elsewhere");
}

static ino_t inode_of(struct checker *k, const struct wanted *w)
{
	struct stat st;
	auto_fd fd =
		path_open_in(k->wants.diff_fd, *w->path ? w->path : "/", O_PATH | O_NOFOLLOW, 0);
	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static bool hides_below(int at, const char *name)
{
	char v;
	auto_fd fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && fgetxattr(fd, OPAQUE_XATTR, &v, 1) == 1;
}

static void check_name(
	struct checker *k, struct wanted *w, int at, const char *name, const struct stat *st)
{
	w->is_seen = true;
	if (w->type == 'w') {
		/* Or a folder that was made over it, for what a later entry has in it. */
		if (S_ISDIR(st->st_mode) && hides_below(at, name))
			return;
		if (!S_ISCHR(st->st_mode) || st->st_rdev != makedev(0, 0))
			tell(k, w->path, "is not the mark of a removal any more");
		return;
	}
	if (w->same_as) {
		if (inode_of(k, w->same_as) != st->st_ino)
			tell(k, w->path, "is not the same file as %s any more", w->same_as->path);
		return;
	}
	if (w->type == 'p' || w->type == '1')
		return;
	if ((st->st_mode & S_IFMT) != kind_of(w->type)) {
		tell(k, w->path, "is of another kind");
		return;
	}
	if (w->type == '0' && (uint64_t)st->st_size != w->size)
		tell(k, w->path, "has %llu bytes instead of %llu", (unsigned long long)st->st_size,
			(unsigned long long)w->size);
	if (w->type == '2')
		check_link(k, w, at, name);
	check_metadata(k, w, at, name, st);
}

static void walk(struct checker *k, int fd, ino_t ino, const char *path, int depth);

static void check_entry(
	struct checker *k, int at, ino_t parent, const char *name, const char *path, int depth)
{
	struct stat st;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		tell(k, path, "cannot be looked at: %s", strerror(errno));
		return;
	}
	struct wanted *w = layer_wanted_find(&k->wants, parent, name);
	if (w)
		check_name(k, w, at, name, &st);
	else if (!S_ISDIR(st.st_mode))
		tell(k, path, "is not of the image");
	if (!S_ISDIR(st.st_mode))
		return;
	auto_fd fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		tell(k, path, "cannot be read: %s", strerror(errno));
	else
		walk(k, fd, st.st_ino, path, depth + 1);
}

static void walk(struct checker *k, int fd, ino_t ino, const char *path, int depth)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	auto_dir dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir || depth > DEPTH_MAX) {
		tell(k, path, "cannot be read");
		return;
	}
	for (;;) {
		errno = 0;
		const struct dirent *d = readdir(dir);
		if (!d && errno)
			tell(k, path, "cannot be read: %s", strerror(errno));
		if (!d)
			return;
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		auto_free char *below = *path ? path_join(path, d->d_name) : xstrdup(d->d_name);
		check_entry(k, fd, ino, d->d_name, below, depth);
	}
}

/* ---- what is missing ---- */

/* Did a later entry put something else than a folder where one of its parents was? */
static bool was_replaced(struct checker *k, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		auto_free char *part = xstrndup(path, (size_t)(slash - path));
		const struct wanted *w = layer_wanted_at(&k->wants, part);
		if (w && w->type != '5' && w->type != 'p')
			return true;
	}
	return false;
}

static void check_missing(struct checker *k)
{
	for (size_t i = 0; i < k->wants.room; i++)
		if (k->wants.table[i] && !k->wants.table[i]->is_seen)
			tell(k, k->wants.table[i]->path, "is missing");
	for (size_t i = 0; i < k->wants.astray.n; i++)
		if (!was_replaced(k, k->wants.astray.v[i]))
			tell(k, k->wants.astray.v[i], "is missing");
}

/* ---- the whole ---- */

static void told_of_content(void *arg, const char *path, const char *message)
{
	struct checker *k = arg;
	const char *after = str_after(message, path);
	const char *what = after ? str_after(after, " of the layer ") : NULL;
	tell(k, path, "%s", what ? what : "cannot be read");
}

static ssize_t next_piece(void *arg, const unsigned char **p, struct err *e)
{
	return tarsplit_read(arg, p, e);
}

static int read_entries(struct checker *k, struct tarsplit_reader *r, struct err *e)
{
	const struct tar_io io = {.next = next_piece, .arg = r};
	auto_tar_reader t = tar_reader_new(&io);
	const struct tar_entry *en;
	int x;
	while ((x = tar_next(t, &en, e)) > 0)
		layer_want(&k->wants, en);
	return x;
}

static void check_digest(struct checker *k, const struct tarsplit_reader *r)
{
	char hex[65];
	const char *wanted = str_after(k->c->diff_id, "sha256:");
	hex_encode(hex, tarsplit_reader_sha256(r), 32);
	if (!wanted || strcmp(hex, wanted) != 0)
		tell(k, "", "describes another layer: sha256:%s", hex);
}

static void check_root(struct checker *k)
{
	struct stat st;
	if (fstat(k->wants.diff_fd, &st) < 0) {
		tell(k, "", "cannot be looked at: %s", strerror(errno));
		return;
	}
	struct wanted *w = layer_wanted_at(&k->wants, "");
	if (w)
		check_name(k, w, k->wants.diff_fd, ".", &st);
	walk(k, k->wants.diff_fd, st.st_ino, "", 0);
	check_missing(k);
}

/* The unpacker's filter knows no faccessat. */
static bool has(int layer_fd, const char *name)
{
	struct stat st;
	return fstatat(layer_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void check_files(struct checker *k, int layer_fd)
{
	struct err e = {0};
	struct tarsplit_reader *r = tarsplit_reader_new(layer_fd, &e);
	if (!r) {
		tell(k, "", "%s", e.msg);
		return;
	}
	tarsplit_reader_tell(r, told_of_content, k);
	if (tarsplit_reader_check_file(r, &e) < 0 || read_entries(k, r, &e) < 0 ||
		tarsplit_reader_check_file(r, &e) < 0) {
		tell(k, "", "%s", e.msg);
	} else {
		check_digest(k, r);
		check_root(k);
	}
	tarsplit_reader_free(r);
	if (share_index_check(layer_fd, &e) < 0)
		tell(k, "", "%s", e.msg);
	if (has(layer_fd, "links"))
		tell(k, "", "was never completed");
}

int layer_check(int layers_fd, const struct layer_check *c, struct err *e)
{
	struct layer_check told = *c;
	struct checker k = {.c = &told};
	auto_free char *diff = xasprintf("%s/diff", c->id);
	if (!share_layer_id_valid(c->id))
		return err_set(e, EINVAL, "invalid layer");
	auto_fd layer = path_open_plain(layers_fd, c->id, O_RDONLY | O_DIRECTORY);
	auto_fd files = layer < 0 ? -1 : path_open_plain(layers_fd, diff, O_RDONLY | O_DIRECTORY);
	told.is_local = c->is_local || (layer >= 0 && has(layer, PACKED_MARK));
	k.wants = (struct layer_wants){.diff_fd = files, .is_single_id = c->is_single_id};
	if (files < 0)
		tell(&k, "", "its files are missing");
	else
		check_files(&k, layer);
	layer_wants_deinit(&k.wants);
	return 0;
}
