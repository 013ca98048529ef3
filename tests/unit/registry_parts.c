#include "registry/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"

#define ONE "sha256:1111111111111111111111111111111111111111111111111111111111111111"

struct fixture {
	char dir[64];
	int root;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->dir, "/tmp/moss-parts.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->root = open(f->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct err e;
	close(f->root);
	int r = path_remove_at(AT_FDCWD, f->dir, &e);
	free(f);
	return r;
}

static void test_one_holder(void **state)
{
	const struct fixture *f = *state;
	struct err e = {0};
	auto_fd parts = parts_open(f->root, &e);
	assert_true(parts >= 0);
	int fd = parts_take(parts, ONE, &e);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(parts_take(parts, ONE, &e), PARTS_BUSY);
	close(fd);
	fd = parts_take(parts, ONE, &e);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 3);
	/* Dropped: the next one has a new file though the old lock still lives. */
	parts_drop(parts, ONE);
	auto_fd next = parts_take(parts, ONE, &e);
	assert_true(next >= 0);
	assert_int_equal(fstat(next, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
}

static void test_names_are_digests(void **state)
{
	const struct fixture *f = *state;
	struct err e = {0};
	auto_fd parts = parts_open(f->root, &e);
	assert_int_equal(parts_take(parts, "sha256:../../x", &e), -EINVAL);
	assert_int_equal(parts_take(parts, "../x", &e), -EINVAL);
	assert_int_equal(parts_take(parts, "", &e), -EINVAL);
	/* A link in its place is not followed. */
	assert_int_equal(symlinkat("/tmp/moss-parts-target", parts, ONE), 0);
	assert_true(parts_take(parts, ONE, &e) < 0);
	assert_int_not_equal(access("/tmp/moss-parts-target", F_OK), 0);
}

static void test_stale_ones_go(void **state)
{
	const struct fixture *f = *state;
	struct err e = {0};
	int parts = parts_open(f->root, &e);
	auto_fd fd = parts_take(parts, ONE, &e);
	struct timespec old[2] = {{.tv_sec = time(NULL) - 8 * 24 * 3600}, {0}};
	old[1] = old[0];
	assert_int_equal(futimens(fd, old), 0);
	close(parts);
	/* Held: stays. */
	parts = parts_open(f->root, &e);
	assert_int_equal(faccessat(parts, ONE, F_OK, 0), 0);
	close(parts);
	close(take_fd(fd));
	parts = parts_open(f->root, &e);
	assert_int_not_equal(faccessat(parts, ONE, F_OK, 0), 0);
	int young = parts_take(parts, ONE, &e);
	assert_int_equal(write(young, "x", 1), 1);
	close(parts_sums(parts, ONE));
	close(young);
	close(parts);
	parts = parts_open(f->root, &e);
	assert_int_equal(faccessat(parts, ONE, F_OK, 0), 0);
	assert_int_equal(faccessat(parts, ONE ".sums", F_OK, 0), 0);
	close(parts);
}

/* An empty one is what a commit has used; unless the layer made of it lies beside it. */
static void test_empty_ones_go(void **state)
{
	const struct fixture *f = *state;
	struct err e = {0};
	auto_fd parts = parts_open(f->root, &e);
	close(parts_take(parts, ONE, &e));
	close(parts_sums(parts, ONE));
	assert_int_equal(mkdirat(parts, ONE ".layer", 0700), 0);
	close(parts_open(f->root, &e));
	assert_int_equal(faccessat(parts, ONE, F_OK, 0), 0);
	assert_int_equal(unlinkat(parts, ONE ".layer", AT_REMOVEDIR), 0);
	close(parts_open(f->root, &e));
	assert_int_not_equal(faccessat(parts, ONE, F_OK, 0), 0);
	assert_int_not_equal(faccessat(parts, ONE ".sums", F_OK, 0), 0);
}

static void test_clear(void **state)
{
	const struct fixture *f = *state;
	struct err e = {0};
	auto_fd parts = parts_open(f->root, &e);
	auto_fd fd = parts_take(parts, ONE, &e);
	parts_clear(parts);
	assert_int_equal(faccessat(parts, ONE, F_OK, 0), 0);
	close(take_fd(fd));
	parts_clear(parts);
	assert_int_not_equal(faccessat(parts, ONE, F_OK, 0), 0);
}

static int64_t disk_of(int parts, const char *name)
{
	struct stat st;
	assert_int_equal(fstatat(parts, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(st.st_blocks > 0);
	return (int64_t)st.st_blocks * 512;
}

static void write_some(int taken_fd)
{
	static const char some[20000] = "x";
	assert_int_equal(write(taken_fd, some, sizeof(some)), (ssize_t)sizeof(some));
	assert_int_equal(fsync(taken_fd), 0); /* has its blocks now */
	close(taken_fd);
}

/* What is beside a part counts, also where the part itself is gone. */
static void test_clear_tells_all_it_frees(void **state)
{
	const struct fixture *f = *state;
	struct err e = {0};
	auto_fd parts = parts_open(f->root, &e);
	write_some(parts_take(parts, ONE, &e));
	write_some(parts_sums(parts, ONE));
	int64_t disk = disk_of(parts, ONE) + disk_of(parts, ONE ".sums");
	assert_int_equal(parts_clear(parts), disk);
	write_some(parts_sums(parts, ONE));
	disk = disk_of(parts, ONE ".sums");
	assert_int_equal(parts_clear(parts), disk);
	assert_int_equal(parts_clear(parts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_holder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names_are_digests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stale_ones_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty_ones_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clear, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clear_tells_all_it_frees, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
