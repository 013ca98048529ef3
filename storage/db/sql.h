/* sql: what the files of this folder share: statements, bindings, columns. Nobody else includes it.
 *
 * db_prepare takes a string literal only, so no statement can be made from strings. Bound text is
 * borrowed until the statement is reset or dropped. Columns of text are copied.
 */
#ifndef STORAGE_DB_SQL_H
#define STORAGE_DB_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/proc.h"
#include "storage/db/db.h"

struct err;
struct strv;

struct db {
	sqlite3 *sql;
	char *dir;
	int queue_fd; /* the writers' queue; -1 until the first transaction */
	int depth;
	bool is_failed; /* an inner transaction was rolled back */
	int level; /* enum db_durability in force, -1 = unknown */
	int log_pages; /* length of the log at our last commit */
	bool is_remote; /* on a network file system: no WAL */
};

void stmt_drop(sqlite3_stmt **s);
#define auto_stmt __attribute__((cleanup(stmt_drop))) sqlite3_stmt *

/* NULL with e set. */
sqlite3_stmt *sql_prepare(struct db *db, const char *literal, int len, struct err *e);
#define db_prepare(db, sql, e) sql_prepare((db), "" sql "", (int)sizeof(sql), (e))

enum step { STEP_DONE = 0, STEP_ROW = 1 };
/* STEP_ROW, STEP_DONE or -errno. */
int db_step(struct db *db, sqlite3_stmt *s, struct err *e);
/* Runs a statement that gives no rows, once, and resets it; rows changed or -errno. */
int db_change(struct db *db, sqlite3_stmt *s, struct err *e);
/* The error of the connection as e. */
int db_error(struct db *db, int rc, struct err *e);

void bind_text(sqlite3_stmt *s, int i, const char *text); /* NULL = null */
void bind_int(sqlite3_stmt *s, int i, int64_t v);
/* Three parameters from i on: id, start time, namespace. */
void bind_proc(sqlite3_stmt *s, int i, const struct proc_id *p);
char *column_dup(sqlite3_stmt *s, int i); /* owned; NULL = null */
int64_t column_int(sqlite3_stmt *s, int i);

/* All values of the first column, in order, as an owned NULL-terminated array (NULL where there
 * are none). */
int db_collect(struct db *db, sqlite3_stmt *s, char ***out, size_t *n, struct err *e);

/* The same, added to out. */
int db_collect_into(struct db *db, sqlite3_stmt *s, struct strv *out, struct err *e);

/* Brings the database to the newest version; called with the queue held. */
int schema_migrate(struct db *db, struct err *e);
/* user_version, or -errno. */
int schema_version(struct db *db, struct err *e);
enum {
	SCHEMA_VERSION = 7,
	SCHEMA_WITH_SUMS = 6, /* the first one whose pages have checksums (storage/db/page_sum.h) */
};

#endif
