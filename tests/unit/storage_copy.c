#include "tests/unit/storage_store.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "storage/copy.h"

struct trees {
	char dir[64];
	int from, to;
	struct err e;
};

static int open_dir_at(int at, const char *name)
{
	assert_true(mkdirat(at, name, 0755) == 0 || errno == EEXIST);
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int make_trees(void **state)
{
	struct trees *t = xcalloc(1, sizeof(*t));
	const char *tmp = getenv("TMPDIR");
	snprintf(t->dir, sizeof(t->dir), "%s/moss-copy.XXXXXX",
		tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(t->dir));
	int top = open(t->dir, O_PATH | O_CLOEXEC);
	t->from = open_dir_at(top, "from");
	t->to = open_dir_at(top, "to");
	close(top);
	*state = t;
	return 0;
}

static int drop_trees(void **state)
{
	struct trees *t = *state;
	close(t->from);
	close(t->to);
	int r = path_remove_at(AT_FDCWD, t->dir, &t->e);
	free(t);
	return r;
}

static void put(int at, const char *name, const char *text, mode_t mode)
{
	int fd = openat(at, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void assert_text(int at, const char *name, const char *text)
{
	struct buf b = BUF_INIT;
	struct err e = {0};
	assert_int_equal(read_file_at(at, name, 4096, &b, &e), 0);
	assert_string_equal(b.data ? b.data : "", text);
	buf_free(&b);
}

static void everything_of_a_file(void **state)
{
	struct trees *t = *state;
	struct stat a, b;
	put(t->from, "f", "hello", 0640);
	int fd = openat(t->from, "f", O_RDWR | O_CLOEXEC);
	const struct timespec times[2] = {{1000000000, 1}, {1000000001, 123456789}};
	if (fsetxattr(fd, "user.note", "x y", 3, 0) < 0)
		assert_int_equal(errno, ENOTSUP);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	assert_int_equal(linkat(t->from, "f", t->from, "g", 0), 0);
	assert_int_equal(symlinkat("/f", t->from, "s"), 0);
	assert_int_equal(mkfifoat(t->from, "p", 0600), 0);
	assert_int_equal(fchmodat(t->from, "p", 0622, 0), 0);
	close(open_dir_at(t->from, "d"));
	put(t->from, "d/in", "in", 04711);
	assert_int_equal(fchmodat(t->from, "d", 0511, 0), 0);

	assert_ok(t, copy_tree(t->from, t->to, COPY_PLAIN, &t->e));
	assert_text(t->to, "f", "hello");
	assert_int_equal(fstatat(t->from, "f", &a, 0), 0);
	assert_int_equal(fstatat(t->to, "f", &b, 0), 0);
	assert_int_equal(a.st_mode, b.st_mode);
	assert_int_equal(b.st_mtim.tv_sec, 1000000001);
	assert_int_equal(b.st_mtim.tv_nsec, 123456789);
	assert_int_equal(b.st_nlink, 2);
	fd = openat(t->to, "g", O_RDONLY | O_CLOEXEC);
	char value[8] = "";
	ssize_t n = fgetxattr(fd, "user.note", value, sizeof(value));
	assert_true(n == 3 ? !memcmp(value, "x y", 3) : errno == ENOTSUP);
	close(fd);
	assert_int_equal(readlinkat(t->to, "s", value, sizeof(value)), 2);
	assert_int_equal(fstatat(t->to, "p", &b, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISFIFO(b.st_mode));
	assert_int_equal(b.st_mode & 07777, 0622);
	assert_int_equal(fstatat(t->to, "d/in", &b, 0), 0);
	assert_int_equal(b.st_mode & 07777, 04711);
	assert_int_equal(fstatat(t->to, "d", &b, 0), 0);
	assert_int_equal(b.st_mode & 07777, 0511);
}

static void holes_stay(void **state)
{
	struct trees *t = *state;
	struct stat a, b;
	int fd = openat(t->from, "sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, "end", 3, 64 << 20), 3);
	assert_int_equal(fstat(fd, &a), 0);
	close(fd);
	assert_ok(t, copy_tree(t->from, t->to, COPY_PLAIN, &t->e));
	assert_int_equal(fstatat(t->to, "sparse", &b, 0), 0);
	assert_int_equal(b.st_size, a.st_size);
	assert_true(b.st_blocks <= a.st_blocks + 16);
	fd = openat(t->to, "sparse", O_RDONLY | O_CLOEXEC);
	char end[4] = "";
	assert_int_equal(pread(fd, end, 3, 64 << 20), 3);
	assert_string_equal(end, "end");
	close(fd);
}

static void what_stands_in_the_way_is_replaced(void **state)
{
	struct trees *t = *state;
	struct stat st;
	put(t->from, "a", "new", 0644);
	close(open_dir_at(t->from, "b"));
	put(t->from, "b/x", "x", 0644);
	close(open_dir_at(t->to, "a"));
	put(t->to, "a/old", "old", 0644);
	put(t->to, "b", "file", 0644);
	put(t->to, "kept", "kept", 0644);
	assert_ok(t, copy_tree(t->from, t->to, COPY_PLAIN, &t->e));
	assert_text(t->to, "a", "new");
	assert_text(t->to, "b/x", "x");
	assert_text(t->to, "kept", "kept");
	assert_int_equal(fstatat(t->to, "a", &st, 0), 0);
	assert_true(S_ISREG(st.st_mode));
}

/* A link in the target that points out of it is replaced, never followed. */
static void nothing_is_written_through_a_link(void **state)
{
	struct trees *t = *state;
	char *outside = path_join(t->dir, "outside");
	put(AT_FDCWD, outside, "untouched", 0644);
	assert_int_equal(symlinkat(outside, t->to, "f"), 0);
	assert_int_equal(symlinkat(t->dir, t->to, "d"), 0);
	put(t->from, "f", "inside", 0644);
	close(open_dir_at(t->from, "d"));
	put(t->from, "d/outside", "inside", 0644);
	assert_ok(t, copy_tree(t->from, t->to, COPY_PLAIN, &t->e));
	assert_text(AT_FDCWD, outside, "untouched");
	assert_text(t->to, "f", "inside");
	assert_text(t->to, "d/outside", "inside");
	free(outside);
}

static void an_opaque_folder_hides_what_was(void **state)
{
	struct trees *t = *state;
	int d = open_dir_at(t->from, "d");
	put(t->from, "d/new", "new", 0644);
	close(open_dir_at(t->to, "d"));
	put(t->to, "d/old", "old", 0644);
	if (fsetxattr(d, "user.overlay.opaque", "y", 1, 0) < 0)
		skip();
	close(d);
	assert_ok(t, copy_tree(t->from, t->to, COPY_LAYER, &t->e));
	assert_text(t->to, "d/new", "new");
	assert_int_equal(faccessat(t->to, "d/old", F_OK, 0), -1);
	d = openat(t->to, "d", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(d, "user.overlay.opaque", NULL, 0), -1);
	close(d);
}

static void many_names(void **state)
{
	struct trees *t = *state;
	struct stat st;
	for (int i = 0; i < 400; i++) {
		char name[32], other[32];
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(other, sizeof(other), "g%d", i);
		put(t->from, name, name, 0644);
		assert_int_equal(linkat(t->from, name, t->from, other, 0), 0);
	}
	assert_ok(t, copy_tree(t->from, t->to, COPY_PLAIN, &t->e));
	for (int i = 0; i < 400; i++) {
		char name[32], other[32];
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(other, sizeof(other), "g%d", i);
		assert_int_equal(fstatat(t->to, name, &st, 0), 0);
		assert_int_equal(st.st_nlink, 2);
		assert_text(t->to, other, name);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_trees, drop_trees)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(everything_of_a_file),
		T(holes_stay),
		T(what_stands_in_the_way_is_replaced),
		T(nothing_is_written_through_a_link),
		T(an_opaque_folder_hides_what_was),
		T(many_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
