#include "storage/upper.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/layer_row.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARKER_MAX = 256, CONFIG_BYTES_MAX = 16 * 1024 * 1024 };

struct marker {
	char short_id[64];
	unsigned long long inode;
	unsigned mode;
};

static char *upper_path(const char *id) { return xasprintf("containers/%s/upper", id); }

static int look(struct store *s, const char *path, struct stat *st, struct err *e)
{
	if (fstatat(s->root_fd, path, st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot look at %s/%s", s->root, path);
	return 0;
}

int upper_is_movable(struct store *s, const char *id, struct err *e)
{
	struct stat st;
	auto_free char *path = upper_path(id);
	int r = look(s, path, &st, e);
	return r < 0 ? r : st.st_uid == geteuid();
}

static int sync_folder(struct store *s, const char *path, struct err *e)
{
	auto_fd fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? err_sys(e, "cannot sync %s/%s", s->root, path) : 0;
}

/* A folder that its owner may not write to (an image whose "/" is 0555) cannot be given another
 * parent: it may for this moment. */
static int exchange(struct store *s, const char *a, const char *b, struct err *e)
{
	struct stat sa, sb;
	if (look(s, a, &sa, e) < 0 || look(s, b, &sb, e) < 0)
		return -e->code;
	(void)fchmodat(s->root_fd, a, (sa.st_mode & 07777) | 0700, 0);
	(void)fchmodat(s->root_fd, b, (sb.st_mode & 07777) | 0700, 0);
	int r = renameat2(s->root_fd, a, s->root_fd, b, RENAME_EXCHANGE) < 0
			? err_sys(e, "cannot exchange %s/%s and %s", s->root, a, b)
			: 0;
	(void)fchmodat(s->root_fd, r < 0 ? a : b, sa.st_mode & 07777, 0);
	(void)fchmodat(s->root_fd, r < 0 ? b : a, sb.st_mode & 07777, 0);
	return r;
}

static int sync_both(struct store *s, const char *id, const char *short_id, struct err *e)
{
	auto_free char *container = xasprintf("containers/%s", id);
	auto_free char *layer = xasprintf("layers/%s", short_id);
	int r = sync_folder(s, container, e);
	return r < 0 ? r : sync_folder(s, layer, e);
}

int upper_exchange(struct store *s, const char *id, const char *short_id, struct err *e)
{
	struct stat st;
	auto_free char *upper = upper_path(id);
	auto_free char *diff = xasprintf("layers/%s/diff", short_id);
	auto_free char *marker = xasprintf("containers/%s/commit", id);
	if (look(s, upper, &st, e) < 0)
		return -e->code;
	auto_free char *text = xasprintf("%s %llu %o\n", short_id, (unsigned long long)st.st_ino,
		(unsigned)st.st_mode & 07777);
	if (write_file_at(s->root_fd, marker, text, strlen(text), 0600, true, e) < 0 ||
		exchange(s, upper, diff, e) < 0)
		return -e->code;
	return sync_both(s, id, short_id, e);
}

/* ---- settling ---- */

/* 1 where there is one. */
static int read_marker(struct store *s, const char *path, struct marker *m, struct err *e)
{
	auto_buf text = BUF_INIT;
	if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at %s/%s", s->root, path);
	if (read_file_at(s->root_fd, path, MARKER_MAX, &text, e) < 0)
		return -e->code;
	if (!text.data ||
		sscanf(text.data, "%63s %llu %o", m->short_id, &m->inode, &m->mode) != 3 ||
		!is_hex(m->short_id, strlen(m->short_id)))
		return err_set(e, EBADMSG, "%s/%s is damaged", s->root, path);
	return 1;
}

/* The launcher reads the chain from the bundle: it is made to say what the database says. */
static int write_chain(struct store *s, const char *id, struct err *e)
{
	auto_buf text = BUF_INIT;
	struct strv layers = STRV_INIT;
	auto_free char *path = xasprintf("containers/%s/config.json", id);
	if (container_row_layers(s->db, id, &layers.v, &layers.n, e) < 0)
		return -e->code;
	auto_free char *chain = strv_join(&layers, ",");
	strv_free(&layers);
	if (read_file_at(s->root_fd, path, CONFIG_BYTES_MAX, &text, e) < 0)
		return -e->code;
	auto_json spec = json_parse(text.data ? text.data : "", text.len, "config.json", e);
	json_t *annotations = json_object_get(spec, "annotations");
	if (!spec)
		return -e->code;
	if (!json_is_object(annotations))
		return err_set(e, EBADMSG, "%s/%s has no annotations", s->root, path);
	json_set_str(annotations, "moss.layers", chain);
	auto_free char *written = json_text(spec);
	return write_file_at(s->root_fd, path, written, strlen(written), 0600, true, e);
}

static int take_back(struct store *s, const char *id, const struct marker *m, struct err *e)
{
	struct stat st;
	auto_free char *upper = upper_path(id);
	auto_free char *diff = xasprintf("layers/%s/diff", m->short_id);
	if (look(s, upper, &st, e) < 0)
		return -e->code;
	if ((unsigned long long)st.st_ino != m->inode && exchange(s, upper, diff, e) < 0)
		return -e->code;
	/* Tidying took it away. */
	auto_free char *mark = xasprintf("%s/.dockerenv", upper);
	auto_fd fd = openat(s->root_fd, mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0755);
	if (fd >= 0)
		(void)fchmod(fd, 0755);
	if (fchmodat(s->root_fd, upper, m->mode, 0) < 0)
		return err_sys(e, "cannot set the mode of %s/%s", s->root, upper);
	return sync_both(s, id, m->short_id, e);
}

int upper_settle(struct store *s, const char *id, struct err *e)
{
	struct marker m;
	auto_free char *path = xasprintf("containers/%s/commit", id);
	int r = read_marker(s, path, &m, e);
	if (r <= 0)
		return r;
	r = layer_row_exists(s->db, m.short_id, e);
	if (r >= 0)
		r = r ? write_chain(s, id, e) : take_back(s, id, &m, e);
	if (r < 0)
		return err_ctx(e, "cannot finish a commit of container %.12s", id);
	if (unlinkat(s->root_fd, path, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s/%s", s->root, path);
	return 0;
}

int upper_settle_idle(struct store *s, const char *id, struct err *e)
{
	auto_free char *marker = xasprintf("containers/%s/commit", id);
	auto_free char *alive = xasprintf("containers/%s/alive", id);
	if (faccessat(s->root_fd, marker, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	auto_fd fd = openat(s->root_fd, alive, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : lock_take(fd, false);
	if (r == LOCK_BUSY)
		return err_set(e, EAGAIN, "container %.12s is in use", id);
	if (r < 0)
		return err_sysn(e, -r, "cannot lock %s/%s", s->root, alive);
	return upper_settle(s, id, e);
}
