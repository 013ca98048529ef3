#include "engine/share_internal.h"
#include "engine/enter.h"
#include "storage/db/layer_row.h"
#include "storage/share_link.h"
#include "storage/store.h"
#include "base/err.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int share_open_layers(struct store *s, struct err *e)
{
	int fd = openat(s->root_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s/layers", s->root) : fd;
}

int share_offer(struct store *s, json_t *job, int *layers_fd, struct err *e)
{
	auto_strv ids = STRV_INIT;
	*layers_fd = -1;
	if (layer_row_ids(s->db, &ids, e) < 0)
		return -e->code;
	if (!ids.n)
		return 0;
	if (!s->seen.n)
		strv_copy(&s->seen, &ids);
	json_set(job, "layers", json_from_strv(&ids));
	*layers_fd = share_open_layers(s, e);
	return *layers_fd < 0 ? -e->code : 0;
}

/* ---- the lock ---- */

int share_lock(struct store *s, struct err *e)
{
	auto_fd fd = openat(s->root_fd, "locks/share", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : lock_take(fd, true);
	return r < 0 ? err_sysn(e, -r, "cannot lock %s/locks/share", s->root) : take_fd(fd);
}

void share_wait(struct store *s)
{
	auto_fd fd = openat(s->root_fd, "locks/share", O_RDWR | O_CLOEXEC);
	if (fd >= 0 && lock_is_held(fd) > 0)
		(void)lock_take(fd, true);
}

/* ---- removing ---- */

struct removing {
	struct store *store;
	const char *name; /* in trash/ */
	const struct strv *busy;
	int layers_fd;
	size_t held;
};

/* Depth in folders; what lies deeper is removed as it is. */
enum { DEPTH_MAX = 256 };

static bool is_in_use(const struct removing *r, const char *path, const struct stat *st)
{
	struct stat other;
	for (size_t i = 0; i < r->busy->n; i++) {
		auto_free char *there = xasprintf("%s/diff/%s", r->busy->v[i], path);
		if (fstatat(r->layers_fd, there, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
			other.st_ino == st->st_ino && other.st_dev == st->st_dev)
			return true;
	}
	return false;
}

static bool is_dots(const char *name) { return !strcmp(name, ".") || !strcmp(name, ".."); }

/* Calls `each` for what is in the folder. */
static int walk(struct removing *r, int at, const char *name, const char *path, int depth,
	int (*each)(struct removing *r, int at, const char *name, const char *path, int depth,
		struct err *e),
	struct err *e)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, "cannot read %s", path);
	const struct dirent *d;
	while ((d = readdir(dir))) {
		if (is_dots(d->d_name))
			continue;
		auto_free char *below = *path ? path_join(path, d->d_name) : xstrdup(d->d_name);
		if (each(r, fd, d->d_name, below, depth + 1, e) < 0)
			return -e->code;
	}
	return 0;
}

/* The files of several names, but for those in use. */
static int remove_links(
	struct removing *r, int at, const char *name, const char *path, int depth, struct err *e)
{
	struct stat st;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot look at %s", path);
	if (S_ISDIR(st.st_mode))
		return depth > DEPTH_MAX ? 0 : walk(r, at, name, path, depth, remove_links, e);
	if (!S_ISREG(st.st_mode) || st.st_nlink < 2)
		return 0;
	if (is_in_use(r, path, &st)) {
		r->held++;
		return 0;
	}
	return unlinkat(at, name, 0) < 0 ? err_sys(e, "cannot remove %s", path) : 0;
}

/* Everything else. What has several names still is what is held. */
static int remove_rest(
	struct removing *r, int at, const char *name, const char *path, int depth, struct err *e)
{
	struct stat st;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot look at %s", path);
	if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		return 0;
	if (!S_ISDIR(st.st_mode) || depth > DEPTH_MAX)
		return path_remove_at(at, name, e);
	if (walk(r, at, name, path, depth, remove_rest, e) < 0)
		return -e->code;
	return unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOTEMPTY || errno == EEXIST
		       ? 0
		       : err_sys(e, "cannot remove %s", path);
}

static int links_inside(void *arg, struct err *e)
{
	struct removing *r = arg;
	auto_free char *layer = store_path(r->store, "trash/%s", r->name);
	auto_fd fd = open(layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s", layer);
	int x = walk(r, fd, "diff", "", 0, remove_links, e);
	/* Whose file this is a name of is not known. */
	if (r->busy->n && faccessat(fd, SHARE_LINK_TEMP, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r->held++;
	/* The child's memory is not ours: how it went is its result. */
	return x < 0 ? x : r->held > 0;
}

static int rest_inside(void *arg, struct err *e)
{
	struct removing *r = arg;
	auto_free char *layer = store_path(r->store, "trash/%s", r->name);
	auto_fd fd = open(layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s", layer);
	return remove_rest(r, fd, "diff", "diff", 0, e) < 0 ||
			       path_remove_at(fd, "tar-split", e) < 0
		       ? -e->code
		       : 0;
}

/* Away from what every command looks at: it is looked at again when containers end. */
int share_hold(struct store *s, const char *name, struct err *e)
{
	if (str_starts(name, STORE_HELD))
		return 0;
	auto_free char *from = xasprintf("trash/%s", name);
	auto_free char *to = xasprintf("trash/" STORE_HELD "%s", name);
	return renameat(s->root_fd, from, s->root_fd, to) < 0
		       ? err_sys(e, "cannot move %s/%s", s->root, from)
		       : 0;
}

bool share_is_shared(struct store *s, const char *name)
{
	auto_free char *mark = xasprintf("trash/%s/shared", name);
	return faccessat(s->root_fd, mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int share_remove(struct store *s, const char *name, struct err *e)
{
	auto_strv busy = STRV_INIT;
	auto_fd lock = share_lock(s, e), layers = lock < 0 ? -1 : share_open_layers(s, e);
	if (lock < 0 || layers < 0 || layer_row_in_use(s->db, &busy, e) < 0)
		return -e->code;
	struct removing r = {.store = s, .name = name, .busy = &busy, .layers_fd = layers};
	int held = enter_call(s, links_inside, &r, e);
	close(take_fd(lock));
	auto_free char *trash = store_path(s, "trash");
	if (held <= 0)
		return held < 0 ? held : enter_remove_tree(s, trash, name, e);
	int x = enter_call(s, rest_inside, &r, e);
	return x < 0 ? x : share_hold(s, name, e);
}
