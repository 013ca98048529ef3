#include "tests/unit/storage_store.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/event_row.h"
#include "storage/volume.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void names(void **state)
{
	(void)state;
	const char *good[] = {"aa", "a1", "A.b-c_d", "0x"},
		   *bad[] = {"", "a", ".a", "-a", "a/b", "a b", "..", "a\n", "\xc3\xa4\xc3\xa4"};
	char long_name[300];
	memset(long_name, 'a', sizeof(long_name));
	long_name[255] = 0;
	assert_true(volume_name_valid(long_name));
	long_name[255] = 'a';
	long_name[256] = 0;
	assert_false(volume_name_valid(long_name));
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(volume_name_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(volume_name_valid(bad[i]));
}

static void use(struct test_store *t, const char *id, const char *name, const char *const *volumes,
	size_t n)
{
	struct container_row r = {
		.name = (char *)name,
		.state = (char *)"created",
		.config = (char *)"{}",
		.driver = (char *)"vfs",
	};
	strcpy(r.id, id);
	assert_int_equal(
		container_row_insert(t->s.db, &r, NULL, 0, volumes, n, NULL, &t->e), ROW_OK);
}

static void free_names(char **list, size_t n)
{
	while (n)
		free(list[--n]);
	free(list);
}

static void made_found_listed(void **state)
{
	struct test_store *t = *state;
	struct volume v, *list;
	bool was_made;
	size_t n;
	assert_int_equal(volume_find(&t->s, "vol", &v, &t->e), ROW_ABSENT);
	assert_ok(t,
		volume_create(&t->s, "vol", "local", "{\"a\":\"b\"}", NULL, &v, &was_made, &t->e));
	assert_true(was_made);
	assert_string_equal(v.name, "vol");
	assert_string_equal(v.driver, "local");
	assert_string_equal(v.labels, "{\"a\":\"b\"}");
	assert_null(v.options);
	assert_true(v.needs_copy_up);
	assert_false(v.is_anonymous);
	struct stat st;
	assert_int_equal(stat(v.mountpoint, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	volume_deinit(&v);
	assert_ok(t, volume_create(&t->s, "vol", NULL, NULL, NULL, &v, &was_made, &t->e));
	assert_false(was_made);
	assert_string_equal(v.labels, "{\"a\":\"b\"}");
	volume_deinit(&v);
	assert_ok(t, volume_create(&t->s, NULL, NULL, NULL, NULL, &v, &was_made, &t->e));
	assert_int_equal(strlen(v.name), 64);
	assert_true(v.is_anonymous);
	assert_string_equal(v.labels, "{\"com.docker.volume.anonymous\":\"\"}");
	volume_deinit(&v);
	assert_ok(t, volume_list(&t->s, &list, &n, &t->e));
	assert_int_equal(n, 2);
	while (n)
		volume_deinit(&list[--n]);
	free(list);
	assert_int_equal(volume_set_copied(&t->s, "vol", &t->e), ROW_OK);
	assert_int_equal(volume_set_copied(&t->s, "vol", &t->e), ROW_LOST);
	assert_int_equal(volume_find(&t->s, "vol", &v, &t->e), ROW_OK);
	assert_false(v.needs_copy_up);
	volume_deinit(&v);
}

static void users_hold_it(void **state)
{
	struct test_store *t = *state;
	struct volume named, anon;
	bool was_made;
	char **list;
	size_t n;
	assert_ok(t, volume_create(&t->s, "vol", NULL, NULL, NULL, &named, &was_made, &t->e));
	assert_ok(t, volume_create(&t->s, NULL, NULL, NULL, NULL, &anon, &was_made, &t->e));
	const char *both[] = {"vol", anon.name};
	use(t, ID_A, "aa", both, 2);
	assert_ok(t, volume_list_anonymous_of(&t->s, ID_A, &list, &n, &t->e));
	assert_int_equal(n, 1);
	assert_string_equal(list[0], anon.name);
	free_names(list, n);
	use(t, ID_B, "bb", both + 1, 1);
	assert_ok(t, volume_list_anonymous_of(&t->s, ID_A, &list, &n, &t->e));
	assert_int_equal(n, 0);
	assert_int_equal(volume_delete(&t->s, "vol", &list, &n, &t->e), ROW_CONFLICT);
	assert_int_equal(n, 1);
	assert_string_equal(list[0], ID_A);
	free_names(list, n);
	assert_int_equal(access(named.mountpoint, F_OK), 0);
	assert_int_equal(container_row_delete(t->s.db, ID_A, &t->e), ROW_OK);
	assert_int_equal(volume_delete(&t->s, "vol", &list, &n, &t->e), ROW_OK);
	assert_int_equal(access(named.mountpoint, F_OK), -1);
	assert_int_equal(volume_delete(&t->s, "vol", &list, &n, &t->e), ROW_ABSENT);
	volume_deinit(&named);
	volume_deinit(&anon);
}

/* The files of a volume deleted within a transaction stay until it has ended well. */
static void deleted_within_a_transaction(void **state)
{
	struct test_store *t = *state;
	struct volume v;
	bool was_made;
	char **list;
	size_t n;
	assert_ok(t, volume_create(&t->s, "vol", NULL, NULL, NULL, &v, &was_made, &t->e));
	assert_ok(t, db_begin(t->s.db, DB_FULL, &t->e));
	assert_int_equal(volume_delete(&t->s, "vol", &list, &n, &t->e), ROW_OK);
	assert_int_equal(access(v.mountpoint, F_OK), 0);
	db_rollback(t->s.db);
	store_settle(&t->s);
	assert_int_equal(access(v.mountpoint, F_OK), 0);

	assert_ok(t, db_begin(t->s.db, DB_FULL, &t->e));
	assert_int_equal(volume_delete(&t->s, "vol", &list, &n, &t->e), ROW_OK);
	assert_ok(t, db_commit(t->s.db, &t->e));
	assert_int_equal(access(v.mountpoint, F_OK), 0);
	store_settle(&t->s);
	assert_int_equal(access(v.mountpoint, F_OK), -1);
	volume_deinit(&v);
}

static int64_t count_of(struct test_store *t, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	char *path = path_join(t->root, "moss.db");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	free(path);
	return n;
}

static void old_events_are_forgotten(void **state)
{
	struct test_store *t = *state;
	assert_ok(t, db_begin(t->s.db, DB_NORMAL, &t->e));
	for (int i = 0; i < 12000; i++)
		assert_ok(t, event_row_add(t->s.db, i, "container", "start", ID_A, "{}", &t->e));
	assert_ok(t, db_commit(t->s.db, &t->e));
	int64_t n = count_of(t, "SELECT count(*) FROM event");
	assert_true(n >= 8192 && n <= 8192 + 1024);
	assert_int_equal(count_of(t, "SELECT max(time) FROM event"), 11999);
}

/* Writers of several processes wait for each other; none is refused. */
static void writers_queue(void **state)
{
	struct test_store *t = *state;
	enum { WRITERS = 8, EACH = 20 };
	pid_t pids[WRITERS];
	store_close(&t->s);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i])
			continue;
		struct store s;
		struct store_options o = {.root = t->root, .runroot = t->runroot};
		struct err e = {0};
		int failed = store_open(&s, &o, &e) < 0;
		for (int k = 0; k < EACH && !failed; k++)
			failed = event_row_add(s.db, k, "t", "a", ID_A, NULL, &e) < 0;
		_exit(failed);
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_of(t, "SELECT count(*) FROM event"), WRITERS * EACH);
	test_store_reopen(t);
}

static void the_log_is_shortened(void **state)
{
	struct test_store *t = *state;
	struct stat st;
	char *log = path_join(t->root, "moss.db-wal");
	for (int i = 0; i < 100; i++)
		assert_ok(t, event_row_add(t->s.db, i, "t", "a", ID_A, NULL, &t->e));
	assert_int_equal(stat(log, &st), 0);
	assert_true(st.st_size > 64 * 4120);
	store_close(&t->s);
	db_tidy_idle(t->root);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_size, 0);
	test_store_reopen(t);
	for (int i = 0; i < 400; i++) {
		assert_ok(t, event_row_add(t->s.db, i, "t", "a", ID_A, NULL, &t->e));
		assert_int_equal(stat(log, &st), 0);
		assert_true(st.st_size < 300 * 4120);
	}
	free(log);
}

#define T(f) cmocka_unit_test_setup_teardown(f, test_store_new, test_store_drop)
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		T(made_found_listed),
		T(users_hold_it),
		T(deleted_within_a_transaction),
		T(old_events_are_forgotten),
		T(writers_queue),
		T(the_log_is_shortened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
