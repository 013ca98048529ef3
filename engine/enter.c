#include "engine/enter.h"
#include "engine/share.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/userns.h"
#include "storage/db/container_row.h"
#include "storage/shells.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_creation_lock(struct store *s, struct err *e)
{
	int fd = openat(s->root_fd, "locks/userns", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOENT) {
		(void)mkdirat(s->root_fd, "locks", 0700);
		fd = openat(s->root_fd, "locks/userns", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	return fd < 0 ? err_sys(e, "cannot open %s/locks/userns", s->root) : fd;
}

int enter_candidates(struct store *s, struct proc_id **ids, size_t *n, struct err *e)
{
	*ids = NULL;
	*n = 0;
	int r = container_row_monitors(s->db, ids, n, e);
	if (r < 0)
		return r;
	shells_list(s->root, ids, n);
	return 0;
}

/* Is one of them alive and what it was? A dead one costs two system calls. */
static bool any_alive(const struct proc_id *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_fd pidfd = proc_open(&ids[i]);
		if (pidfd >= 0 && proc_ns_inode(ids[i].pid, "user") == ids[i].ns_ino)
			return true;
	}
	return false;
}

/* The candidates; without a live one also the creation lock, and then the candidates once more:
 * whoever held the lock before us may have made one. *lock is -1 where there is a live one. */
static int candidates_load(
	struct store *s, struct proc_id **ids, size_t *n, int *lock, struct err *e)
{
	*lock = -1;
	int r = enter_candidates(s, ids, n, e);
	if (r < 0 || any_alive(*ids, *n))
		return r < 0 ? r : 0;
	auto_fd fd = open_creation_lock(s, e);
	if (fd < 0)
		return fd;
	r = lock_take(fd, true);
	if (r < 0)
		return err_sysn(e, -r, "cannot lock %s/locks/userns", s->root);
	free(*ids);
	r = enter_candidates(s, ids, n, e);
	if (r < 0)
		return r;
	if (!any_alive(*ids, *n))
		*lock = take_fd(fd);
	return 0;
}

int enter_spawn_beside(struct store *s, const struct proc_id *peer, const struct spawn *sp,
	struct entered *out, struct err *e)
{
	auto_free struct proc_id *ids = NULL;
	size_t n;
	auto_fd lock = -1;
	bool was_made, has_peer = peer && peer->pid > 0 && any_alive(peer, 1);
	*out = (struct entered){.pid = -1, .pidfd = -1, .creation_lock = -1};
	int r = has_peer ? 0 : candidates_load(s, &ids, &n, &lock, e);
	if (r < 0)
		return r;
	const struct userns_candidates c = {has_peer ? peer : ids, has_peer ? 1 : n};
	r = userns_spawn(&c, sp, &out->pid, &out->pidfd, &out->userns_ino, &was_made, e);
	if (r < 0)
		return r;
	out->id = (struct proc_id){out->pid, proc_start_time(out->pid), out->userns_ino};
	if (was_made)
		out->creation_lock = take_fd(lock);
	return 0;
}

int enter_spawn(struct store *s, const struct spawn *sp, struct entered *out, struct err *e)
{
	return enter_spawn_beside(s, NULL, sp, out, e);
}

int enter_call(struct store *s, int (*fn)(void *arg, struct err *e), void *arg, struct err *e)
{
	/* A namespace made for one call is gone with it, and nobody else can join it: no lock. */
	auto_free struct proc_id *ids = NULL;
	size_t n = 0;
	int r = enter_candidates(s, &ids, &n, e);
	if (r < 0)
		return r;
	const struct userns_candidates c = {ids, n};
	return userns_call(&c, fn, arg, e);
}

struct removal {
	const char *parent, *name;
	int64_t *freed;
};

static int remove_inside(void *arg, struct err *e)
{
	const struct removal *rm = arg;
	auto_fd dir = open(rm->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open %s", rm->parent);
	return path_free_at(dir, rm->name, rm->freed, e);
}

int enter_remove_tree(struct store *s, const char *parent, const char *name, struct err *e)
{
	struct removal rm = {parent, name, s->freed};
	struct err first = {0};
	int r = remove_inside(&rm, &first);
	if (r != -EACCES && r != -EPERM) {
		if (r < 0)
			*e = first;
		return r;
	}
	return enter_call(s, remove_inside, &rm, e);
}

int enter_remove(struct store *s, const char *parent, const char *name, struct err *e)
{
	auto_free char *trash = store_path(s, "trash");
	if (!strcmp(parent, trash) && share_is_shared(s, name))
		return share_remove(s, name, e);
	if (!strcmp(parent, trash) && share_is_join(s, name))
		return share_settle_join(s, name, e);
	return enter_remove_tree(s, parent, name, e);
}
