/* db: opening, the writers' queue, transactions.
 *
 * WAL is a property of the file, set when it is made; opening only reads page 1. The log is not
 * copied back at every close (that costs two fsyncs a command), but it must stay short, since who
 * opens an idle database reads all of it. SQLite's own automatic checkpoint cannot do that here:
 * how far the log was copied is forgotten with the last process, so it would never be begun anew.
 * Hence: a commit that finds it long copies and truncates it, and db_tidy does so earlier for those
 * who have time.
 */
#include "storage/db/sql.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/page_sum.h"
#include "storage/db/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_PAGES_MAX = 256, /* at a commit */
	LOG_PAGES_TIDY = 32, /* at db_tidy */
	LOG_PAGES_IDLE = 64, /* at db_tidy_idle */
	LOG_PAGE_BYTES = 4096 + 24,
	BUSY_LIMIT_MS = 30000,
	LOOKASIDE_SLOT = 512,
	LOOKASIDE_SLOTS = 48,
};

static bool is_network_fs(const struct statfs *fs)
{
	switch ((unsigned long)fs->f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case 0xff534d42ul: /* cifs */
	case 0xfe534d42ul: /* smb2 */
	case AFS_SUPER_MAGIC:
	case 0x00c36400ul: /* ceph */
	case CODA_SUPER_MAGIC:
	case V9FS_MAGIC:
	case FUSE_SUPER_MAGIC: /* sshfs and its like; the kernel cannot tell them apart */
	case 0x0bd00bd0ul: /* lustre */
	case 0x47504653ul: /* gpfs */
		return true;
	default:
		return false;
	}
}

/* The queue makes waiting rare; this is for opening a log that another one is just recovering. */
static int on_busy(void *arg, int count)
{
	(void)arg;
	long us = count < 10 ? 100 : count < 100 ? 1000 : 10000;
	if (count > BUSY_LIMIT_MS / 10)
		return 0;
	nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
	return 1;
}

static int queue_enter(struct db *db, struct err *e)
{
	if (db->queue_fd < 0) {
		auto_free char *path = xasprintf("%s/moss.db-queue", db->dir);
		db->queue_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (db->queue_fd < 0)
			return err_sys(e, "cannot open %s", path);
	}
	int r;
	do
		r = flock(db->queue_fd, LOCK_EX);
	while (r < 0 && errno == EINTR);
	return r < 0 ? err_sys(e, "cannot lock %s/moss.db-queue", db->dir) : 0;
}

static void queue_leave(struct db *db)
{
	int saved = errno;
	(void)flock(db->queue_fd, LOCK_UN);
	errno = saved;
}

static int pragma(struct db *db, const char *text, struct err *e)
{
	int rc = sqlite3_exec(db->sql, text, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_error(db, rc, e);
}

static int on_commit(void *arg, sqlite3 *sql, const char *name, int pages)
{
	(void)sql;
	(void)name;
	struct db *db = arg;
	db->log_pages = pages;
	return SQLITE_OK;
}

/* With the queue held. A reader in the way only means that a later one will do it. */
static void shorten_log(struct db *db)
{
	(void)sqlite3_busy_handler(db->sql, NULL, NULL);
	int rc = sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_busy_handler(db->sql, on_busy, NULL);
	if (rc == SQLITE_OK)
		db->log_pages = 0;
}

int db_rewrite(struct db *db, struct err *e)
{
	int r = queue_enter(db, e);
	if (r < 0)
		return r;
	r = pragma(db, "VACUUM", e);
	if (r == 0)
		shorten_log(db);
	queue_leave(db);
	return r;
}

/* Pages have room for their checksums from their file's beginning, or from being written anew. */
static int make_room_for_sums(struct db *db, int version, struct err *e)
{
	int n = PAGE_SUM_BYTES;
	int rc = sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);
	if (rc != SQLITE_OK)
		return db_error(db, rc, e);
	return version == 0 ? 0 : pragma(db, "VACUUM", e);
}

static int first_use(struct db *db, struct err *e)
{
	int r = queue_enter(db, e);
	if (r < 0)
		return r;
	int version = r = schema_version(db, e);
	if (r >= 0 && r < SCHEMA_WITH_SUMS)
		r = make_room_for_sums(db, version, e);
	if (version == 0 && r == 0 && !db->is_remote)
		r = pragma(db, "PRAGMA journal_mode = WAL", e);
	if (r >= 0)
		r = schema_migrate(db, e);
	/* With nothing but the log a store whose log is damaged would be taken for a new one. */
	if (r >= 0)
		shorten_log(db);
	queue_leave(db);
	return r;
}

void db_tidy(struct db *db)
{
	struct err ignored = {0};
	if (db->depth || db->log_pages < LOG_PAGES_TIDY || queue_enter(db, &ignored) < 0)
		return;
	shorten_log(db);
	queue_leave(db);
}

void db_tidy_idle(const char *dir)
{
	struct stat st;
	struct err ignored = {0};
	struct db *db = NULL;
	auto_free char *log = xasprintf("%s/moss.db-wal", dir);
	if (stat(log, &st) < 0 || st.st_size < LOG_PAGES_IDLE * LOG_PAGE_BYTES ||
		db_open(&db, dir, &ignored) < 0)
		return;
	db->log_pages = LOG_PAGES_IDLE;
	db_tidy(db);
	db_close(db);
}

static int connect(struct db *db, const char *path, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	const char *vfs = page_sum_vfs();
	int rc = vfs ? sqlite3_open_v2(path, &db->sql, flags, vfs) : SQLITE_NOMEM;
	if (!db->sql)
		die_oom();
	if (rc != SQLITE_OK)
		return db_error(db, rc, e);
	(void)sqlite3_db_config(
		db->sql, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SLOT, LOOKASIDE_SLOTS);
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !db->is_remote, NULL);
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_wal_hook(db->sql, on_commit, db);
	(void)sqlite3_busy_handler(db->sql, on_busy, NULL);
	return 0;
}

int db_open(struct db **out, const char *dir, struct err *e)
{
	struct db *db = xcalloc(1, sizeof(*db));
	db->dir = xstrdup(dir);
	db->queue_fd = -1;
	db->level = -1;
	struct statfs fs;
	if (statfs(dir, &fs) == 0) {
		db->is_remote = is_network_fs(&fs);
		reserve_balance(dir, &fs);
	}
	auto_free char *path = xasprintf("%s/moss.db", dir);
	int r = connect(db, path, e);
	/* A store that was moved onto a network file system leaves WAL before anything is read. */
	if (r == 0 && db->is_remote)
		r = pragma(db, "PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = DELETE", e);
	if (r == 0)
		r = schema_version(db, e);
	/* A quota does not show in what is free. */
	if ((r == -ENOSPC || r == -EDQUOT) && reserve_release(dir))
		r = schema_version(db, e);
	if (r >= 0 && r != SCHEMA_VERSION)
		r = first_use(db, e);
	if (r < 0) {
		db_close(db);
		return r;
	}
	*out = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	int saved = errno;
	while (db->depth)
		db_rollback(db);
	if (sqlite3_close(db->sql) != SQLITE_OK)
		BUG("a statement outlives its database");
	if (db->queue_fd >= 0)
		close(db->queue_fd);
	free(db->dir);
	free(db);
	errno = saved;
}

int db_begin(struct db *db, enum db_durability d, struct err *e)
{
	if (db->depth) {
		if (d == DB_FULL && db->level != DB_FULL)
			BUG("a durable transaction inside one that is not");
		db->depth++;
		return 0;
	}
	int r = 0;
	if (db->level != (int)d)
		r = pragma(db,
			d == DB_FULL ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
			e);
	if (r < 0)
		return r;
	db->level = (int)d;
	r = queue_enter(db, e);
	if (r < 0)
		return r;
	struct statfs fs;
	if (statfs(db->dir, &fs) == 0)
		reserve_balance(db->dir, &fs);
	r = pragma(db, "BEGIN IMMEDIATE", e);
	if (r < 0) {
		queue_leave(db);
		return r;
	}
	db->depth = 1;
	db->is_failed = false;
	return 0;
}

int db_commit(struct db *db, struct err *e)
{
	if (!db->depth)
		BUG("commit without begin");
	if (db->depth > 1) {
		db->depth--;
		return 0;
	}
	if (db->is_failed) {
		db_rollback(db);
		return err_set(e, ECANCELED, "a part of the transaction failed");
	}
	int r = pragma(db, "COMMIT", e);
	if (r < 0) {
		db_rollback(db);
		return r;
	}
	db->depth = 0;
	if (db->log_pages >= LOG_PAGES_MAX)
		shorten_log(db);
	queue_leave(db);
	return 0;
}

bool db_in_transaction(const struct db *db) { return db->depth > 0; }

int db_await_writer(struct db *db, struct err *e)
{
	if (db->depth)
		return 0;
	int r = queue_enter(db, e);
	if (r == 0)
		queue_leave(db);
	return r;
}

void db_rollback(struct db *db)
{
	if (!db->depth)
		return;
	if (--db->depth) {
		db->is_failed = true;
		return;
	}
	/* On some errors SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(db->sql))
		(void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	queue_leave(db);
}
