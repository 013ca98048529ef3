#include "tests/unit/storage_store.h"
#include <errno.h>

#include "base/proc.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/event_row.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "aaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct container_row row_of(const char *id, const char *name)
{
	struct container_row r = {
		.name = (char *)name,
		.image_id = (char *)"sha256:00",
		.image_name = (char *)"busybox",
		.state = (char *)"created",
		.config = (char *)"{}",
		.driver = (char *)"overlay",
		.created_ns = 17,
	};
	strcpy(r.id, id);
	return r;
}

static int insert(struct test_store *t, const struct container_row *r, char **other)
{
	return container_row_insert(t->s.db, r, NULL, 0, NULL, 0, other, &t->e);
}

static void insert_and_find(void **state)
{
	struct test_store *t = *state;
	struct container_row a = row_of(ID_A, "web"), b = row_of(ID_B, "db"), got;
	char *other = NULL;
	assert_int_equal(insert(t, &a, &other), ROW_OK);
	b.name = (char *)"web";
	assert_int_equal(insert(t, &b, &other), ROW_CONFLICT);
	assert_string_equal(other, ID_A);
	free(other);
	b.name = (char *)"db";
	b.auto_remove = true;
	b.created_ns = 18;
	assert_int_equal(insert(t, &b, &other), ROW_OK);

	assert_int_equal(container_row_find(t->s.db, "web", &got, &t->e), ROW_OK);
	assert_string_equal(got.id, ID_A);
	assert_string_equal(got.state, "created");
	assert_string_equal(got.error, "");
	assert_null(got.network);
	assert_int_equal(got.created_ns, 17);
	container_row_deinit(&got);
	assert_int_equal(container_row_find(t->s.db, "/db", &got, &t->e), ROW_OK);
	assert_true(got.auto_remove);
	container_row_deinit(&got);
	assert_int_equal(container_row_find(t->s.db, ID_B, &got, &t->e), ROW_OK);
	container_row_deinit(&got);
	assert_int_equal(container_row_find(t->s.db, "aaaab", &got, &t->e), ROW_OK);
	assert_string_equal(got.id, ID_B);
	container_row_deinit(&got);
	assert_int_equal(container_row_find(t->s.db, "aaaa", &got, &t->e), ROW_AMBIGUOUS);
	assert_int_equal(container_row_find(t->s.db, "aaaac", &got, &t->e), ROW_ABSENT);
	assert_int_equal(container_row_find(t->s.db, "", &got, &t->e), ROW_ABSENT);
	assert_int_equal(container_row_find(t->s.db, "%", &got, &t->e), ROW_ABSENT);

	struct container_row *rows;
	size_t n;
	assert_ok(t, container_row_list(t->s.db, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].id, ID_B);
	while (n)
		container_row_deinit(&rows[--n]);
	free(rows);
}

static void a_name_wins_over_a_prefix(void **state)
{
	struct test_store *t = *state;
	struct container_row a = row_of(ID_A, "x"), b = row_of(ID_B, "aaaaa"), got;
	insert(t, &a, NULL);
	insert(t, &b, NULL);
	assert_int_equal(container_row_find(t->s.db, "aaaaa", &got, &t->e), ROW_OK);
	assert_string_equal(got.id, ID_B);
	container_row_deinit(&got);
}

static void states(void **state)
{
	struct test_store *t = *state;
	struct db *db = t->s.db;
	struct container_row a = row_of(ID_A, "web"), got;
	insert(t, &a, NULL);
	a.started_ns = 20;
	a.init = (struct proc_id){100, 200, 300};
	a.monitor = (struct proc_id){101, 201, 301};
	a.network = (char *)"{\"a\":1}";
	assert_int_equal(container_row_set_running(db, &a, "exited", &t->e), ROW_LOST);
	assert_int_equal(container_row_set_running(db, &a, "created", &t->e), ROW_OK);
	assert_int_equal(container_row_set_running(db, &a, "created", &t->e), ROW_LOST);

	struct proc_id *monitors;
	size_t n;
	assert_ok(t, container_row_monitors(db, &monitors, &n, &t->e));
	assert_int_equal(n, 1);
	assert_int_equal(monitors[0].pid, 101);
	assert_int_equal(monitors[0].ns_ino, 301);
	free(monitors);

	assert_int_equal(container_row_set_removing(db, ID_A, false, &t->e), ROW_LOST);
	assert_int_equal(
		container_row_set_ended(db, ID_A, "exited", 3, true, "why", 30, &t->e), ROW_OK);
	assert_int_equal(
		container_row_set_ended(db, ID_A, "exited", 4, false, "", 31, &t->e), ROW_LOST);
	assert_int_equal(container_row_find(db, "web", &got, &t->e), ROW_OK);
	assert_string_equal(got.state, "exited");
	assert_int_equal(got.exit_code, 3);
	assert_true(got.oom_killed);
	assert_string_equal(got.error, "why");
	assert_int_equal(got.finished_ns, 30);
	assert_int_equal(got.init.pid, 0);
	container_row_deinit(&got);

	assert_int_equal(container_row_set_removing(db, ID_A, false, &t->e), ROW_OK);
	assert_int_equal(container_row_set_removing(db, ID_A, true, &t->e), ROW_LOST);
	assert_int_equal(container_row_delete(db, ID_A, &t->e), ROW_OK);
	assert_int_equal(container_row_delete(db, ID_A, &t->e), ROW_ABSENT);
}

static void only_this_boot_counts(void **state)
{
	struct test_store *t = *state;
	struct container_row a = row_of(ID_A, "web");
	a.state = (char *)"running";
	a.boot_id = (char *)"00000000-0000-0000-0000-000000000000";
	a.monitor.pid = 1;
	insert(t, &a, NULL);
	struct proc_id *monitors;
	size_t n;
	assert_ok(t, container_row_monitors(t->s.db, &monitors, &n, &t->e));
	assert_int_equal(n, 0);
}

static void renaming(void **state)
{
	struct test_store *t = *state;
	struct container_row a = row_of(ID_A, "a"), b = row_of(ID_B, "b");
	char *other = NULL;
	insert(t, &a, NULL);
	insert(t, &b, NULL);
	assert_int_equal(container_row_rename(t->s.db, ID_A, "b", &other, &t->e), ROW_CONFLICT);
	assert_string_equal(other, ID_B);
	free(other);
	assert_int_equal(container_row_rename(t->s.db, ID_A, "c", NULL, &t->e), ROW_OK);
	assert_int_equal(container_row_rename(t->s.db, "none", "d", NULL, &t->e), ROW_ABSENT);
}

static void missing_layers_and_volumes_are_refused(void **state)
{
	struct test_store *t = *state;
	struct container_row a = row_of(ID_A, "a"), got;
	const char *name = "gone";
	assert_int_equal(
		container_row_insert(t->s.db, &a, &name, 1, NULL, 0, NULL, &t->e), -ENOENT);
	assert_int_equal(
		container_row_insert(t->s.db, &a, NULL, 0, &name, 1, NULL, &t->e), -ENOENT);
	assert_non_null(strstr(t->e.msg, "the volume gone was removed meanwhile"));
	assert_int_equal(container_row_find(t->s.db, "a", &got, &t->e), ROW_ABSENT);
}

static void transactions_nest(void **state)
{
	struct test_store *t = *state;
	struct container_row a = row_of(ID_A, "a"), got;
	assert_ok(t, db_begin(t->s.db, DB_FULL, &t->e));
	assert_int_equal(insert(t, &a, NULL), ROW_OK);
	assert_ok(t, event_row_add(t->s.db, 1, "container", "create", ID_A, "{}", &t->e));
	db_rollback(t->s.db);
	assert_int_equal(container_row_find(t->s.db, "a", &got, &t->e), ROW_ABSENT);

	assert_ok(t, db_begin(t->s.db, DB_FULL, &t->e));
	assert_ok(t, db_begin(t->s.db, DB_FULL, &t->e));
	assert_int_equal(insert(t, &a, NULL), ROW_OK);
	db_rollback(t->s.db);
	assert_int_equal(db_commit(t->s.db, &t->e), -ECANCELED);
	assert_int_equal(container_row_find(t->s.db, "a", &got, &t->e), ROW_ABSENT);
	assert_int_equal(insert(t, &a, NULL), ROW_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, test_store_new, test_store_drop)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(insert_and_find),
		T(a_name_wins_over_a_prefix),
		T(states),
		T(only_this_boot_counts),
		T(renaming),
		T(missing_layers_and_volumes_are_refused),
		T(transactions_nest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
