#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/json.h"
#include "engine/seccomp.h"
#include "engine/seccomp_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/moss-seccomp.XXXXXX";
static const uint64_t docker_caps = 0xa80425fb;
static const uint64_t admin = UINT64_C(1) << 21;

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* The errno a call ends with under the filter, in a child; 0 where it got through. */
static int try_call(const struct seccomp_filter *f, long nr, long a, long b, long c)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = {0};
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_filter_load(f, &e) < 0)
			_exit(255);
		long r = syscall(nr, a, b, c, 0, 0, 0);
		_exit(r < 0 ? errno : 0);
	}
	assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static void get_default(uint64_t caps, struct seccomp_filter *f)
{
	struct err e = {0};
	int r = seccomp_filter_get(NULL, caps, dir, f, &e);
	if (r < 0)
		print_message("%s\n", e.msg);
	assert_int_equal(r, 0);
	assert_non_null(f->code);
}

static void test_default(void **state)
{
	struct seccomp_filter f;
	(void)state;
	get_default(docker_caps, &f);
	assert_int_equal(try_call(&f, SYS_getpid, 0, 0, 0), 0);
	assert_int_equal(try_call(&f, SYS_unshare, CLONE_NEWUSER, 0, 0), EPERM);
	assert_int_equal(try_call(&f, SYS_clone3, 0, 0, 0), ENOSYS);
	assert_int_equal(try_call(&f, SYS_keyctl, 0, 0, 0), EPERM);
	assert_int_equal(try_call(&f, SYS_bpf, 0, 0, 0), EPERM);
	assert_int_equal(try_call(&f, SYS_socket, 40, SOCK_STREAM, 0), EPERM);
	assert_int_equal(try_call(&f, SYS_socket, AF_UNIX, SOCK_STREAM, 0), 0);
	assert_int_equal(try_call(&f, SYS_personality, 0xffffffff, 0, 0), 0);
	assert_int_equal(try_call(&f, SYS_personality, 0x40000, 0, 0), EPERM);
	assert_int_equal(try_call(&f, SYS_open_by_handle_at, -1, 0, 0), EPERM);
	/* newer than the profile, or no such call at all: programs fall back */
	assert_int_equal(try_call(&f, 470, 0, 0, 0), ENOSYS);
	assert_int_equal(try_call(&f, 400000, 0, 0, 0), ENOSYS);
	seccomp_filter_deinit(&f);
	get_default(docker_caps | admin, &f);
	assert_int_equal(try_call(&f, SYS_clone3, 0, 0, 0), EINVAL);
	assert_int_equal(try_call(&f, SYS_unshare, 0, 0, 0), 0);
	seccomp_filter_deinit(&f);
}

static void make_path(char *out, size_t n)
{
	char command[128];
	snprintf(command, sizeof(command), "ls -d %s/cache/seccomp/* | head -1", dir);
	FILE *p = popen(command, "r");
	assert_non_null(fgets(out, (int)n, p));
	pclose(p);
	out[strcspn(out, "\n")] = '\0';
}

/* The cache is used, and only for exactly the same input. */
static void test_cache(void **state)
{
	struct seccomp_filter a, b;
	char path[256], command[600];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s/cache", dir);
	assert_int_equal(system(command), 0);
	get_default(docker_caps, &a);
	get_default(docker_caps, &b);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.code, b.code, a.n * sizeof(*a.code));
	seccomp_filter_deinit(&b);
	make_path(path, sizeof(path));
	/* The same name with another input: not taken. */
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "X", 1, 0), 1);
	close(fd);
	get_default(docker_caps, &b);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.code, b.code, a.n * sizeof(*a.code));
	seccomp_filter_deinit(&b);
	/* Half a file: not taken. */
	assert_int_equal(truncate(path, 150), 0);
	get_default(docker_caps, &b);
	assert_int_equal(a.n, b.n);
	seccomp_filter_deinit(&b);
	/* A link in its place is not followed. */
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	get_default(docker_caps, &b);
	assert_int_equal(a.n, b.n);
	seccomp_filter_deinit(&b);
	seccomp_filter_deinit(&a);
}

static int get(const char *text, struct seccomp_filter *f, struct err *e)
{
	auto_json profile = json_parse(text, strlen(text), "test", e);
	assert_non_null(profile);
	return seccomp_filter_get(profile, 0, NULL, f, e);
}

static void test_custom(void **state)
{
	struct seccomp_filter f;
	struct err e = {0};
	(void)state;
	assert_int_equal(
		get("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
		    "{\"names\":[\"getppid\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\","
		    "\"errnoRet\":77},"
		    "{\"names\":[\"kill\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":["
		    "{\"index\":1,\"value\":255,\"valueTwo\":9,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}",
			&f, &e),
		0);
	assert_int_equal(try_call(&f, SYS_getppid, 0, 0, 0), 77);
	assert_int_equal(try_call(&f, SYS_kill, 0, 9, 0), EPERM);
	assert_int_equal(try_call(&f, SYS_kill, getpid(), 0, 0), 0);
	seccomp_filter_deinit(&f);
}

static void test_refused(void **state)
{
	static const char *const table[][2] = {
		{"{\"defaultAction\":\"SCMP_ACT_FROB\"}", "SCMP_ACT_FROB"},
		{"{}", "action"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_PDP11\"]}",
			"SCMP_ARCH_PDP11"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}", "flag \"X\""},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}", "listenerPath"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"kill\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":6,\"value\":0,"
		 "\"op\":\"SCMP_CMP_EQ\"}]}]}",
			"argument"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct seccomp_filter f;
		struct err e = {0};
		assert_true(get(table[i][0], &f, &e) < 0);
		assert_non_null(strstr(e.msg, table[i][1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_custom),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
