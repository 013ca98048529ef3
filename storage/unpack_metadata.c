/* The layer writer: owner, mode, times and attributes of an entry. */
#include "storage/unpack_write_internal.h"
#include "base/err.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int layer_set_owner(
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

struct timespec layer_entry_time(const struct tar_entry *en)
{
	return (struct timespec){.tv_sec = en->mtime_s, .tv_nsec = en->mtime_ns};
}

/* Times that the file system cannot hold are moved to what it can by the kernel. */
int layer_set_times(int at, const char *name, const struct tar_entry *en, struct err *e)
{
	struct timespec ts[2] = {layer_entry_time(en), layer_entry_time(en)};
	int r = name ? utimensat(at, name, ts, AT_SYMLINK_NOFOLLOW) : futimens(at, ts);
	return r < 0 ? err_sys(e, "cannot set the time of %s", en->path) : 0;
}

/* Most need neither call. The order matters: chown takes set-id bits and capabilities away. */
int layer_set_metadata(struct layer_writer *w, int fd, const struct stat *is,
	const struct tar_entry *en, struct err *e)
{
	bool has_owner = is->st_uid == en->uid && is->st_gid == en->gid;
	if (!has_owner && layer_set_owner(w, fd, "", en, e) < 0)
		return -e->code;
	if ((!has_owner || (is->st_mode & 07777) != en->mode) && fchmod(fd, en->mode) < 0)
		return err_sys(e, "cannot set the mode of %s", en->path);
	return set_xattrs(w, fd, en, e);
}

int layer_set_link_owner(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	if (en->uid == w->uid && en->gid == w->gid && !w->parent_gives_group)
		return 0;
	return layer_set_owner(w, p->at, p->last, en, e);
}

int layer_set_link_metadata(
	struct layer_writer *w, const struct place *p, const struct tar_entry *en, struct err *e)
{
	struct stat st;
	if (fstatat(p->at, p->last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot look at %s", en->path);
	if (S_ISLNK(st.st_mode))
		return layer_set_owner(w, p->at, p->last, en, e);
	if (!S_ISREG(st.st_mode))
		return 0;
	auto_fd fd = openat(p->at, p->last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s", en->path);
	if (layer_set_metadata(w, fd, &st, en, e) < 0)
		return -e->code;
	return layer_set_times(fd, NULL, en, e);
}
