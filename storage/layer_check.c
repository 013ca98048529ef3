#include "storage/layer_check.h"
#include "storage/pack_layer.h"
#include "storage/share.h"
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

/* What should be at one name. The key is the parent's inode and the name: a path that leads over a
 * link of the layer is the same name as the one without. */
struct wanted {
	ino_t parent;
	char *path; /* as the tar first said it, cleaned; its last part is the name */
	char type; /* as a tar entry's; 'w' = whiteout */
	bool is_opaque, is_seen;
	uint32_t mode;
	uint64_t uid, gid, size;
	int64_t mtime_s;
	int32_t mtime_ns;
	char *link; /* '1' and '2' */
	struct wanted *same_as; /* '1': the file that it is another name of */
	struct strv xattrs; /* name, value in hex */
};

struct checker {
	const struct layer_check *c;
	int diff_fd;
	struct wanted **table; /* open addressing */
	size_t n, room;
	struct strv astray; /* names whose parent is not there (any more) */
	char *parent_path;
	ino_t parent_ino;
	size_t told;
	struct err failure;
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

/* ---- the table ---- */

static const char *name_of(const struct wanted *w) { return *w->path ? path_base(w->path) : "."; }

static size_t slot_of(const struct checker *k, ino_t parent, const char *name)
{
	uint64_t h = tarsplit_crc(parent, name, strlen(name));
	size_t i = (size_t)h & (k->room - 1);
	while (k->table[i] &&
		(k->table[i]->parent != parent || strcmp(name_of(k->table[i]), name) != 0))
		i = (i + 1) & (k->room - 1);
	return i;
}

static void grow(struct checker *k)
{
	struct wanted **old = k->table;
	size_t room = k->room;
	k->room = room ? 2 * room : 1024;
	k->table = xcalloc(k->room, sizeof(struct wanted *));
	for (size_t i = 0; i < room; i++)
		if (old[i])
			k->table[slot_of(k, old[i]->parent, name_of(old[i]))] = old[i];
	free(old);
}

static struct wanted *find(struct checker *k, ino_t parent, const char *name)
{
	return k->room ? k->table[slot_of(k, parent, name)] : NULL;
}

static struct wanted *find_or_add(struct checker *k, ino_t parent, const char *path)
{
	const char *name = *path ? path_base(path) : ".";
	if (2 * (k->n + 1) > k->room)
		grow(k);
	size_t i = slot_of(k, parent, name);
	if (!k->table[i]) {
		k->table[i] = xcalloc(1, sizeof(struct wanted));
		k->table[i]->parent = parent;
		k->table[i]->path = xstrdup(path);
		k->n++;
	}
	return k->table[i];
}

static void checker_deinit(struct checker *k)
{
	for (size_t i = 0; i < k->room; i++) {
		if (!k->table[i])
			continue;
		free(k->table[i]->path);
		free(k->table[i]->link);
		strv_free(&k->table[i]->xattrs);
		free(k->table[i]);
	}
	free(k->table);
	free(k->parent_path);
	strv_free(&k->astray);
	scope_close(&k->diff_fd);
}

/* ---- what the tar says ---- */

/* The inode of the folder that `path` lies in; false where there is none. */
static bool parent_of(struct checker *k, const char *path, ino_t *ino)
{
	struct stat st;
	auto_free char *dir = strchr(path, '/') ? path_dir(path) : xstrdup("");
	if (k->parent_path && !strcmp(k->parent_path, dir)) {
		*ino = k->parent_ino;
		return true;
	}
	auto_fd fd = path_open_in(k->diff_fd, *dir ? dir : "/", O_PATH | O_DIRECTORY, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	free(k->parent_path);
	k->parent_path = take_ptr(dir);
	*ino = k->parent_ino = st.st_ino;
	return true;
}

static bool is_kept_xattr(const char *name)
{
	return (str_starts(name, "user.") && !str_starts(name, "user.overlay.") &&
		       !str_starts(name, "user.fuseoverlayfs.")) ||
	       !strcmp(name, "security.capability");
}

static void set_metadata(struct checker *k, struct wanted *w, const struct tar_entry *en)
{
	w->mode = en->mode;
	w->uid = k->c->is_single_id ? 0 : en->uid;
	w->gid = k->c->is_single_id ? 0 : en->gid;
	w->mtime_s = en->mtime_s;
	w->mtime_ns = en->mtime_ns;
	strv_free(&w->xattrs);
	for (size_t i = 0; i < en->n_xattrs; i++) {
		if (!is_kept_xattr(en->xattrs[i].name))
			continue;
		char *hex = xcalloc(2, en->xattrs[i].len + 1);
		hex_encode(hex, en->xattrs[i].value, en->xattrs[i].len);
		strv_add(&w->xattrs, en->xattrs[i].name);
		strv_take(&w->xattrs, hex);
	}
}

static struct wanted *wanted_at(struct checker *k, const char *path)
{
	ino_t parent;
	return parent_of(k, path, &parent) ? find(k, parent, *path ? path_base(path) : ".") : NULL;
}

static void want_whiteout(struct checker *k, const char *path, const char *last)
{
	const char *name = last + sizeof(".wh.") - 1;
	ino_t parent;
	if (!strcmp(last, ".wh..wh..opq")) {
		auto_free char *dir = strchr(path, '/') ? path_dir(path) : xstrdup("");
		struct wanted *w = wanted_at(k, dir);
		if (!w && parent_of(k, dir, &parent)) {
			w = find_or_add(k, parent, dir);
			w->type = 'p'; /* a parent of which nothing else is known */
		}
		if (w)
			w->is_opaque = true;
		return;
	}
	if (str_starts(name, ".wh."))
		return;
	auto_free char *hidden = xasprintf("%.*s%s", (int)(last - path), path, name);
	if (!parent_of(k, hidden, &parent)) {
		strv_add(&k->astray, hidden);
		return;
	}
	if (!find(k, parent, name))
		find_or_add(k, parent, hidden)->type = 'w';
}

/* As unpacking does: of a link to a link only the owner is set. */
static void want_same(struct checker *k, struct wanted *w, const struct tar_entry *en)
{
	auto_free char *target = layer_clean_name(en->link);
	struct wanted *t = target ? wanted_at(k, target) : NULL;
	while (t && t->same_as)
		t = t->same_as;
	if (!t || t == w)
		return;
	w->same_as = t;
	if (t->type == '0')
		set_metadata(k, t, en);
	if (t->type == '2' && !k->c->is_single_id) {
		t->uid = en->uid;
		t->gid = en->gid;
	}
}

static void want_at(struct checker *k, ino_t parent, const char *path, const struct tar_entry *en)
{
	struct wanted *w = find_or_add(k, parent, path);
	/* A folder is merged with what is there; one over a whiteout hides what is below. */
	bool hides = w->type == 'w' || ((w->type == '5' || w->type == 'p') && w->is_opaque);
	w->is_opaque = en->type == '5' && hides;
	w->type = en->type;
	w->size = en->size;
	w->same_as = NULL;
	free(w->link);
	w->link = xstrdup(en->link);
	if (en->type == '1')
		want_same(k, w, en);
	else
		set_metadata(k, w, en);
}

static void want(struct checker *k, const struct tar_entry *en)
{
	auto_free char *path = layer_clean_name(en->path);
	ino_t parent;
	if (!path || en->type == '3' || en->type == '4')
		return;
	if (str_starts(path_base(path), ".wh."))
		want_whiteout(k, path, path_base(path));
	else if (parent_of(k, path, &parent))
		want_at(k, parent, path, en);
	else
		strv_add(&k->astray, path);
}

/* ---- what the file system says ---- */

static mode_t kind_of(char type)
{
	return type == '0' ? S_IFREG : type == '2' ? S_IFLNK : type == '5' ? S_IFDIR : S_IFIFO;
}

static void check_time(struct checker *k, const struct wanted *w, const struct stat *st)
{
	bool has_fraction = !k->c->is_local;
	/* What no file system can hold was moved to what it can. */
	if (w->mtime_s < INT32_MIN || w->mtime_s > UINT32_MAX)
		return;
	if (st->st_mtim.tv_sec != w->mtime_s ||
		(has_fraction && st->st_mtim.tv_nsec != w->mtime_ns))
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
		if (!is_known && (is_kept_xattr(p) ||
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
	auto_fd fd = path_open_in(k->diff_fd, *w->path ? w->path : "/", O_PATH | O_NOFOLLOW, 0);
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
	struct wanted *w = find(k, parent, name);
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
		const struct wanted *w = wanted_at(k, part);
		if (w && w->type != '5' && w->type != 'p')
			return true;
	}
	return false;
}

static void check_missing(struct checker *k)
{
	for (size_t i = 0; i < k->room; i++)
		if (k->table[i] && !k->table[i]->is_seen)
			tell(k, k->table[i]->path, "is missing");
	for (size_t i = 0; i < k->astray.n; i++)
		if (!was_replaced(k, k->astray.v[i]))
			tell(k, k->astray.v[i], "is missing");
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
		want(k, en);
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
	if (fstat(k->diff_fd, &st) < 0) {
		tell(k, "", "cannot be looked at: %s", strerror(errno));
		return;
	}
	struct wanted *w = wanted_at(k, "");
	if (w)
		check_name(k, w, k->diff_fd, ".", &st);
	walk(k, k->diff_fd, st.st_ino, "", 0);
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
	struct checker k = {.c = &told, .diff_fd = -1};
	auto_free char *diff = xasprintf("%s/diff", c->id);
	if (!share_layer_id_valid(c->id))
		return err_set(e, EINVAL, "invalid layer");
	auto_fd layer = path_open_plain(layers_fd, c->id, O_RDONLY | O_DIRECTORY);
	told.is_local = c->is_local || (layer >= 0 && has(layer, PACKED_MARK));
	k.diff_fd = layer < 0 ? -1 : path_open_plain(layers_fd, diff, O_RDONLY | O_DIRECTORY);
	if (k.diff_fd < 0) {
		k.diff_fd = -1;
		tell(&k, "", "its files are missing");
	} else {
		check_files(&k, layer);
	}
	checker_deinit(&k);
	return 0;
}
