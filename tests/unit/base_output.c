/* Files and folders that take their name in the end, and the guard of those that need another one
 * until then, whose maker is killed. */
#include "tests/unit/unit.h"
#include "base/err.h"
#include "base/io.h"
#include "base/output.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[] = "/tmp/moss-unit-output.XXXXXX";

static int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) && chdir(top) == 0 ? 0 : -1;
}

static int drop_top(void **state)
{
	struct err e;
	(void)state;
	return path_remove_at(AT_FDCWD, top, &e);
}

static int entries(const char *name)
{
	int n = 0;
	auto_dir d = opendir(name);
	while (readdir(d))
		n++;
	return n - 2;
}

static void assert_text(const char *name, const char *text)
{
	auto_buf got = BUF_INIT;
	struct err e;
	assert_int_equal(read_file(name, 100, &got, &e), 0);
	assert_int_equal(got.len, strlen(text));
	assert_memory_equal(got.data, text, got.len);
}

static void write_file(const char *name, const char *text, bool commit)
{
	struct err e;
	auto_output o = OUTPUT_INIT;
	assert_int_equal(output_file(&o, name, &e), 0);
	assert_int_equal(write_all(o.fd, text, strlen(text)), 0);
	if (commit)
		assert_int_equal(output_commit(&o, &e), 0);
}

static void a_file_is_new_replaced_or_left(void **state)
{
	struct stat st;
	(void)state;
	assert_int_equal(mkdir("a", 0755), 0);
	write_file("a/f", "none", false);
	assert_int_equal(entries("a"), 0);
	write_file("a/f", "one", true);
	assert_text("a/f", "one");
	assert_int_equal(stat("a/f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	write_file("a/f", "two", false);
	assert_text("a/f", "one");
	write_file("a/f", "three", true);
	assert_text("a/f", "three");
	assert_int_equal(symlink("f", "a/link"), 0);
	write_file("a/link", "four", true);
	assert_text("a/f", "three");
	assert_text("a/link", "four");
	assert_int_equal(entries("a"), 2);
}

static void a_folder_is_not_replaced_unless_it_is_empty(void **state)
{
	struct err e;
	struct stat st;
	(void)state;
	assert_int_equal(mkdir("b", 0755), 0);
	for (int i = 0; i < 3; i++) {
		auto_output o = OUTPUT_INIT;
		assert_int_equal(output_folder(&o, "b/d/", &e), 0);
		assert_int_equal(write_file_at(o.fd, "f", "x", 1, 0600, false, &e), 0);
		assert_int_equal(entries("b"), i < 2 ? 1 : 2);
		if (i == 1)
			assert_int_equal(mkdir("b/d", 0700), 0);
		if (i > 0)
			assert_int_equal(output_commit(&o, &e), 0);
		if (i == 1)
			assert_int_equal(path_remove_at(AT_FDCWD, "b/d", &e), 0);
		if (i == 1)
			assert_int_equal(mkdir("b/d", 0700), 0);
	}
	assert_int_equal(stat("b/d", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_text("b/d/f", "x");
	assert_int_equal(entries("b"), 1);
	auto_output o = OUTPUT_INIT;
	assert_int_equal(output_folder(&o, "b/d", &e), -ENOTEMPTY);
	assert_non_null(strstr(e.msg, "b/d is not empty"));
	auto_output p = OUTPUT_INIT;
	assert_int_equal(output_folder(&p, "b/d/f", &e), -ENOTDIR);
}

/* The whole process group of the maker, as by Ctrl-C, at once after the guard has been started. */
static void killed(bool is_folder, int sig)
{
	int ready[2];
	char word;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err e;
		struct guard g;
		int dir = open("c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)setsid();
		if (guard_start(&g, dir, "t", &e) < 0 ||
			(is_folder ? mkdirat(dir, "t", 0500)
				   : openat(dir, "t", O_CREAT | O_CLOEXEC, 0600)) < 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &word, 1), 1);
	assert_int_equal(entries("c"), 1);
	assert_int_equal(kill(-pid, sig), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 30000 && entries("c"); i++)
		usleep(1000);
	assert_int_equal(entries("c"), 0);
	close(ready[0]);
}

static void a_guard_outlives_its_maker(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGKILL};
	(void)state;
	assert_int_equal(mkdir("c", 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		killed(true, signals[i]);
		killed(false, signals[i]);
	}
}

static void a_guard_that_is_told_leaves_it(void **state)
{
	struct err e;
	struct guard g;
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	int dir = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(guard_start(&g, dir, "t", &e), 0);
	assert_int_equal(mkdirat(dir, "t", 0700), 0);
	guard_end(&g);
	assert_int_equal(entries("d"), 1);
	close(dir);
}

/* One guard for several names: of what it was told only the last goes, and nothing after forget. */
static void watched(const char *last_dir, const char *last)
{
	int ready[2];
	char word;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err e;
		struct guard g;
		int dir = open("w/a", O_PATH | O_DIRECTORY | O_CLOEXEC);
		int other = open("w/b", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (guard_start_idle(&g, -1, NULL, &e) < 0 || guard_watch(&g, dir, "one", &e) < 0 ||
			guard_watch(&g, dir, "two", &e) < 0)
			_exit(1);
		if (*last && guard_watch(&g, *last_dir == 'a' ? dir : other, last, &e) < 0)
			_exit(1);
		if (!*last)
			guard_forget(&g);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &word, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
}

static void make_watched(void)
{
	static const char *const files[] = {"w/a/one", "w/a/two", "w/b/one", "w/b/two"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		close(open(files[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void wait_for_entries(const char *dir, int n)
{
	for (int i = 0; i < 30000 && entries(dir) != n; i++)
		usleep(1000);
	assert_int_equal(entries(dir), n);
}

static void a_guard_watches_one_name_after_the_other(void **state)
{
	(void)state;
	assert_int_equal(mkdir("w", 0755), 0);
	assert_int_equal(mkdir("w/a", 0755), 0);
	assert_int_equal(mkdir("w/b", 0755), 0);
	make_watched();
	watched("b", "one");
	wait_for_entries("w/b", 1);
	assert_int_equal(entries("w/a"), 2);
	assert_int_equal(access("w/b/two", F_OK), 0);
	make_watched();
	watched("a", "two");
	wait_for_entries("w/a", 1);
	assert_int_equal(entries("w/b"), 2);
	make_watched();
	watched("", "");
	watched("b", "two"); /* by the time it is done the one before is, too */
	wait_for_entries("w/b", 1);
	assert_int_equal(entries("w/a"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_new_replaced_or_left),
		cmocka_unit_test(a_folder_is_not_replaced_unless_it_is_empty),
		cmocka_unit_test(a_guard_outlives_its_maker),
		cmocka_unit_test(a_guard_that_is_told_leaves_it),
		cmocka_unit_test(a_guard_watches_one_name_after_the_other),
	};
	return cmocka_run_group_tests(tests, make_top, drop_top);
}
