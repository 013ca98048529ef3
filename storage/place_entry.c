#include "storage/place.h"
#include "base/err.h"
#include "base/io.h"
#include "base/output.h"
#include "base/path.h"
#include "base/scope.h"
#include "storage/copy_data.h"
#include "storage/place_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- attributes ---- */

static uid_t owner_of(uint64_t id) { return id > UINT32_MAX - 1 ? 0 : (uid_t)id; }

static void wanted_owner(const struct placer *p, const struct tar_entry *en, uid_t *u, gid_t *g)
{
	*u = p->flags & PLACE_ONE_OWNER ? p->uid : owner_of(en->uid);
	*g = p->flags & PLACE_ONE_OWNER ? p->gid : (gid_t)owner_of(en->gid);
}

/* fd: of the file, or of its folder with `last`. */
static int set_owner(struct placer *p, const struct spot *s, int fd, const char *last,
	const struct tar_entry *en, struct err *e)
{
	uid_t uid;
	gid_t gid;
	int flags = *last ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
	if (!(p->flags & PLACE_OWNERS))
		return 0;
	wanted_owner(p, en, &uid, &gid);
	if (fchownat(fd, last, uid, gid, flags) == 0)
		return 0;
	/* No such id in this user namespace: it is the container's root's. */
	if (errno == EINVAL && fchownat(fd, last, 0, 0, flags) == 0)
		return 0;
	return err_go(e, errno, "lchown %s", s->shown);
}

static bool wants_xattr(const struct placer *p, const char *name)
{
	if (str_starts(name, "user.overlay.") || str_starts(name, "user.fuseoverlayfs."))
		return false;
	return str_starts(name, "user.") || !(p->flags & PLACE_BENEATH);
}

static void set_xattrs(struct placer *p, int fd, const struct tar_entry *en)
{
	for (size_t i = 0; i < en->n_xattrs; i++) {
		const struct tar_xattr *x = &en->xattrs[i];
		/* As unpacking does: what this file system or namespace refuses is left out. */
		if (wants_xattr(p, x->name) && fsetxattr(fd, x->name, x->value, x->len, 0) < 0)
			log_debug("extended attribute %s not set: %s", x->name, strerror(errno));
	}
}

int place_attributes(
	struct placer *p, const struct spot *s, int fd, const struct tar_entry *en, struct err *e)
{
	int r = set_owner(p, s, fd, "", en, e);
	if (r == 0)
		set_xattrs(p, fd, en);
	return r;
}

static void times_of(const struct tar_entry *en, struct timespec t[2])
{
	t[0] = t[1] = (struct timespec){.tv_sec = en->mtime_s, .tv_nsec = en->mtime_ns};
}

/* ---- regular files ---- */

static int write_stream(
	int fd, const struct tar_entry *en, const struct place_content *c, struct err *e)
{
	const struct tar_extent whole = {0, en->stored};
	const struct tar_extent *piece = en->is_sparse ? en->extents : &whole;
	size_t left_pieces = en->is_sparse ? en->n_extents : 1;
	uint64_t done = 0;
	const unsigned char *p;
	ssize_t n;
	while ((n = c->next(c->arg, &p, e)) > 0) {
		while (n > 0) {
			while (left_pieces && done == piece->len) {
				piece++;
				left_pieces--;
				done = 0;
			}
			if (!left_pieces)
				return err_set(e, EBADMSG, "too much content");
			uint64_t room = piece->len - done;
			size_t k = (uint64_t)n < room ? (size_t)n : (size_t)room;
			ssize_t w = pwrite(fd, p, k, (off_t)(piece->offset + done));
			if (w < 0 && errno == EINTR)
				continue;
			if (w < 0)
				return err_go(e, errno, "write");
			p += w;
			n -= w;
			done += (uint64_t)w;
		}
	}
	if (n < 0)
		return (int)n;
	return ftruncate(fd, (off_t)en->size) < 0 ? err_go(e, errno, "truncate") : 0;
}

static int fill(int fd, const struct tar_entry *en, const struct place_content *c, struct err *e)
{
	struct stat st;
	if (c->fd < 0)
		return c->next ? write_stream(fd, en, c, e) : 0;
	/* A file of fuse-overlayfs may be read here, but not looked at: its server only answers
	 * those in its user namespace. What the sender saw of it has to do. */
	if (fstat(c->fd, &st) < 0 && errno == EACCES)
		return copy_data(c->fd, fd, (off_t)en->size, e);
	if (fstat(c->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "its content is no regular file");
	return copy_data(c->fd, fd, st.st_size, e);
}

/* A file while it is written: with no name until the end (the user's files, where the file system
 * has that), else under its own, or where something is replaced under another. */
struct new_file {
	int fd;
	bool has_no_name;
	char temporary[64]; /* "" = its own */
};

static void new_file_deinit(struct new_file *f) { scope_close(&f->fd); }
#define auto_new_file __attribute__((cleanup(new_file_deinit))) struct new_file

static void next_name(struct new_file *f)
{
	unsigned char bytes[8];
	char hex[2 * sizeof(bytes) + 1];
	random_bytes(bytes, sizeof(bytes));
	hex_encode(hex, bytes, sizeof(bytes));
	snprintf(f->temporary, sizeof(f->temporary), ".moss-cp.%s", hex);
}

/* The temporary name goes should this process be killed. */
static int watch(struct placer *p, const struct spot *s, const struct new_file *f, struct err *e)
{
	if (!p->guard && p->flags & PLACE_BENEATH) {
		if (guard_start_idle(&p->own_guard, -1, NULL, e) < 0)
			return -e->code;
		p->guard = &p->own_guard;
	}
	return p->guard ? guard_watch(p->guard, s->at, f->temporary, e) : 0;
}

static void forget(struct placer *p)
{
	if (p->guard)
		guard_forget(p->guard);
}

/* In a container's root there is no /proc to give a name with. */
static int create(struct placer *p, const struct spot *s, struct new_file *f, struct err *e)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	if (p->flags & PLACE_BENEATH) {
		f->fd = openat(s->at, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		f->has_no_name = f->fd >= 0;
		if (f->has_no_name)
			return 0;
	}
	if (s->exists) {
		next_name(f);
		if (watch(p, s, f, e) < 0)
			return -e->code;
	}
	f->fd = openat(s->at, s->exists ? f->temporary : s->last, flags, 0600);
	return f->fd < 0 ? err_go(e, errno, "open %s", s->shown) : 0;
}

static int put_in_place(struct placer *p, const struct spot *s, struct new_file *f, struct err *e)
{
	int r = 0;
	if (f->has_no_name) {
		next_name(f);
		if (s->exists && watch(p, s, f, e) < 0)
			return -e->code;
		r = output_name(f->fd, s->at, s->last, f->temporary);
	} else if (*f->temporary && renameat(s->at, f->temporary, s->at, s->last) < 0) {
		r = -errno;
	}
	return r < 0 ? err_go(e, -r, "unlinkat %s", s->shown) : 0;
}

static int finish_regular(struct placer *p, const struct spot *s, int fd,
	const struct tar_entry *en, const struct place_content *c, struct err *e)
{
	struct timespec times[2];
	int r = fill(fd, en, c, e);
	if (r < 0)
		return err_ctx(e, "%s", s->shown);
	times_of(en, times);
	/* The owner first: chown takes set-id bits and capabilities away. */
	if ((r = set_owner(p, s, fd, "", en, e)) < 0)
		return r;
	if (fchmod(fd, en->mode & 07777) < 0)
		return err_go(e, errno, "chmod %s", s->shown);
	set_xattrs(p, fd, en);
	return futimens(fd, times) < 0 ? err_go(e, errno, "chtimes %s", s->shown) : 0;
}

int place_regular(struct placer *p, const struct spot *s, const struct tar_entry *en,
	const struct place_content *c, struct err *e)
{
	auto_new_file f = {.fd = -1};
	int r;
	if (s->exists && S_ISDIR(s->st.st_mode)) { /* PLACE_OVERWRITE */
		struct spot free_spot = *s;
		if ((r = place_make_room(s, e)) < 0)
			return r;
		free_spot.exists = false;
		return place_regular(p, &free_spot, en, c, e);
	}
	r = create(p, s, &f, e);
	if (r == 0)
		r = finish_regular(p, s, f.fd, en, c, e);
	if (r == 0)
		r = put_in_place(p, s, &f, e);
	if (r < 0 && f.fd >= 0 && !f.has_no_name)
		(void)unlinkat(s->at, *f.temporary ? f.temporary : s->last, 0);
	forget(p);
	return r;
}

/* ---- others ---- */

static int place_hard_link(
	struct placer *p, const struct spot *s, const struct tar_entry *en, struct err *e)
{
	const char *link = en->link;
	while (*link == '/')
		link++;
	auto_free char *target = path_clean(*link ? link : ".");
	auto_free char *above = path_dir(target);
	if (!strcmp(target, "..") || str_starts(target, "../"))
		return err_set(e, EINVAL, "invalid hardlink \"%s\" -> \"%s\"", s->shown, en->link);
	auto_fd at = place_open_folder(p, above);
	if (at < 0)
		return err_go(e, -at, "link %s %s", en->link, s->shown);
	if (linkat(at, path_base(target), s->at, s->last, 0) < 0)
		return err_go(e, errno, "link %s %s", en->link, s->shown);
	return 0;
}

/* Docker's rule, word for word: where a relative target leads, by its letters, counts. */
static bool leads_out(const struct placer *p, const struct spot *s, const char *link)
{
	auto_free char *above = path_dir(s->shown);
	auto_free char *joined = path_join(above, link);
	auto_free char *target = path_clean(joined);
	auto_free char *dest = path_clean(p->shown);
	size_t n = strlen(dest);
	if (!strcmp(dest, "/"))
		return false;
	return strncmp(target, dest, n) != 0 || (target[n] && target[n] != '/');
}

static int place_symlink(
	struct placer *p, const struct spot *s, const struct tar_entry *en, struct err *e)
{
	struct timespec times[2];
	if (!*en->link || leads_out(p, s, en->link))
		return err_set(e, EINVAL, "invalid symlink \"%s\" -> \"%s\"", s->shown, en->link);
	if (symlinkat(en->link, s->at, s->last) < 0)
		return err_go(e, errno, "symlink %s %s", en->link, s->shown);
	int r = set_owner(p, s, s->at, s->last, en, e);
	times_of(en, times);
	(void)utimensat(s->at, s->last, times, AT_SYMLINK_NOFOLLOW);
	return r;
}

static int place_special(
	struct placer *p, const struct spot *s, const struct tar_entry *en, struct err *e)
{
	struct timespec times[2];
	mode_t kind = en->type == '6' ? S_IFIFO : en->type == '3' ? S_IFCHR : S_IFBLK;
	dev_t dev = kind == S_IFIFO ? 0 : makedev(en->dev_major, en->dev_minor);
	if (mknodat(s->at, s->last, kind | (en->mode & 07777), dev) < 0) {
		if (errno == EPERM && kind != S_IFIFO) {
			p->devices_left_out++;
			return 0;
		}
		return err_go(e, errno, "mknod %s", s->shown);
	}
	int r = set_owner(p, s, s->at, s->last, en, e);
	times_of(en, times);
	(void)utimensat(s->at, s->last, times, AT_SYMLINK_NOFOLLOW);
	return r;
}

int place_other(struct placer *p, const struct spot *s, const struct tar_entry *en, struct err *e)
{
	switch (en->type) {
	case '1':
		return place_hard_link(p, s, en, e);
	case '2':
		return place_symlink(p, s, en, e);
	case '3':
	case '4':
	case '6':
		return place_special(p, s, en, e);
	default:
		return err_set(e, EBADMSG, "unhandled tar header type %d", en->type);
	}
}
