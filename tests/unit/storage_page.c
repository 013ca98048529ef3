/* Checksums of the database's pages and of its log: what was altered is found, what a killed writer
 * left behind the end of the log is not. */
#include "tests/unit/storage_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "storage/db/check_page.h"
#include "storage/db/db.h"
#include "storage/db/event_row.h"
#include "storage/db/page_sum.h"

enum { PAGE = 4096, LOG_HEADER = 32, FRAME = 24 + PAGE, MANY = 6000 };

/* Of an event, so that MANY are more than the cache holds and more than the log may. */
static const char text[] =
	"{\"what\": \"................................................................"
	"................................................................"
	"................................................................\"}";

static char dir[] = "/tmp/moss-unit-page.XXXXXX";

static struct db *opened(void)
{
	struct err e = {0};
	struct db *db = NULL;
	if (db_open(&db, dir, &e) < 0)
		fail_msg("%s", e.msg);
	return db;
}

static void add(struct db *db, int n)
{
	struct err e = {0};
	assert_int_equal(db_begin(db, DB_NORMAL, &e), 0);
	for (int i = 0; i < n; i++)
		assert_true(event_row_add(db, i, "container", "start", "somebody's long name", text,
				    &e) >= 0);
	assert_int_equal(db_commit(db, &e), 0);
}

static size_t problems(struct db *db)
{
	struct err e = {0};
	auto_strv found = STRV_INIT;
	if (check_pages(db, &found, &e) < 0)
		fail_msg("%s", e.msg);
	return found.n;
}

static off_t size_of(const char *name)
{
	struct stat st;
	auto_free char *path = path_join(dir, name);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static void flip(const char *name, off_t at)
{
	auto_free char *path = path_join(dir, name);
	auto_fd fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static int setup(void **state)
{
	(void)state;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct err e;
	(void)state;
	return path_remove_at(AT_FDCWD, dir, &e);
}

static void test_file(void **state)
{
	(void)state;
	struct db *db = opened();
	add(db, MANY); /* long enough to be copied into the file at its end */
	assert_int_equal(size_of("moss.db-wal"), 0);
	assert_int_equal(problems(db), 0);
	off_t size = size_of("moss.db");
	assert_true(size > 100 * PAGE);
	for (off_t at = PAGE + 7; at < size; at += 5 * PAGE + 1013) {
		flip("moss.db", at);
		assert_int_equal(problems(db), 1);
		flip("moss.db", at);
	}
	assert_int_equal(problems(db), 0);
	db_close(db);
}

static void test_log(void **state)
{
	(void)state;
	struct db *db = opened();
	add(db, MANY);
	for (int i = 0; i < 8; i++)
		add(db, 1);
	db_close(db);
	off_t size = size_of("moss.db-wal");
	assert_true(size > LOG_HEADER + 8 * FRAME && (size - LOG_HEADER) % FRAME == 0);
	for (off_t at = 0; at < size;
		at += at < LOG_HEADER + 2 * FRAME && at % FRAME < 64 ? 1 : 611) {
		flip("moss.db-wal", at);
		/* As the next command finds it. */
		db = opened();
		if (problems(db) == 0)
			fail_msg("byte %lld of the log", (long long)at);
		db_close(db);
		flip("moss.db-wal", at);
	}
	db = opened();
	assert_int_equal(problems(db), 0);
	db_close(db);
}

/* More than the cache holds goes into the log before the commit that never comes. */
static void test_killed_writer(void **state)
{
	(void)state;
	struct db *db = opened();
	add(db, 1);
	db_close(db);
	off_t before = size_of("moss.db-wal");
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = {0};
		struct db *own = NULL;
		if (db_open(&own, dir, &e) < 0 || db_begin(own, DB_NORMAL, &e) < 0)
			_exit(1);
		for (int i = 0; i < 3 * MANY; i++)
			(void)event_row_add(
				own, i, "container", "start", "somebody's long name", text, &e);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(size_of("moss.db-wal") > before + 20 * FRAME);
	db = opened();
	assert_int_equal(problems(db), 0);
	add(db, 1);
	assert_true(size_of("moss.db-wal") > before + 20 * FRAME);
	assert_int_equal(problems(db), 0);
	db_close(db);
	db = opened();
	assert_int_equal(problems(db), 0);
	db_close(db);
}

static void test_form(void **state)
{
	(void)state;
	unsigned char page[24] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0},
		      sum[PAGE_SUM_BYTES];
	/* a = 1, b = 2 + 1; a = 1 + 3 + 3, b = 3 + 4 + 7 */
	page_sum_of(page, sizeof(page), sum);
	assert_memory_equal(sum, "\7\0\0\0\16\0\0\0", PAGE_SUM_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_writer, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
