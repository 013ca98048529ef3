/* Resolution below a root, with the kernel's openat2 and with our own walk (openat2 refused by a
 * seccomp filter): both must give the same answers. */
#include "tests/unit/unit.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[] = "/tmp/moss-unit-path.XXXXXX";
static int root_fd;

static void make_file(const char *name, const char *text)
{
	int fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	auto_fd outer = open(top, O_PATH | O_DIRECTORY);
	mkdirat(outer, "root", 0755);
	root_fd = openat(outer, "root", O_PATH | O_DIRECTORY);
	int fd = openat(outer, "secret", O_WRONLY | O_CREAT, 0644);
	close(fd);
	mkdirat(root_fd, "a", 0755);
	mkdirat(root_fd, "a/b", 0755);
	make_file("a/b/f", "inside");
	make_file("secret", "mine");
	(void)!symlinkat("/a/b", root_fd, "abs");
	(void)!symlinkat("../../../../secret", root_fd, "a/up");
	(void)!symlinkat("loop", root_fd, "loop");
	(void)!symlinkat("/proc/self/root", root_fd, "magic");
	(void)!symlinkat("missing/x", root_fd, "dangling");
	(void)!symlinkat("a", root_fd, "a2");
	return 0;
}

static int group_teardown(void **state)
{
	struct err e;
	(void)state;
	close(root_fd);
	return path_remove_at(AT_FDCWD, top, &e);
}

static char *content(const char *path)
{
	static char text[32];
	int fd = path_open_in(root_fd, path, O_RDONLY, 0);
	if (fd < 0)
		return strcpy(text, strerrorname_np(-fd));
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(fd);
	return text;
}

static int is_folder(const char *path)
{
	auto_fd fd = path_open_in(root_fd, path, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? fd : 1;
}

static void check_plain(void)
{
	auto_fd file = path_open_plain(root_fd, "a/b/f", O_RDONLY);
	auto_fd folder = path_open_plain(root_fd, "a//b/", O_RDONLY | O_DIRECTORY);
	auto_fd root = path_open_plain(root_fd, "", O_RDONLY | O_DIRECTORY);
	assert_true(file >= 0 && folder >= 0 && root >= 0);
	int over_link = path_open_plain(root_fd, "abs/f", O_RDONLY);
	assert_true(over_link == -ELOOP || over_link == -ENOTDIR);
	assert_int_equal(path_open_plain(root_fd, "a/up", O_RDONLY), -ELOOP);
	assert_int_equal(path_open_plain(root_fd, "/a/b/f", O_RDONLY), -EXDEV);
	assert_int_equal(path_open_plain(root_fd, "a/../a/b/f", O_RDONLY), -EXDEV);
	assert_int_equal(path_open_plain(root_fd, "..", O_RDONLY), -EXDEV);
	assert_int_equal(path_open_plain(root_fd, "a/..f", O_RDONLY), -ENOENT);
}

static void check_resolution(void)
{
	assert_string_equal(content("a/b/f"), "inside");
	assert_string_equal(content("/a/b/f"), "inside");
	assert_string_equal(content("abs/f"), "inside");
	assert_string_equal(content("a/../a/./b//f"), "inside");
	assert_string_equal(content("../../../secret"), "mine");
	assert_string_equal(content("a/up"), "mine");
	assert_string_equal(content("a/b/f/x"), "ENOTDIR");
	assert_string_equal(content("loop"), "ELOOP");
	assert_string_equal(content("dangling"), "ENOENT");
	assert_string_equal(content("magic/etc/passwd"), "ENOENT");
	assert_int_equal(is_folder("/"), 1);
	assert_int_equal(is_folder(""), 1);
	assert_int_equal(is_folder("a/b/.."), 1);
	assert_int_equal(path_open_in(root_fd, "abs", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
	auto_fd made = path_mkdirs_in(root_fd, "a2/n1/n2", 0750);
	assert_true(made >= 0);
	assert_int_equal(is_folder("a/n1/n2"), 1);
	auto_fd behind = path_mkdirs_in(root_fd, "dangling/y", 0755);
	assert_true(behind >= 0);
	assert_int_equal(is_folder("missing/x/y"), 1);
	assert_int_equal(path_mkdirs_in(root_fd, "loop/y", 0755), -ELOOP);
	assert_int_equal(path_mkdirs_in(root_fd, "a/b/f/y", 0755), -ENOTDIR);
	const char *last;
	auto_fd parent = path_open_parent_in(root_fd, "/abs/new", 0, &last);
	assert_true(parent >= 0);
	assert_string_equal(last, "new");
	assert_int_equal(path_open_parent_in(root_fd, "/", 0, &last), -EINVAL);
	assert_int_equal(path_open_parent_in(root_fd, "a/..", 0, &last), -EINVAL);
	auto_fd created = path_open_in(root_fd, "abs/made", O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(created >= 0);
	assert_int_equal(unlinkat(root_fd, "a/b/made", 0), 0);
	struct err e;
	assert_int_equal(path_remove_at(root_fd, "a/n1", &e), 0);
	assert_int_equal(path_remove_at(root_fd, "missing", &e), 0);
	check_plain();
}

static void resolves_with_openat2(void **state)
{
	(void)state;
	check_resolution();
}

static void resolves_without_openat2(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
		if (!ctx || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat2), 0) ||
			seccomp_load(ctx))
			_exit(3);
		seccomp_release(ctx);
		check_resolution();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void cleans_like_go(void **state)
{
	static const char *const cases[][2] = {{"", "."}, {"/", "/"}, {"//a//b/", "/a/b"},
		{"a/../b", "b"}, {"../a", "../a"}, {"/../a", "/a"}, {"a/./b/..", "a"}, {"./x", "x"},
		{"a/../..", ".."}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *got = path_clean(cases[i][0]);
		assert_string_equal(got, cases[i][1]);
	}
}

static void removal_follows_nothing(void **state)
{
	struct err e;
	(void)state;
	mkdirat(root_fd, "gone", 0755);
	mkdirat(root_fd, "gone/deep", 0755);
	(void)!symlinkat("../a", root_fd, "gone/link");
	make_file("gone/deep/f", "x");
	(void)!fchmodat(root_fd, "gone/deep", 0, 0);
	assert_int_equal(path_remove_at(root_fd, "gone", &e), 0);
	assert_int_equal(faccessat(root_fd, "gone", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_string_equal(content("a/b/f"), "inside");
	assert_int_equal(path_remove_at(root_fd, "gone", &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolves_with_openat2),
		cmocka_unit_test(resolves_without_openat2),
		cmocka_unit_test(cleans_like_go),
		cmocka_unit_test(removal_follows_nothing),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
