/* db: the per-user SQLite database: WAL, foreign_keys, user_version with migrations.
 *
 * All SQL of the project is in this folder and no statement is built from strings. Writers queue
 * on an flock around BEGIN IMMEDIATE ... COMMIT (measured: worst wait 25 ms against 68-109 ms of
 * polling with 50 processes); busy_timeout is a net. FULL for images, volumes, networks, create
 * (except --rm), rename and the removal mark; NORMAL for start, exit, health and events.
 * On a network file system WAL is off.
 *
 * Row structs own their strings; X_row_deinit frees them. JSON columns are text, checked to be
 * JSON by whoever wrote them.
 */
#ifndef STORAGE_DB_DB_H
#define STORAGE_DB_DB_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct db;

enum db_durability { DB_NORMAL, DB_FULL };

int db_open(struct db **db, const char *dir, struct err *e);
void db_close(struct db *db);
/* For whoever has written and has time (the monitor after the end of its container): shortens the
 * log, so that the next commands open faster. */
void db_tidy(struct db *db);
/* The same for whoever has not opened it: opens only where it is worth it. */
void db_tidy_idle(const char *dir);
/* Writes all of it anew, as it is, outside of a transaction: each page has a checksum then that is
 * right (storage/db/page_sum.h). */
int db_rewrite(struct db *db, struct err *e);
/* A write transaction; nests as one (inner begin/commit only count). */
int db_begin(struct db *db, enum db_durability d, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);
/* Returns when the transaction of another process that may be going on has ended: what was written
 * to the database's files before the call can be read after it. */
int db_await_writer(struct db *db, struct err *e);

#endif
