/* recover: what every command does first: the dead's staging folders, containers that never got
 * their record, removals that were begun. Nothing here is reported as an error: a command must
 * work on a full or read-only disk as far as it can, and the next one tries again. */
#include "storage/store.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/intent.h"
#include "storage/keep.h"
#include "storage/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KILL_WAIT_MS = 10000, TRASH_AGE_S = 5 };

/* Is the lock of that file held? A missing file is held by nobody. */
static bool is_locked(int dir_fd, const char *name)
{
	auto_fd fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno != ENOENT;
	return lock_is_held(fd) != 0;
}

static void drop_staging(struct store *s, int tmp, const char *nonce)
{
	struct err e = {0};
	auto_free char *lock = xasprintf("%s.lock", nonce);
	auto_free char *relative = xasprintf("tmp/%s", nonce);
	if (is_locked(tmp, lock))
		return;
	if (intent_settle(s, nonce, &e) == 0 && store_trash(s, relative, &e) == 0)
		(void)unlinkat(tmp, lock, 0);
}

static bool has_volumes(struct store *s, const char *id)
{
	auto_free char *note = xasprintf("containers/%s/volumes", id);
	return faccessat(s->root_fd, note, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The marker's file is containers/<id>/alive: its lock is held by the front, then the monitor. One
 * with nameless volumes is only listed: they go first. */
static void drop_container(struct store *s, int tmp, const char *marker, struct strv *with_volumes)
{
	struct err e = {0};
	if (is_locked(tmp, marker))
		return;
	auto_free char *id = xstrndup(marker, strlen(marker) - strlen(".alive"));
	struct container_row row = {0};
	int r = container_row_find(s->db, id, &row, &e);
	bool is_ours = r == ROW_OK && !strcmp(row.id, id);
	container_row_deinit(&row);
	if (r < 0)
		return;
	auto_free char *relative = xasprintf("containers/%s", id);
	if (!is_ours && has_volumes(s, id)) {
		strv_add(with_volumes, id);
		return;
	}
	if (!is_ours) {
		/* Nobody recorded it, so nobody else will look for its sockets (engine/monitor.h).
		 */
		auto_free char *sockets = xasprintf("c/%.12s", id);
		(void)path_remove_at(s->runroot_fd, sockets, &e);
	}
	if (is_ours || store_trash(s, relative, &e) == 0)
		(void)unlinkat(tmp, marker, 0);
}

static void sweep_tmp(struct store *s, struct strv *with_volumes)
{
	auto_fd tmp = openat(s->root_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int copy = tmp < 0 ? -1 : openat(tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return;
	bool is_mine = false;
	const struct dirent *d;
	while ((d = readdir(dir))) {
		const char *name = d->d_name;
		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		/* Someone is just making an entry: the next command will sweep. */
		if (!is_mine && flock(tmp, LOCK_EX | LOCK_NB) < 0)
			return;
		is_mine = true;
		struct stat st;
		if (str_ends(name, ".alive"))
			drop_container(s, tmp, name, with_volumes);
		else if (str_ends(name, ".lock")) {
			auto_free char *nonce = xstrndup(name, strlen(name) - strlen(".lock"));
			if (fstatat(tmp, nonce, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
				!is_locked(tmp, name))
				(void)unlinkat(tmp, name, 0);
		} else
			drop_staging(s, tmp, name);
	}
}

static void finish_kept(struct store *s, const struct container_row *row)
{
	struct err e = {0};
	if (db_begin(s->db, DB_NORMAL, &e) < 0)
		return;
	if (keep_container(s, row, &e) == ROW_OK)
		(void)db_commit(s->db, &e);
	else
		db_rollback(s->db);
	s->kept = 0; /* another command's */
}

/* A removal whose command died after the mark: what lives is killed, the files go, then the row. */
static void finish_removal(struct store *s, const struct container_row *row)
{
	struct err e = {0};
	auto_free char *relative = xasprintf("containers/%s", row->id);
	auto_free char *alive = xasprintf("%s/alive", relative);
	if (is_locked(s->root_fd, alive))
		return;
	if (row->init.pid > 0 && row->boot_id && !strcmp(row->boot_id, proc_boot_id())) {
		auto_fd pidfd = proc_open(&row->init);
		if (pidfd >= 0 && proc_kill_wait(pidfd, KILL_WAIT_MS) < 0)
			return;
	}
	/* Whether it was to be kept is not known any more: what is kept can still be freed. */
	if (!row->auto_remove)
		finish_kept(s, row);
	else if (store_trash(s, relative, &e) == 0)
		(void)container_row_delete(s->db, row->id, &e);
}

static void sweep_removals(struct store *s)
{
	struct err e = {0};
	char **ids = NULL;
	size_t n = 0;
	if (container_row_list_removing(s->db, &ids, &n, &e) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct container_row row = {0};
		if (container_row_find(s->db, ids[i], &row, &e) == ROW_OK) {
			if (!strcmp(row.state, "removing"))
				finish_removal(s, &row);
			container_row_deinit(&row);
		}
		free(ids[i]);
	}
	free(ids);
}

/* Does any container run? What could not be found out counts as one. */
static bool has_live(struct store *s)
{
	struct err e = {0};
	char **ids = NULL;
	size_t n = 0;
	int r = container_row_list_live(s->db, &ids, &n, &e);
	for (size_t i = 0; r >= 0 && i < n; i++)
		free(ids[i]);
	free(ids);
	return r < 0 || n > 0;
}

/* What was renamed just now is being removed by whoever did it; what is held waits for containers
 * to end. */
static bool has_old_entries(struct store *s, const char *folder)
{
	bool has_held = false;
	int fd = openat(s->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return false;
	const struct dirent *d;
	while ((d = readdir(dir))) {
		struct stat st;
		if (str_starts(d->d_name, STORE_HELD)) {
			has_held = true;
			continue;
		}
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..") &&
			fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_ctim.tv_sec + TRASH_AGE_S < time(NULL))
			return true;
	}
	return has_held && !has_live(s);
}

/* Deleting a volume needs a staging folder of its own, and so not the sweeper's hold on tmp. A
 * death before the list goes lets the next command do it again. */
static void drop_volumes(struct store *s, const struct strv *containers)
{
	for (size_t i = 0; i < containers->n; i++) {
		auto_free char *note = xasprintf("containers/%s/volumes", containers->v[i]);
		volume_delete_noted(s, containers->v[i]);
		(void)unlinkat(s->root_fd, note, 0);
	}
}

void store_sweep(struct store *s)
{
	auto_strv with_volumes = STRV_INIT, unused = STRV_INIT;
	sweep_tmp(s, &with_volumes);
	if (with_volumes.n) {
		drop_volumes(s, &with_volumes);
		sweep_tmp(s, &unused);
	}
	sweep_removals(s);
	s->has_leftovers = has_old_entries(s, "trash");
	keep_expire(s);
}
