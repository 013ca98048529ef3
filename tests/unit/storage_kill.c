/* Storage under kill -9: each change is made again and again by a traced child that is killed
 * before its first, second, third ... system call, until one comes through. After each kill the
 * store is opened as by the next command: the change is there or not, whole, and nothing is left.
 */
#include "tests/unit/storage_store.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/io.h"
#include "storage/db/check_row.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/image.h"
#include "storage/image_manifest.h"
#include "storage/volume.h"

#define HEX(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define ID "sha256:" HEX("1a")
#define DIFF "sha256:" HEX("d1")
#define MANIFEST "sha256:" HEX("ee")
#define CONFIG "{}"
#define NAME "docker.io/library/a:latest"
#define MANIFEST2 "sha256:" HEX("ef")
#define NAME2 "docker.io/library/a:2"

static size_t count(struct test_store *t, const char *folder)
{
	char *path = path_join(t->root, folder);
	DIR *d = opendir(path);
	free(path);
	size_t n = 0;
	const struct dirent *entry;
	while (d && (entry = readdir(d)))
		n += entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static int remove_plainly(struct store *s, const char *parent, const char *name, struct err *e)
{
	(void)s;
	char *path = path_join(parent, name);
	int r = path_remove_at(AT_FDCWD, path, e);
	free(path);
	return r;
}

/* As the next command finds it, and as another program does. */
static void assert_sound(struct test_store *t)
{
	struct err e = {0};
	struct db *own = NULL;
	auto_strv problems = STRV_INIT;
	if (db_open(&own, t->root, &e) < 0 || check_row_database(own, false, &problems, &e) < 0)
		fail_msg("%s", e.msg);
	db_close(own);
	if (problems.n)
		fail_msg("%s", problems.v[0]);
	sqlite3 *db;
	sqlite3_stmt *s;
	char *path = path_join(t->root, "moss.db");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(s, 0), "ok");
	sqlite3_finalize(s);
	sqlite3_close(db);
	free(path);
}

/* The child's life: opens the store, tells that it is ready by a stop, does it. */
static _Noreturn void child(struct test_store *t, int (*change)(struct store *s, struct err *e))
{
	struct store s;
	struct store_options o = {.root = t->root, .runroot = t->runroot};
	struct err e = {0};
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || store_open(&s, &o, &e) < 0)
		_exit(2);
	raise(SIGSTOP);
	if (change(&s, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		_exit(1);
	}
	_exit(0);
}

/* True where the child came to its end before its n-th system call. */
static bool killed_at(struct test_store *t, int n, int (*change)(struct store *s, struct err *e))
{
	int status, stops = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(t, change);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL,
				 (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)),
		0);
	for (;;) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return true;
		}
		assert_true(WIFSTOPPED(status));
		/* Each call stops twice, at its beginning and its end. */
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && stops++ == 2 * n) {
			kill(pid, SIGKILL);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			return false;
		}
	}
}

/* As the next command: opens, and empties the trash. */
static void recover(struct test_store *t)
{
	test_store_reopen(t);
	assert_ok(t, store_purge(&t->s, remove_plainly, &t->e));
	assert_int_equal(count(t, "tmp"), 0);
	assert_int_equal(count(t, "trash"), 0);
	assert_sound(t);
}

static void repeat(struct test_store *t, int (*prepare)(struct store *s, struct err *e),
	int (*change)(struct store *s, struct err *e),
	void (*check)(struct test_store *t, bool done))
{
	bool done = false;
	for (int n = 0; !done; n++) {
		if (prepare)
			assert_ok(t, prepare(&t->s, &t->e));
		store_close(&t->s);
		done = killed_at(t, n, change);
		recover(t);
		check(t, done);
	}
}

/* ---- image_commit ---- */

static int commit(struct store *s, struct err *e)
{
	char *staged = NULL;
	int lock = -1;
	int r = store_stage(s, &staged, &lock, e);
	if (r < 0)
		return r;
	char *diff = path_join(staged, "diff"), *split = path_join(staged, "tar-split");
	r = mkdir(diff, 0755) < 0 ? -errno : write_file_at(AT_FDCWD, split, "x", 1, 0600, false, e);
	struct layer_new l = {.diff_id = DIFF, .staged_path = staged, .size = 1};
	if (r == 0)
		r = image_commit(s, ID, CONFIG, CONFIG, strlen(CONFIG), "{}", 2, MANIFEST, &l, 1,
			NAME, NULL, e);
	store_unstage(s, staged, &lock);
	free(diff);
	free(split);
	free(staged);
	return r;
}

static int delete (struct store *s, struct err *e)
{
	char **gone = NULL;
	size_t n = 0;
	int r = image_delete(s, ID, NULL, &gone, &n, e);
	while (n)
		free(gone[--n]);
	free(gone);
	return r == -ENOENT ? 0 : r;
}

/* The image is whole, or there is nothing of it. */
static bool image_is_there(struct test_store *t)
{
	struct image i;
	int r = image_find(&t->s, "a", NAME, &i, &t->e);
	assert_true(r == ROW_OK || r == ROW_ABSENT);
	assert_int_equal(count(t, "layers"), r == ROW_OK);
	assert_int_equal(count(t, "blobs/sha256"), r == ROW_OK ? 2 : 0);
	if (r == ROW_OK) {
		char *split = store_path(&t->s, "layers/%s/tar-split", i.layer_ids[0]);
		assert_int_equal(access(split, F_OK), 0);
		free(split);
		image_deinit(&i);
	}
	return r == ROW_OK;
}

static void check_commit(struct test_store *t, bool done)
{
	assert_true(image_is_there(t) || !done);
}

static void check_delete(struct test_store *t, bool done)
{
	assert_false(image_is_there(t) && done);
}

static void committing_an_image(void **state) { repeat(*state, delete, commit, check_commit); }
static void deleting_an_image(void **state) { repeat(*state, commit, delete, check_delete); }

/* ---- a second manifest of the image ---- */

static int commit_second(struct store *s, struct err *e)
{
	const struct layer_new l = {.diff_id = DIFF};
	int r = commit(s, e);
	return r < 0 ? r
		     : image_commit(s, ID, CONFIG, CONFIG, strlen(CONFIG), "{}", 2, MANIFEST2, &l,
			       1, NAME2, NULL, e);
}

static int drop_second(struct store *s, struct err *e)
{
	int r = image_untag(s, NAME2, e);
	return r < 0 ? r : image_manifests_settle(s, e);
}

/* It is there as long as its row is; one that was left over goes with the next to settle. */
static void check_second(struct test_store *t, bool done)
{
	struct image i;
	assert_int_equal(image_find(&t->s, "a", NAME, &i, &t->e), ROW_OK);
	bool is_named = i.names[1] != NULL, is_there = i.manifests[1] != NULL;
	image_deinit(&i);
	assert_true(is_there || !is_named);
	assert_false(is_there && done);
	assert_int_equal(count(t, "blobs/sha256"), is_there ? 3 : 2);
	assert_ok(t, image_manifests_settle(&t->s, &t->e));
	assert_int_equal(count(t, "blobs/sha256"), is_named ? 3 : 2);
	assert_ok(t, store_purge(&t->s, remove_plainly, &t->e));
}

static void dropping_a_manifest(void **state)
{
	repeat(*state, commit_second, drop_second, check_second);
}

/* ---- volumes ---- */

static int make_volume(struct store *s, struct err *e)
{
	struct volume v = {0};
	bool was_made;
	int r = volume_create(s, "vol", NULL, NULL, NULL, &v, &was_made, e);
	volume_deinit(&v);
	return r;
}

static int drop_volume(struct store *s, struct err *e)
{
	char **users;
	size_t n;
	return volume_delete(s, "vol", &users, &n, e) < 0 ? -e->code : 0;
}

static bool volume_is_there(struct test_store *t)
{
	struct volume v = {0};
	int r = volume_find(&t->s, "vol", &v, &t->e);
	assert_true(r == ROW_OK || r == ROW_ABSENT);
	assert_true(r == ROW_ABSENT || access(v.mountpoint, F_OK) == 0);
	volume_deinit(&v);
	return r == ROW_OK;
}

static void check_made(struct test_store *t, bool done)
{
	assert_true(volume_is_there(t) || !done);
}

static void check_dropped(struct test_store *t, bool done)
{
	bool is_there = volume_is_there(t);
	assert_false(is_there && done);
	assert_int_equal(count(t, "volumes"), is_there);
}

static void making_a_volume(void **state) { repeat(*state, drop_volume, make_volume, check_made); }
static void dropping_a_volume(void **state)
{
	repeat(*state, make_volume, drop_volume, check_dropped);
}

/* ---- the store itself ---- */

/* The folders and the database are made by the traced child: another run root tells it. */
static int open_fresh(struct store *s, struct err *e)
{
	struct store fresh;
	char *root = path_join(s->runroot, "fresh");
	struct store_options o = {.root = root, .runroot = s->runroot};
	int r = store_open(&fresh, &o, e);
	if (r == 0)
		store_close(&fresh);
	free(root);
	return r;
}

static void opening_for_the_first_time(void **state)
{
	struct test_store *t = *state;
	bool done = false;
	for (int n = 0; !done; n++) {
		store_close(&t->s);
		done = killed_at(t, n, open_fresh);
		test_store_reopen(t);
		/* The next command goes on with what there is. */
		assert_ok(t, open_fresh(&t->s, &t->e));
		assert_ok(t, path_remove_at(t->s.runroot_fd, "fresh", &t->e));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, test_store_new, test_store_drop)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(committing_an_image),
		T(deleting_an_image),
		T(dropping_a_manifest),
		T(making_a_volume),
		T(dropping_a_volume),
		T(opening_for_the_first_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
