#include "tests/unit/storage_store.h"

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/sha256.h"
#include "base/lock.h"
#include "storage/db/container_row.h"
#include "storage/db/check_row.h"
#include "storage/db/trash_row.h"
#include "storage/image.h"
#include "storage/image_manifest.h"
#include "storage/keep.h"

#define HEX(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define ID1 "sha256:" HEX("1a")
#define ID2 "sha256:" HEX("1b")
#define DIFF1 "sha256:" HEX("d1")
#define DIFF2 "sha256:" HEX("d2")
#define BLOB1 "sha256:" HEX("b1")
#define MANIFEST "sha256:" HEX("ee")
#define MANIFEST2 "sha256:" HEX("ef")
#define REPO "docker.io/library/a"
#define CONFIG "{\"created\":\"2020-01-01T00:00:00Z\"}"

/* A staged layer with one file. */
static char *stage_layer(struct test_store *t, int *lock_fd)
{
	char *path = NULL;
	assert_ok(t, store_stage(&t->s, &path, lock_fd, &t->e));
	char *diff = path_join(path, "diff"), *split = path_join(path, "tar-split");
	assert_int_equal(mkdir(diff, 0755), 0);
	assert_ok(t, write_file_at(AT_FDCWD, split, "x", 1, 0600, false, &t->e));
	free(diff);
	free(split);
	return path;
}

static int commit(
	struct test_store *t, const char *id, const struct layer_new *l, size_t n, const char *name)
{
	return image_commit(&t->s, id, CONFIG, CONFIG, strlen(CONFIG), "{}", 2, MANIFEST, l, n,
		name, NULL, &t->e);
}

static void commit_one(struct test_store *t, const char *id, const char *diff, const char *name)
{
	int lock = -1;
	char *staged = stage_layer(t, &lock);
	struct layer_new l = {.diff_id = diff,
		.staged_path = staged,
		.size = 100,
		.blob_digest = BLOB1,
		.blob_size = 50,
		.media_type = "m"};
	assert_ok(t, commit(t, id, &l, 1, name));
	store_unstage(&t->s, staged, &lock);
	free(staged);
}

static size_t count(struct test_store *t, const char *folder)
{
	char *path = store_path(&t->s, "%s", folder);
	DIR *d = opendir(path);
	free(path);
	size_t n = 0;
	const struct dirent *entry;
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.';
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

static void committed_and_found(void **state)
{
	struct test_store *t = *state;
	commit_one(t, ID1, DIFF1, "docker.io/library/a:latest");
	struct image i;
	assert_int_equal(image_find(&t->s, "a", "docker.io/library/a:latest", &i, &t->e), ROW_OK);
	assert_string_equal(i.id, ID1);
	assert_string_equal(i.config, CONFIG);
	assert_string_equal(i.manifest_digest, MANIFEST);
	assert_int_equal(i.size, 100);
	assert_int_equal(i.created_ns, INT64_C(1577836800) * 1000000000);
	assert_string_equal(i.names[0], "docker.io/library/a:latest");
	assert_null(i.names[1]);
	assert_null(i.digests[0]);
	assert_int_equal(i.n_layers, 1);
	assert_string_equal(i.diff_ids[0], DIFF1);
	char *diff = store_path(&t->s, "layers/%s/diff", i.layer_ids[0]);
	assert_int_equal(access(diff, F_OK), 0);
	free(diff);
	image_deinit(&i);
	assert_int_equal(count(t, "blobs/sha256"), 2);
	assert_int_equal(count(t, "tmp"), 0);
	char *text = NULL;
	assert_int_equal(layer_find_by_blob(&t->s, BLOB1, &text, &t->e), ROW_OK);
	assert_string_equal(text, DIFF1);
	free(text);
	assert_int_equal(layer_find(&t->s, DIFF2, &text, &t->e), ROW_ABSENT);
	assert_null(text);
}

static void finding(void **state)
{
	struct test_store *t = *state;
	struct image i;
	commit_one(t, ID1, DIFF1, "docker.io/library/a:latest");
	commit_one(t, ID2, DIFF2, "docker.io/library/1a1a:latest");
	const struct {
		const char *typed, *ref;
		int result;
		const char *id;
	} cases[] = {
		{ID1, NULL, ROW_OK, ID1},
		{HEX("1b"), NULL, ROW_OK, ID2},
		{"1b1", NULL, ROW_OK, ID2},
		{"1", NULL, ROW_AMBIGUOUS, NULL},
		{"sha256:1a", NULL, ROW_OK, ID1},
		{"1a1a", "docker.io/library/1a1a:latest", ROW_OK, ID2},
		{"sha256:1a1a", "docker.io/library/1a1a:latest", ROW_OK, ID1},
		{"zz", "docker.io/library/zz:latest", ROW_ABSENT, NULL},
		{"", NULL, ROW_ABSENT, NULL},
		{"sha256:", NULL, ROW_ABSENT, NULL},
	};
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		int r = image_find(&t->s, cases[k].typed, cases[k].ref, &i, &t->e);
		if (r != cases[k].result)
			fail_msg("%s: %d", cases[k].typed, r);
		if (r == ROW_OK) {
			assert_string_equal(i.id, cases[k].id);
			image_deinit(&i);
		}
	}
}

static void a_name_moves(void **state)
{
	struct test_store *t = *state;
	struct image *list;
	size_t n;
	commit_one(t, ID1, DIFF1, "docker.io/library/a:latest");
	commit_one(t, ID2, DIFF2, "docker.io/library/a:latest");
	assert_ok(t, image_list(&t->s, &list, &n, &t->e));
	assert_int_equal(n, 2);
	for (size_t k = 0; k < n; k++)
		assert_int_equal(list[k].names[0] != NULL, !strcmp(list[k].id, ID2));
	while (n)
		image_deinit(&list[--n]);
	free(list);
	assert_ok(t, image_tag(&t->s, ID1, "docker.io/library/b:1", NULL, &t->e));
	assert_int_equal(image_tag(&t->s, "sha256:0", "x", NULL, &t->e), -ENOENT);
	assert_int_equal(image_untag(&t->s, "docker.io/library/b:1", &t->e), ROW_OK);
	assert_int_equal(image_untag(&t->s, "docker.io/library/b:1", &t->e), ROW_ABSENT);
}

/* ---- manifests of one config ---- */

/* ID1 as a:1 by MANIFEST, and as a:2 by MANIFEST2. */
static void commit_two(struct test_store *t)
{
	const struct layer_new known = {.diff_id = DIFF1};
	int lock = -1;
	char *staged = stage_layer(t, &lock);
	const struct layer_new l = {.diff_id = DIFF1, .staged_path = staged, .size = 100};
	assert_ok(t, image_commit(&t->s, ID1, CONFIG, CONFIG, strlen(CONFIG), "{}", 2, MANIFEST, &l,
			     1, REPO ":1", REPO "@" MANIFEST, &t->e));
	assert_ok(t, image_commit(&t->s, ID1, CONFIG, CONFIG, strlen(CONFIG), "{}", 2, MANIFEST2,
			     &known, 1, REPO ":2", REPO "@" MANIFEST2, &t->e));
	store_unstage(&t->s, staged, &lock);
	free(staged);
}

/* What the name, or the id, is found with; "" = none. */
static void assert_leads_to(struct test_store *t, const char *name, const char *manifest)
{
	struct image i = {0};
	assert_int_equal(
		image_find(&t->s, *name ? name : ID1, *name ? name : NULL, &i, &t->e), ROW_OK);
	assert_string_equal(i.manifest_digest ? i.manifest_digest : "", manifest);
	image_deinit(&i);
}

static void untag(struct test_store *t, const char *name)
{
	assert_int_equal(image_untag(&t->s, name, &t->e), ROW_OK);
	assert_ok(t, image_manifests_settle(&t->s, &t->e));
}

static void assert_consistent(struct test_store *t)
{
	auto_strv problems = STRV_INIT;
	assert_ok(t, check_row_database(t->s.db, false, &problems, &t->e));
	if (problems.n)
		fail_msg("%s", problems.v[0]);
}

static void each_name_has_its_manifest(void **state)
{
	struct test_store *t = *state;
	struct image *list;
	size_t n;
	commit_two(t);
	assert_leads_to(t, REPO ":1", MANIFEST);
	assert_leads_to(t, REPO ":2", MANIFEST2);
	assert_leads_to(t, REPO "@" MANIFEST2, MANIFEST2);
	assert_leads_to(t, "", MANIFEST);
	assert_int_equal(count(t, "blobs/sha256"), 3);
	assert_ok(t, image_tag(&t->s, ID1, "b:1", MANIFEST2, &t->e));
	assert_ok(t, image_tag(&t->s, ID1, "c:1", NULL, &t->e));
	assert_ok(t, image_tag(&t->s, ID1, "d:1", "sha256:" HEX("00"), &t->e));
	assert_leads_to(t, "b:1", MANIFEST2);
	assert_leads_to(t, "c:1", MANIFEST);
	assert_leads_to(t, "d:1", MANIFEST);
	assert_ok(t, image_list(&t->s, &list, &n, &t->e));
	assert_int_equal(n, 1);
	assert_string_equal(list[0].manifests[0], MANIFEST);
	assert_string_equal(list[0].manifests[1], MANIFEST2);
	assert_null(list[0].manifests[2]);
	assert_string_equal(image_manifest_of(&list[0], REPO ":2"), MANIFEST2);
	assert_string_equal(image_manifest_of(&list[0], REPO "@" MANIFEST), MANIFEST);
	assert_string_equal(image_manifest_of(&list[0], "c:1"), MANIFEST);
	image_list_free(list, n);
	assert_consistent(t);
}

static void a_manifest_goes_with_its_last_name(void **state)
{
	struct test_store *t = *state;
	commit_two(t);
	untag(t, REPO "@" MANIFEST);
	assert_int_equal(count(t, "blobs/sha256"), 3);
	untag(t, REPO ":1");
	assert_int_equal(count(t, "blobs/sha256"), 2);
	assert_leads_to(t, "", MANIFEST2);
	untag(t, REPO ":2");
	untag(t, REPO "@" MANIFEST2);
	/* The last one stays as long as the image. */
	assert_leads_to(t, "", MANIFEST2);
	assert_int_equal(count(t, "blobs/sha256"), 2);
	assert_consistent(t);
	char **gone;
	size_t n;
	assert_ok(t, image_delete(&t->s, ID1, NULL, &gone, &n, &t->e));
	while (n)
		free(gone[--n]);
	free(gone);
	assert_int_equal(count(t, "blobs/sha256"), 0);
}

static void a_manifest_goes_when_its_name_moves(void **state)
{
	struct test_store *t = *state;
	commit_two(t);
	untag(t, REPO "@" MANIFEST2);
	commit_one(t, ID2, DIFF2, REPO ":2");
	/* Two configs and MANIFEST, which commit_one uses, too. */
	assert_int_equal(count(t, "blobs/sha256"), 3);
	assert_leads_to(t, REPO ":1", MANIFEST);
	assert_consistent(t);
}

/* The names are taken one by one before the image goes; the trash has what they led to. */
static void manifests_come_back_from_the_trash(void **state)
{
	struct test_store *t = *state;
	struct image was = {0};
	struct trash_row *rows;
	char **gone, *missing = NULL;
	size_t n, n_gone;
	commit_two(t);
	t->s.keeps = true;
	assert_int_equal(image_find(&t->s, ID1, NULL, &was, &t->e), ROW_OK);
	for (char **name = was.names; *name; name++)
		assert_int_equal(image_untag(&t->s, *name, &t->e), ROW_OK);
	for (char **name = was.digests; *name; name++)
		assert_int_equal(image_untag(&t->s, *name, &t->e), ROW_OK);
	assert_ok(t, image_delete(&t->s, ID1, &was, &gone, &n_gone, &t->e));
	while (n_gone)
		free(gone[--n_gone]);
	free(gone);
	image_deinit(&was);
	assert_ok(t, image_manifests_settle(&t->s, &t->e));
	assert_int_equal(count(t, "blobs/sha256"), 3);
	auto_strv blobs = STRV_INIT;
	assert_ok(t, check_row_blobs(t->s.db, &blobs, &t->e));
	assert_int_equal(blobs.n, 3);
	assert_ok(t, keep_list(&t->s, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_ok(t, keep_restore(&t->s, rows, NULL, &missing, &t->e));
	assert_int_equal(count(t, "blobs/sha256"), 3);
	assert_leads_to(t, REPO ":1", MANIFEST);
	assert_leads_to(t, REPO ":2", MANIFEST2);
	assert_leads_to(t, REPO "@" MANIFEST2, MANIFEST2);
	assert_consistent(t);
	trash_row_deinit(rows);
	free(rows);
}

static void delete_with_names(struct test_store *t)
{
	struct image was = {0};
	char **gone;
	size_t n;
	t->s.keeps = true;
	assert_int_equal(image_find(&t->s, ID1, NULL, &was, &t->e), ROW_OK);
	assert_ok(t, image_delete(&t->s, ID1, &was, &gone, &n, &t->e));
	while (n)
		free(gone[--n]);
	free(gone);
	image_deinit(&was);
}

/* Removed twice: what only the first had is nobody's. */
static void the_trash_has_the_last_of_an_image(void **state)
{
	struct test_store *t = *state;
	commit_two(t);
	delete_with_names(t);
	assert_int_equal(count(t, "blobs/sha256"), 3);
	commit_one(t, ID1, DIFF1, REPO ":1");
	assert_int_equal(count(t, "blobs/sha256"), 3);
	delete_with_names(t);
	assert_int_equal(count(t, "blobs/sha256"), 2);
	assert_consistent(t);
}

/* Under another name it has its own manifest only; freed, none. */
static void the_trash_gives_up_manifests(void **state)
{
	struct test_store *t = *state;
	struct trash_row *rows;
	size_t n;
	for (int is_freed = 0; is_freed < 2; is_freed++) {
		char *missing = NULL;
		commit_two(t);
		delete_with_names(t);
		assert_ok(t, keep_list(&t->s, &rows, &n, &t->e));
		assert_int_equal(n, 1);
		assert_ok(t, is_freed ? keep_free(&t->s, rows, &t->e)
				      : keep_restore(&t->s, rows, "x:1", &missing, &t->e));
		assert_int_equal(count(t, "blobs/sha256"), is_freed ? 0 : 2);
		if (!is_freed)
			assert_leads_to(t, "x:1", MANIFEST);
		assert_consistent(t);
		trash_row_deinit(rows);
		free(rows);
	}
}

/* As another program: the checksums of the pages are left out. */
static void change_database(struct test_store *t, const char *sql)
{
	sqlite3 *db;
	char *path = path_join(t->root, "moss.db"), *why = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	sqlite3_close(db);
	free(path);
}

/* There an image had one manifest, and a name none of its own. */
static void a_store_of_version_6(void **state)
{
	struct test_store *t = *state;
	char *path = store_path(&t->s, "blobs/sha256/%s", HEX("ef"));
	commit_two(t);
	commit_one(t, ID2, DIFF2, "docker.io/library/local:1");
	store_close(&t->s);
	change_database(t, "DROP TABLE image_manifest; ALTER TABLE image_name DROP COLUMN manifest;"
			   "UPDATE image SET manifest_digest = NULL WHERE id = '" ID2 "';"
			   "PRAGMA user_version = 6");
	assert_int_equal(unlink(path), 0);
	free(path);
	test_store_reopen(t);
	/* Tags led to it, and so did its own digest; of another one, or of an index, nothing is
	 * known, so it is taken, too. */
	assert_leads_to(t, REPO ":1", MANIFEST);
	assert_leads_to(t, REPO ":2", MANIFEST);
	assert_leads_to(t, REPO "@" MANIFEST2, MANIFEST);
	struct image i;
	assert_int_equal(image_find(&t->s, ID1, NULL, &i, &t->e), ROW_OK);
	assert_string_equal(i.manifests[0], MANIFEST);
	assert_null(i.manifests[1]);
	assert_string_equal(i.digest_manifests[0], MANIFEST);
	assert_null(i.digest_manifests[1]);
	image_deinit(&i);
	assert_int_equal(image_find(&t->s, "x", "docker.io/library/local:1", &i, &t->e), ROW_OK);
	assert_null(i.manifest_digest);
	assert_null(i.manifests[0]);
	image_deinit(&i);
	assert_consistent(t);
	/* The next pull of the digest says what it leads to. */
	const struct layer_new known = {.diff_id = DIFF1};
	assert_ok(t, image_commit(&t->s, ID1, CONFIG, CONFIG, strlen(CONFIG), "{}", 2, MANIFEST2,
			     &known, 1, NULL, REPO "@" MANIFEST2, &t->e));
	assert_leads_to(t, REPO "@" MANIFEST2, MANIFEST2);
	assert_leads_to(t, REPO ":2", MANIFEST);
	assert_consistent(t);
}

static void the_same_layer_twice_is_one(void **state)
{
	struct test_store *t = *state;
	commit_one(t, ID1, DIFF1, "docker.io/library/a:latest");
	commit_one(t, ID2, DIFF1, "docker.io/library/b:latest");
	assert_int_equal(count(t, "layers"), 1);
	assert_int_equal(count(t, "trash"), 1);
	assert_ok(t, store_purge(&t->s, remove_plainly, &t->e));
	assert_int_equal(count(t, "trash"), 0);
}

static void deleting(void **state)
{
	struct test_store *t = *state;
	commit_one(t, ID1, DIFF1, "docker.io/library/a:latest");
	struct layer_new two[2] = {{.diff_id = DIFF1}, {.diff_id = DIFF2, .size = 11}};
	int lock = -1;
	char *staged = stage_layer(t, &lock);
	two[1].staged_path = staged;
	assert_ok(t, commit(t, ID2, two, 2, "docker.io/library/b:latest"));
	store_unstage(&t->s, staged, &lock);
	free(staged);

	char **gone;
	size_t n;
	assert_ok(t, image_delete(&t->s, ID2, NULL, &gone, &n, &t->e));
	assert_int_equal(n, 2);
	assert_string_equal(gone[0], ID2);
	/* Not the layer's digest, but that of it with the one below. */
	char chain[72] = "sha256:";
	sha256_hex(DIFF1 " " DIFF2, strlen(DIFF1 " " DIFF2), chain + strlen(chain));
	assert_string_equal(gone[1], chain);
	while (n)
		free(gone[--n]);
	free(gone);
	assert_int_equal(count(t, "layers"), 1);
	assert_int_equal(count(t, "blobs/sha256"), 2);
	assert_int_equal(image_delete(&t->s, ID2, NULL, &gone, &n, &t->e), -ENOENT);
	assert_ok(t, image_delete(&t->s, ID1, NULL, &gone, &n, &t->e));
	while (n)
		free(gone[--n]);
	free(gone);
	assert_int_equal(count(t, "layers"), 0);
	assert_int_equal(count(t, "blobs/sha256"), 0);
	assert_int_equal(count(t, "tmp"), 0);
}

static void a_container_keeps_its_layers(void **state)
{
	struct test_store *t = *state;
	commit_one(t, ID1, DIFF1, "docker.io/library/a:latest");
	struct image i;
	assert_int_equal(image_find(&t->s, ID1, NULL, &i, &t->e), ROW_OK);
	struct container_row row = {.id = HEX("cc"),
		.name = (char *)"c",
		.image_id = (char *)ID1,
		.state = (char *)"exited",
		.config = (char *)"{}",
		.driver = (char *)"overlay"};
	assert_int_equal(container_row_insert(t->s.db, &row, (const char *const *)i.layer_ids, 1,
				 NULL, 0, NULL, &t->e),
		ROW_OK);
	image_deinit(&i);
	char **ids, **states, **gone;
	size_t n;
	assert_ok(t, image_users(&t->s, ID1, &ids, &states, &n, &t->e));
	assert_int_equal(n, 1);
	assert_string_equal(ids[0], HEX("cc"));
	assert_string_equal(states[0], "exited");
	free(ids[0]);
	free(states[0]);
	free(ids);
	free(states);
	assert_ok(t, image_delete(&t->s, ID1, NULL, &gone, &n, &t->e));
	assert_int_equal(n, 1);
	free(gone[0]);
	free(gone);
	assert_int_equal(count(t, "layers"), 1);
}

static void a_missing_layer_stops_the_commit(void **state)
{
	struct test_store *t = *state;
	struct layer_new l = {.diff_id = DIFF1};
	struct image i;
	assert_int_equal(commit(t, ID1, &l, 1, "docker.io/library/a:latest"), -EAGAIN);
	assert_int_equal(image_find(&t->s, ID1, NULL, &i, &t->e), ROW_ABSENT);
	assert_int_equal(count(t, "blobs/sha256"), 0);
	assert_int_equal(count(t, "tmp"), 0);
}

static void the_dead_leave_nothing(void **state)
{
	struct test_store *t = *state;
	int lock = -1, alive = -1;
	char *staged = stage_layer(t, &lock), *dir = NULL;
	assert_ok(t, store_container_new(&t->s, HEX("cd"), &dir, &alive, &t->e));
	store_sweep(&t->s);
	assert_int_equal(count(t, "tmp"), 3);
	assert_int_equal(count(t, "containers"), 1);
	/* As after a kill in the middle of image_commit: a layer in place, listed, without a row.
	 */
	char *layer = store_path(&t->s, "layers/0123456789");
	char *intent = path_join(staged, "intent");
	assert_int_equal(mkdir(layer, 0700), 0);
	assert_ok(t, write_file_at(AT_FDCWD, intent, "layers/0123456789\nlayers/../x", 29, 0600,
			     false, &t->e));
	close(lock);
	close(alive);
	store_sweep(&t->s);
	assert_int_equal(count(t, "tmp"), 0);
	assert_int_equal(count(t, "containers"), 0);
	assert_int_equal(count(t, "layers"), 0);
	assert_ok(t, store_purge(&t->s, remove_plainly, &t->e));
	assert_int_equal(count(t, "trash"), 0);
	free(staged);
	free(dir);
	free(layer);
	free(intent);
}

static void a_begun_removal_is_finished(void **state)
{
	struct test_store *t = *state;
	struct container_row row = {.id = HEX("cc"),
		.name = (char *)"c",
		.state = (char *)"created",
		.config = (char *)"{}",
		.driver = (char *)"overlay"};
	char *dir = NULL;
	int alive = -1;
	assert_ok(t, store_container_new(&t->s, row.id, &dir, &alive, &t->e));
	free(dir);
	assert_int_equal(
		container_row_insert(t->s.db, &row, NULL, 0, NULL, 0, NULL, &t->e), ROW_OK);
	store_container_settled(&t->s, row.id);
	assert_int_equal(container_row_set_removing(t->s.db, row.id, false, &t->e), ROW_OK);
	store_sweep(&t->s);
	assert_int_equal(count(t, "containers"), 1);
	close(alive);
	store_close(&t->s);
	test_store_reopen(t);
	assert_int_equal(count(t, "containers"), 0);
	assert_int_equal(container_row_find(t->s.db, "c", &row, &t->e), ROW_ABSENT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, test_store_new, test_store_drop)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(committed_and_found),
		T(finding),
		T(a_name_moves),
		T(each_name_has_its_manifest),
		T(a_manifest_goes_with_its_last_name),
		T(a_manifest_goes_when_its_name_moves),
		T(manifests_come_back_from_the_trash),
		T(the_trash_gives_up_manifests),
		T(the_trash_has_the_last_of_an_image),
		T(a_store_of_version_6),
		T(the_same_layer_twice_is_one),
		T(deleting),
		T(a_container_keeps_its_layers),
		T(a_missing_layer_stops_the_commit),
		T(the_dead_leave_nothing),
		T(a_begun_removal_is_finished),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
