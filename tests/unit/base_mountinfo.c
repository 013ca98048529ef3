/* mountinfo and lend: the kernel's table of a namespace of our own, with names that need escapes. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/lend.h"
#include "base/mountinfo.h"
#include "tests/unit/unit.h"

static int count(void *arg, const char *point, const char *type)
{
	int *n = arg;
	assert_true(*point == '/' && *type);
	return ++*n == 3 ? 7 : 0;
}

static void each_stops_where_it_is_told(void **state)
{
	(void)state;
	struct err e = {0};
	int n = 0;
	assert_int_equal(mountinfo_each(0, count, &n, &e), 7);
	assert_int_equal(n, 3);
	assert_true(mountinfo_each(1 << 30, count, &n, &e) < 0);
}

static void has_knows_mount_points_from_folders(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(mountinfo_has("/", &e), 1);
	assert_int_equal(mountinfo_has("/proc", &e), 1);
	assert_int_equal(mountinfo_has("/proc/self/task", &e), 0);
	assert_int_equal(mountinfo_has("/no/such/folder", &e), 0);
	assert_false(mountinfo_is_dead("/"));
}

/* In a namespace of its own, on a name with what the table escapes. */
static int mount_odd_name(void *arg, struct err *e)
{
	const char *folder = arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return err_sys(e, "cannot make a namespace");
	if (mountinfo_has(folder, e) != 0)
		return err_set(e, EINVAL, "a mount too early");
	if (mount("none", folder, "tmpfs", 0, NULL) < 0)
		return err_sys(e, "cannot mount");
	if (mountinfo_has(folder, e) != 1)
		return err_set(e, EINVAL, "the mount is not found");
	return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void escapes_are_undone_and_descriptors_come_back(void **state)
{
	(void)state;
	struct err e = {0};
	struct stat inside, outside;
	char folder[] = "/tmp/odd \t\\name\n XXXXXX";
	assert_non_null(mkdtemp(folder));
	int fd = lend_call(mount_odd_name, folder, &e);
	if (fd < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(fstat(fd, &inside), 0);
	assert_int_equal(stat(folder, &outside), 0);
	assert_true(inside.st_dev != outside.st_dev);
	assert_int_equal(mountinfo_has(folder, &e), 0);
	close(fd);
	assert_int_equal(rmdir(folder), 0);
}

static int fail_with_words(void *arg, struct err *e)
{
	return err_set(e, EXDEV, "words of %s", (const char *)arg);
}

static int die(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	_exit(3);
}

static void lend_brings_errors_and_tells_of_deaths(void **state)
{
	(void)state;
	struct err e = {0};
	char who[] = "the child";
	assert_int_equal(lend_call(fail_with_words, who, &e), -EXDEV);
	assert_string_equal(e.msg, "words of the child");
	assert_int_equal(lend_call(die, NULL, &e), -ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_stops_where_it_is_told),
		cmocka_unit_test(has_knows_mount_points_from_folders),
		cmocka_unit_test(escapes_are_undone_and_descriptors_come_back),
		cmocka_unit_test(lend_brings_errors_and_tells_of_deaths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
