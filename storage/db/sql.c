#include "storage/db/sql.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void stmt_drop(sqlite3_stmt **s)
{
	int saved = errno;
	sqlite3_finalize(*s);
	*s = NULL;
	errno = saved;
}

static int errno_of(struct db *db, int rc)
{
	int sys;
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		die_oom();
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_PERM:
		return EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EUCLEAN;
	case SQLITE_CONSTRAINT:
		return EEXIST;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		sys = sqlite3_system_errno(db->sql);
		return sys ? sys : EIO;
	default:
		return EINVAL;
	}
}

int db_error(struct db *db, int rc, struct err *e)
{
	int code = errno_of(db, rc);
	int r = err_set(e, code, "database %s/moss.db: %s", db->dir,
		code == ENOSPC ? strerror(ENOSPC) : sqlite3_errmsg(db->sql));
	if (code == ENOSPC)
		return err_hint(e, "make room on the file system of %s", db->dir);
	return r;
}

sqlite3_stmt *sql_prepare(struct db *db, const char *literal, int len, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v3(db->sql, literal, len, 0, &s, NULL);
	if (rc != SQLITE_OK) {
		db_error(db, rc, e);
		return NULL;
	}
	return s;
}

int db_step(struct db *db, sqlite3_stmt *s, struct err *e)
{
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		return STEP_ROW;
	return rc == SQLITE_DONE ? STEP_DONE : db_error(db, rc, e);
}

int db_change(struct db *db, sqlite3_stmt *s, struct err *e)
{
	int r = db_step(db, s, e);
	sqlite3_reset(s);
	return r < 0 ? r : sqlite3_changes(db->sql);
}

void bind_text(sqlite3_stmt *s, int i, const char *text)
{
	int rc = text ? sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC) : sqlite3_bind_null(s, i);
	if (rc == SQLITE_NOMEM)
		die_oom();
	if (rc != SQLITE_OK && rc != SQLITE_TOOBIG)
		BUG("bind %d: %d", i, rc);
}

void bind_int(sqlite3_stmt *s, int i, int64_t v)
{
	int rc = sqlite3_bind_int64(s, i, v);
	if (rc != SQLITE_OK)
		BUG("bind %d: %d", i, rc);
}

void bind_proc(sqlite3_stmt *s, int i, const struct proc_id *p)
{
	bind_int(s, i, p->pid);
	bind_int(s, i + 1, (int64_t)p->start);
	bind_int(s, i + 2, (int64_t)p->ns_ino);
}

char *column_dup(sqlite3_stmt *s, int i)
{
	const unsigned char *text = sqlite3_column_text(s, i);
	if (!text && sqlite3_column_type(s, i) != SQLITE_NULL)
		die_oom();
	return text ? xstrdup((const char *)text) : NULL;
}

int64_t column_int(sqlite3_stmt *s, int i) { return sqlite3_column_int64(s, i); }

int db_collect_into(struct db *db, sqlite3_stmt *s, struct strv *out, struct err *e)
{
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW)
		strv_take(out, column_dup(s, 0));
	sqlite3_reset(s);
	return r < 0 ? r : 0;
}

int db_collect(struct db *db, sqlite3_stmt *s, char ***out, size_t *n, struct err *e)
{
	auto_strv list = STRV_INIT;
	int r = db_collect_into(db, s, &list, e);
	if (r < 0)
		return r;
	*out = list.v;
	*n = list.n;
	list = STRV_INIT;
	return 0;
}
