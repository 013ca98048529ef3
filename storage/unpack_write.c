#include "storage/unpack_write_internal.h"
#include "storage/share.h"
#include "base/err.h"
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

/* ---- kinds ---- */

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
	return layer_set_link_metadata(w, p, en, e);
}

static int write_symlink(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	if (symlinkat(en->link, p->at, p->last) < 0)
		return err_sys(e, "cannot create link %s", en->path);
	if (en->n_xattrs > 0)
		w->warned |= WARN_XATTR;
	if (layer_set_link_owner(w, p, en, e) < 0)
		return -e->code;
	return layer_set_times(p->at, p->last, en, e);
}

static int write_fifo(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	if (mknodat(p->at, p->last, S_IFIFO | 0600, 0) < 0)
		return err_sys(e, "cannot create %s", en->path);
	if (en->n_xattrs > 0)
		w->warned |= WARN_XATTR;
	if (layer_set_owner(w, p->at, p->last, en, e) < 0)
		return -e->code;
	if (fchmodat(p->at, p->last, en->mode, 0) < 0)
		return err_sys(e, "cannot set the mode of %s", en->path);
	return layer_set_times(p->at, p->last, en, e);
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
	if (layer_set_metadata(w, fd, &st, en, e) < 0)
		return -e->code;
	return layer_folder_add(w, p->path, layer_entry_time(en), e);
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
		return layer_write_regular(w, p, t, en, ts, e);
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
