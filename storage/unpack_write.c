#include "storage/unpack_write.h"
#include "storage/unpack_write_internal.h"
#include "base/err.h"
#include "storage/share.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Smaller files are written back with the folders they are in, by the sync at the end. */
enum { WRITE_BACK_MIN = 128 * 1024 };

int layer_writer_init(struct layer_writer *w, int stage_fd, const struct share_index *x,
	bool is_single_id, struct err *e)
{
	*w = (struct layer_writer){
		.stage_fd = stage_fd,
		.diff_fd = -1,
		.replaced_fd = -1,
		.parent_fd = -1,
		.is_single_id = is_single_id,
		.share = share_new(x, stage_fd, is_single_id),
		.uid = geteuid(),
		.gid = getegid(),
	};
	if (mkdirat(stage_fd, "diff", 0755) < 0)
		return err_sys(e, "cannot create the layer's folder");
	w->diff_fd = openat(stage_fd, "diff", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->diff_fd < 0 || fchmod(w->diff_fd, 0755) < 0)
		return err_sys(e, "cannot open the layer's folder");
	return 0;
}

void layer_forget_parent(struct layer_writer *w)
{
	if (w->parent_fd >= 0)
		close(w->parent_fd);
	w->parent_fd = -1;
	free(w->parent_path);
	w->parent_path = NULL;
}

void layer_writer_deinit(struct layer_writer *w)
{
	int saved = errno;
	layer_forget_parent(w);
	if (w->diff_fd >= 0)
		close(w->diff_fd);
	if (w->replaced_fd >= 0)
		close(w->replaced_fd);
	share_free(w->share);
	buf_free(&w->folders);
	free(w->last_folder);
	errno = saved;
}

void layer_writer_warnings(const struct layer_writer *w, struct strv *out)
{
	if (w->warned & WARN_DEVICE)
		strv_add(out, "device nodes of the image cannot be made by an ordinary user and "
			      "are left out");
	if (w->warned & WARN_XATTR)
		strv_add(out, "some extended attributes of the image cannot be set here and are "
			      "left out");
	if (w->warned & WARN_OWNER)
		strv_add(out, "owners of the image's files are lost: there is only one user id (no "
			      "range in "
			      "/etc/subuid and /etc/subgid)");
}

/* ---- parents ---- */

/* A whiteout in the way of a folder: the folder takes its place, and hides what is below. */
static int replace_whiteout(int at, const char *name)
{
	struct stat st;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != 0)
		return -ENOTDIR;
	if (unlinkat(at, name, 0) < 0 || mkdirat(at, name, 0755) < 0)
		return -errno;
	auto_fd fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) < 0)
		return -errno;
	return 0;
}

/* Tries each leading part of the path: the first that is a whiteout becomes a folder. */
static int clear_whiteouts(struct layer_writer *w, const char *path)
{
	for (size_t n = strcspn(path, "/");; n += 1 + strcspn(path + n + 1, "/")) {
		auto_free char *part = xstrndup(path, n);
		const char *last;
		auto_fd at = path_open_parent_in(w->diff_fd, part, 0, &last);
		int r = at < 0 ? at : replace_whiteout(at, last);
		if (r != -ENOTDIR || !path[n])
			return r;
	}
}

/* The folder `path` ("" = the root), kept open for the entries that follow in it. */
static int open_parent(struct layer_writer *w, const char *path)
{
	if (w->parent_path && !strcmp(w->parent_path, path))
		return w->parent_fd;
	layer_forget_parent(w);
	int fd = path_mkdirs_in(w->diff_fd, *path ? path : "/", 0755);
	if (fd == -ENOTDIR && clear_whiteouts(w, path) == 0)
		fd = path_mkdirs_in(w->diff_fd, path, 0755);
	if (fd < 0)
		return fd;
	struct stat st;
	w->parent_gives_group = fstat(fd, &st) < 0 || (st.st_mode & S_ISGID);
	w->parent_path = xstrdup(path);
	w->parent_fd = fd;
	return fd;
}

/* "./a//b/" -> "a/b"; "" is the root; NULL where it would climb out. */
char *layer_clean_name(const char *name)
{
	auto_free char *clean = path_clean(name);
	if (!strcmp(clean, "..") || str_starts(clean, "../"))
		return NULL;
	const char *p = clean + strspn(clean, "/");
	return xstrdup(!strcmp(p, ".") ? "" : p);
}

int layer_place_find(struct layer_writer *w, const char *name, struct place *p, struct err *e)
{
	p->path = layer_clean_name(name);
	if (!p->path)
		return err_set(e, EBADMSG, "archive breaks out of its folder: %s", name);
	if (!*p->path) {
		p->at = w->diff_fd;
		p->last = ".";
		return 0;
	}
	char *slash = strrchr(p->path, '/');
	auto_free char *dir = slash ? xstrndup(p->path, (size_t)(slash - p->path)) : xstrdup("");
	p->last = slash ? slash + 1 : p->path;
	p->at = open_parent(w, dir);
	if (p->at < 0)
		return err_sysn(e, -p->at, "cannot create the folder of %s", p->path);
	return 0;
}

/* ---- metadata ---- */

static int set_owner(
	struct layer_writer *w, int at, const char *name, const struct tar_entry *en, struct err *e)
{
	if (w->is_single_id) {
		if (en->uid != 0 || en->gid != 0)
			w->warned |= WARN_OWNER;
		return 0;
	}
	if (en->uid < UINT32_MAX && en->gid < UINT32_MAX &&
		fchownat(at, name, (uid_t)en->uid, (gid_t)en->gid,
			AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0)
		return 0;
	if (en->uid < UINT32_MAX && en->gid < UINT32_MAX && errno != EINVAL)
		return err_sys(e, "cannot set the owner of %s", en->path);
	err_set(e, EINVAL,
		"potentially insufficient UIDs or GIDs available in user namespace (requested "
		"%llu:%llu "
		"for %s): Check /etc/subuid and /etc/subgid: lchown: invalid argument",
		(unsigned long long)en->uid, (unsigned long long)en->gid, en->path);
	return err_hint(e, "give the user a larger range of ids in /etc/subuid and /etc/subgid");
}

static bool xattr_is_kept_out(const char *name)
{
	return str_starts(name, "trusted.") || str_starts(name, "user.overlay.") ||
	       str_starts(name, "user.fuseoverlayfs.");
}

/* fd is a readable or writable descriptor of a file or folder. */
static int set_xattrs(struct layer_writer *w, int fd, const struct tar_entry *en, struct err *e)
{
	for (size_t i = 0; i < en->n_xattrs; i++) {
		const struct tar_xattr *x = &en->xattrs[i];
		if (xattr_is_kept_out(x->name)) {
			w->warned |= WARN_XATTR;
			continue;
		}
		if (fsetxattr(fd, x->name, x->value, x->len, 0) == 0)
			continue;
		if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
			return err_sys(e, "cannot set an attribute of %s", en->path);
		log_debug("attribute %s of %s: %s", x->name, en->path, strerror(errno));
		w->warned |= WARN_XATTR;
	}
	return 0;
}

static struct timespec entry_time(const struct tar_entry *en)
{
	return (struct timespec){.tv_sec = en->mtime_s, .tv_nsec = en->mtime_ns};
}

/* Times that the file system cannot hold are moved to what it can by the kernel. */
static int set_times(int at, const char *name, const struct tar_entry *en, struct err *e)
{
	struct timespec ts[2] = {entry_time(en), entry_time(en)};
	int r = name ? utimensat(at, name, ts, AT_SYMLINK_NOFOLLOW) : futimens(at, ts);
	return r < 0 ? err_sys(e, "cannot set the time of %s", en->path) : 0;
}

/* Of a file or folder by its descriptor, which `is` tells of: most need neither call. The order
 * matters: chown takes set-id bits and capabilities away. */
static int set_metadata(struct layer_writer *w, int fd, const struct stat *is,
	const struct tar_entry *en, struct err *e)
{
	bool has_owner = is->st_uid == en->uid && is->st_gid == en->gid;
	if (!has_owner && set_owner(w, fd, "", en, e) < 0)
		return -e->code;
	if ((!has_owner || (is->st_mode & 07777) != en->mode) && fchmod(fd, en->mode) < 0)
		return err_sys(e, "cannot set the mode of %s", en->path);
	return set_xattrs(w, fd, en, e);
}

/* Of what has just been made by its name and has no mode of its own. */
static int set_link_owner(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	if (en->uid == w->uid && en->gid == w->gid && !w->parent_gives_group)
		return 0;
	return set_owner(w, p->at, p->last, en, e);
}

/* ---- kinds ---- */

static int write_piece(int fd, const unsigned char *p, size_t n, uint64_t offset,
	const struct tar_entry *en, struct err *e)
{
	while (n > 0) {
		ssize_t k = pwrite(fd, p, n, (off_t)offset);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_sys(e, "cannot write %s", en->path);
		p += k;
		n -= (size_t)k;
		offset += (uint64_t)k;
	}
	return 0;
}

/* The pieces of a sparse file as a position: where the next stored byte goes and for how long. */
struct extent_cursor {
	const struct tar_entry *en;
	size_t i;
	uint64_t done;
};

static void cursor_at(struct extent_cursor *c, uint64_t *offset, uint64_t *room)
{
	const struct tar_entry *en = c->en;
	if (!en->is_sparse) {
		*offset = c->done;
		*room = en->stored - c->done;
		return;
	}
	while (c->done == en->extents[c->i].len) {
		c->i++;
		c->done = 0;
	}
	*offset = en->extents[c->i].offset + c->done;
	*room = en->extents[c->i].len - c->done;
}

/* A file of another layer that the content is compared with. fd -1 = there is none, or it is
 * another one after all. */
struct twin {
	int fd;
	uint32_t layer;
	uint64_t same; /* bytes */
};

static bool is_same(struct twin *twin, const unsigned char *p, size_t n)
{
	unsigned char there[128 * 1024];
	for (size_t done = 0; done < n;) {
		size_t k = n - done < sizeof(there) ? n - done : sizeof(there);
		ssize_t got = pread(twin->fd, there, k, (off_t)(twin->same + done));
		if (got <= 0 || memcmp(there, p + done, (size_t)got) != 0)
			return false;
		done += (size_t)got;
	}
	twin->same += n;
	return true;
}

/* They differ from here on: what has been compared so far is copied. */
static int leave_twin(struct twin *twin, int fd, const struct tar_entry *en, struct err *e)
{
	unsigned char piece[128 * 1024];
	for (uint64_t at = 0; at < twin->same;) {
		uint64_t left = twin->same - at;
		ssize_t n = pread(twin->fd, piece,
			left < sizeof(piece) ? (size_t)left : sizeof(piece), (off_t)at);
		if (n <= 0)
			return err_sysn(
				e, n < 0 ? errno : EIO, "cannot read the copy of %s", en->path);
		if (write_piece(fd, piece, (size_t)n, at, en, e) < 0)
			return -e->code;
		at += (uint64_t)n;
	}
	close(take_fd(twin->fd));
	return 0;
}

static int write_content(int fd, struct twin *twin, struct tar_reader *t,
	const struct tar_entry *en, uint64_t *crc, struct err *e)
{
	struct extent_cursor c = {.en = en};
	const unsigned char *p;
	ssize_t n;
	while ((n = tar_data(t, &p, e)) > 0) {
		*crc = tarsplit_crc(*crc, p, (size_t)n);
		if (twin->fd >= 0 && is_same(twin, p, (size_t)n)) {
			c.done += (uint64_t)n;
			continue;
		}
		if (twin->fd >= 0 && leave_twin(twin, fd, en, e) < 0)
			return -e->code;
		while (n > 0) {
			uint64_t offset, room;
			cursor_at(&c, &offset, &room);
			size_t k = (uint64_t)n < room ? (size_t)n : (size_t)room;
			if (write_piece(fd, p, k, offset, en, e) < 0)
				return -e->code;
			c.done += k;
			p += k;
			n -= (ssize_t)k;
		}
	}
	if (n < 0)
		return (int)n;
	if (en->is_sparse && ftruncate(fd, (off_t)en->size) < 0)
		return err_sys(e, "cannot write %s", en->path);
	return 0;
}

/* Metadata; and a file that is its twin's equal stays empty (storage/share.h). */
static int finish_regular(struct layer_writer *w, const struct place *p, int fd,
	const struct stat *st, struct twin *twin, const struct tar_entry *en, struct err *e)
{
	if (set_metadata(w, fd, st, en, e) < 0)
		return -e->code;
	if (twin->fd >= 0 && !share_defer(w->share, w->diff_fd, p->path, st, twin->layer) &&
		leave_twin(twin, fd, en, e) < 0)
		return -e->code;
	share_note(w->share, p->path, en, st->st_ino);
	if (set_times(fd, NULL, en, e) < 0)
		return -e->code;
	/* Begun now, write-back is nearly done when the layer is complete. */
	if (twin->fd < 0 && en->stored >= WRITE_BACK_MIN)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

/* Nearly always nothing stands at the name: looking first would cost a call for each file. */
static int create_regular(
	struct layer_writer *w, struct place *p, const struct tar_entry *en, struct err *e)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(p->at, p->last, flags, en->mode & 0777);
	if (fd < 0 && errno == EEXIST) {
		int r = layer_make_room(w, p, en, e);
		if (r < 0)
			return r;
		fd = openat(p->at, p->last, flags, en->mode & 0777);
	}
	return fd < 0 ? err_sys(e, "cannot create %s", en->path) : fd;
}

static int write_regular(struct layer_writer *w, struct place *p, struct tar_reader *t,
	const struct tar_entry *en, struct tarsplit_writer *ts, struct err *e)
{
	struct stat st;
	uint64_t crc = 0;
	struct twin twin = {.fd = -1};
	auto_fd fd = create_regular(w, p, en, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at %s", en->path);
	if (en->size > (uint64_t)INT64_MAX - (uint64_t)w->size)
		return err_set(e, EFBIG, "%s is too large", en->path);
	w->size += (int64_t)en->size;
	twin.fd = share_find(w->share, p->path, en, &twin.layer);
	int r = write_content(fd, &twin, t, en, &crc, e);
	if (r == 0)
		r = finish_regular(w, p, fd, &st, &twin, en, e);
	scope_close(&twin.fd);
	return r < 0 || en->stored == 0 ? r : tarsplit_file(ts, en, p->path, st.st_ino, crc, e);
}

/* As Docker does, the link's own header has the last word on what both names show. */
static int set_link_metadata(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	struct stat st;
	if (fstatat(p->at, p->last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot look at %s", en->path);
	if (S_ISLNK(st.st_mode))
		return set_owner(w, p->at, p->last, en, e);
	if (!S_ISREG(st.st_mode))
		return 0;
	auto_fd fd = openat(p->at, p->last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s", en->path);
	if (set_metadata(w, fd, &st, en, e) < 0)
		return -e->code;
	return set_times(fd, NULL, en, e);
}

/* Layers are unpacked side by side, each by itself: a link into another one leads nowhere. */
static int link_failed(const struct tar_entry *en, int code, struct err *e)
{
	if (code == ENOENT)
		return err_set(e, EBADMSG,
			"invalid hardlink %s -> %s: its target is not in the layer", en->path,
			en->link);
	return err_sysn(e, code, "cannot link %s to %s", en->path, en->link);
}

static int write_hard_link(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	auto_free char *target = layer_clean_name(en->link);
	const char *last;
	if (!target)
		return err_set(e, EBADMSG, "invalid hardlink %s -> %s: breaks out of the layer",
			en->path, en->link);
	auto_fd at = path_open_parent_in(w->diff_fd, target, 0, &last);
	if (at < 0)
		return link_failed(en, -at, e);
	struct stat st;
	if (fstatat(at, last, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		share_settle(w->share, at, last, st.st_ino, e) < 0)
		return -e->code;
	if (linkat(at, last, p->at, p->last, 0) < 0)
		return link_failed(en, errno, e);
	return set_link_metadata(w, p, en, e);
}

static int write_symlink(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	if (symlinkat(en->link, p->at, p->last) < 0)
		return err_sys(e, "cannot create link %s", en->path);
	if (en->n_xattrs > 0)
		w->warned |= WARN_XATTR;
	if (set_link_owner(w, p, en, e) < 0)
		return -e->code;
	return set_times(p->at, p->last, en, e);
}

static int write_fifo(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	if (mknodat(p->at, p->last, S_IFIFO | 0600, 0) < 0)
		return err_sys(e, "cannot create %s", en->path);
	if (en->n_xattrs > 0)
		w->warned |= WARN_XATTR;
	if (set_owner(w, p->at, p->last, en, e) < 0)
		return -e->code;
	if (fchmodat(p->at, p->last, en->mode, 0) < 0)
		return err_sys(e, "cannot set the mode of %s", en->path);
	return set_times(p->at, p->last, en, e);
}

static int write_folder(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	if (*p->path && mkdirat(p->at, p->last, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create %s", en->path);
	auto_fd fd = openat(p->at, p->last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s", en->path);
	if (p->was_whiteout && fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) < 0)
		return err_sys(e, "cannot make %s opaque", en->path);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at %s", en->path);
	if (set_metadata(w, fd, &st, en, e) < 0)
		return -e->code;
	return layer_folder_add(w, p->path, entry_time(en), e);
}

/* ---- whiteouts ---- */

static int write_opaque(struct place *p, struct err *e)
{
	auto_fd fd = openat(p->at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) < 0)
		return err_sys(e, "cannot make the folder of %s opaque", p->path);
	return 0;
}

static int write_whiteout(struct place *p, struct err *e)
{
	const char *name = p->last + strlen(".wh.");
	if (!strcmp(p->last, ".wh..wh..opq"))
		return write_opaque(p, e);
	if (str_starts(name, ".wh."))
		return 0; /* of AUFS itself */
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return err_set(e, EBADMSG, "invalid whiteout %s", p->path);
	/* A whiteout is about the layers below: what this layer has at the name stays. */
	if (mknodat(p->at, name, S_IFCHR | 0, makedev(0, 0)) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create whiteout %s", p->path);
	return 0;
}

/* ---- entries ---- */

/* Content that is not in diff/ stays in tar-split. */
static int keep_content(struct tar_reader *t, struct tarsplit_writer *ts, struct err *e)
{
	const unsigned char *p;
	ssize_t n;
	while ((n = tar_data(t, &p, e)) > 0)
		if (tarsplit_raw(ts, p, (size_t)n, e) < 0)
			return -e->code;
	return (int)n;
}

static int write_kind(struct layer_writer *w, struct place *p, struct tar_reader *t,
	const struct tar_entry *en, struct tarsplit_writer *ts, struct err *e)
{
	if (en->type != '0' && layer_make_room(w, p, en, e) < 0)
		return -e->code;
	switch (en->type) {
	case '0':
		return write_regular(w, p, t, en, ts, e);
	case '1':
		return write_hard_link(w, p, en, e);
	case '2':
		return write_symlink(w, p, en, e);
	case '3':
	case '4':
		w->warned |= WARN_DEVICE;
		return 0;
	case '5':
		return write_folder(w, p, en, e);
	case '6':
		return write_fifo(w, p, en, e);
	default:
		return err_set(e, EBADMSG, "unhandled tar header type %d (%s)", en->type, en->path);
	}
}

int layer_write(struct layer_writer *w, struct tar_reader *t, const struct tar_entry *en,
	struct tarsplit_writer *ts, struct err *e)
{
	struct place p = {.at = -1};
	if (++w->entries > LAYER_ENTRIES_MAX)
		return err_set(
			e, EFBIG, "layer has more than %d entries: refused", LAYER_ENTRIES_MAX);
	int r = layer_place_find(w, en->path, &p, e);
	if (r == 0 && str_starts(p.last, ".wh."))
		r = write_whiteout(&p, e);
	else if (r == 0 && !*p.path && en->type != '5')
		r = err_set(e, EBADMSG, "the layer's root is not a folder");
	else if (r == 0)
		r = write_kind(w, &p, t, en, ts, e);
	free(p.path);
	return r < 0 ? r : keep_content(t, ts, e);
}
