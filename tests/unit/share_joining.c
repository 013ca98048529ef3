/* share_joining: what a killed join leaves in a recorded layer, and how it is put right. Two layers
 * with one file each, of the same path. */
#include "storage/share_joining.h"
#include "storage/share_link.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct timespec times[2] = {{1000, 1}, {2000, 2}};
static const char path[] = "usr/lib/f", folder[] = "aaaa/diff/usr/lib";

struct fixture {
	char dir[64];
	int layers;
};

static void make_layer(int layers, const char *id)
{
	struct err e;
	auto_free char *lib = xasprintf("%s/diff/usr/lib", id);
	auto_free char *file = xasprintf("%s/f", lib);
	auto_fd made = path_mkdirs_in(layers, lib, 0755);
	assert_true(made >= 0);
	assert_int_equal(write_file_at(layers, file, "x", 1, 0644, false, &e), 0);
	assert_int_equal(utimensat(layers, lib, times, 0), 0);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	strcpy(f->dir, "/tmp/share-joining.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->layers = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_layer(f->layers, "aaaa");
	make_layer(f->layers, "bbbb");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e;
	close(f->layers);
	assert_int_equal(path_remove_at(AT_FDCWD, f->dir, &e), 0);
	free(f);
	return 0;
}

static void note(const struct fixture *f)
{
	struct err e;
	auto_strv paths = STRV_INIT;
	strv_add(&paths, path);
	assert_int_equal(share_joining_note(f->layers, "aaaa", &paths, &e), 0);
}

static int settle(const struct fixture *f, const char *busy)
{
	struct err e;
	auto_strv list = STRV_INIT;
	if (busy)
		strv_add(&list, busy);
	return share_joining_settle(f->layers, "aaaa", &list, &e);
}

static bool is_there(const struct fixture *f, const char *name)
{
	return faccessat(f->layers, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct stat look(const struct fixture *f, const char *name)
{
	struct stat st;
	assert_int_equal(fstatat(f->layers, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void test_nothing(void **state) { assert_int_equal(settle(*state, NULL), 0); }

static void test_time(void **state)
{
	struct fixture *f = *state;
	struct err e;
	note(f);
	assert_int_equal(
		write_file_at(f->layers, "aaaa/diff/usr/lib/f", "x", 1, 0644, false, &e), 0);
	assert_true(look(f, folder).st_mtim.tv_sec != 2000);
	assert_int_equal(settle(f, "bbbb"), 0);
	struct stat st = look(f, folder);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	assert_int_equal(st.st_mtim.tv_nsec, 2);
	assert_false(is_there(f, "aaaa/" SHARE_JOINING));
}

/* Nothing was done yet: nothing is touched. */
static void test_untouched(void **state)
{
	struct fixture *f = *state;
	struct stat before = look(f, folder), after;
	note(f);
	assert_int_equal(settle(f, NULL), 0);
	after = look(f, folder);
	assert_int_equal(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
	assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

/* A name of a file that a running container has is not removed under it. */
static void test_busy(void **state)
{
	struct fixture *f = *state;
	note(f);
	assert_int_equal(
		linkat(f->layers, "bbbb/diff/usr/lib/f", f->layers, "aaaa/" SHARE_LINK_TEMP, 0), 0);
	struct stat before = look(f, "bbbb/diff/usr/lib/f"), after;
	assert_int_equal(settle(f, "bbbb"), 1);
	after = look(f, "bbbb/diff/usr/lib/f");
	assert_int_equal(after.st_nlink, 2);
	assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
	assert_true(is_there(f, "aaaa/" SHARE_JOINING));
	assert_int_equal(settle(f, "cccc"), 0);
	assert_int_equal(look(f, "bbbb/diff/usr/lib/f").st_nlink, 1);
	assert_false(is_there(f, "aaaa/" SHARE_LINK_TEMP));
	assert_false(is_there(f, "aaaa/" SHARE_JOINING));
}

static void test_damaged(void **state)
{
	static const char *const texts[] = {"", "moss-join", "moss-joining 1\nshort",
		"moss-joining 1\n0123456789abcdefusr/lib/f"};
	struct fixture *f = *state;
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(write_file_at(f->layers, "aaaa/" SHARE_JOINING, texts[i],
					 strlen(texts[i]), 0600, false, &e),
			0);
		assert_true(settle(f, NULL) < 0);
	}
	/* Out of the layer. */
	char out[] = "moss-joining 1\n0123456789abcdef../../bbbb/diff/usr";
	assert_int_equal(
		write_file_at(f->layers, "aaaa/" SHARE_JOINING, out, sizeof(out), 0600, false, &e),
		0);
	assert_true(settle(f, NULL) < 0);
	assert_int_equal(look(f, "bbbb/diff/usr/lib").st_mtim.tv_sec, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_untouched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
