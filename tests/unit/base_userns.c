#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/userns.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct expected {
	const char *text;
	size_t n;
	struct id_range r[3];
};

static void test_ranges(void **state)
{
	static const struct expected table[] = {
		{"ann:100000:65536\n", 1, {{1, 100000, 65536}}},
		{"bob:100000:65536\n", 0, {{0}}},
		{"1000:5:7", 1, {{1, 5, 7}}},
		{"bob:1:2\nann:100:10\n1000:300:20\n", 2, {{1, 100, 10}, {11, 300, 20}}},
		{"ann:100:0\nann::5\nann:1:2:3\nann:x:1\nann:-1:5\nann\n\nann:7:1", 1, {{1, 7, 1}}},
		{"ann:4294967295:2\nann:4294967290:5\n", 1, {{1, 4294967290, 5}}},
		{"annabel:100:10\nan:100:10\n", 0, {{0}}},
		{"", 0, {{0}}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct id_range *r = NULL;
		size_t n = 0;
		userns_ranges_parse(table[i].text, "ann", 1000, &r, &n);
		assert_int_equal(n, table[i].n);
		for (size_t k = 0; k < n; k++)
			assert_memory_equal(&r[k], &table[i].r[k], sizeof(*r));
		free(r);
	}
}

static int look(void *arg, struct err *e)
{
	struct stat st;
	(void)e;
	if (geteuid() != 0 || getegid() != 0 || stat("/proc/self/ns/user", &st) < 0)
		return -EPERM;
	return *(uint64_t *)arg == 0 || st.st_ino == *(uint64_t *)arg ? 0 : -ESRCH;
}

static int refuse(void *arg, struct err *e)
{
	(void)arg;
	return err_set(e, ENOTTY, "it %s", "failed");
}

static void test_call(void **state)
{
	struct userns_candidates none = {0};
	struct err e = {0};
	uint64_t any = 0;
	(void)state;
	assert_int_equal(userns_call(&none, look, &any, &e), 0);
	assert_int_equal(userns_call(&none, refuse, NULL, &e), -ENOTTY);
	assert_string_equal(e.msg, "it failed");
}

static void start_sleeper(struct proc_id *id, int *pidfd)
{
	struct userns_candidates none = {0};
	struct err e = {0};
	char *argv[] = {(char *)"sleep", (char *)"100", NULL};
	struct spawn s = SPAWN_INIT;
	bool made = false;
	s.file = "sleep";
	s.argv = argv;
	s.death_signal = SIGKILL;
	int r = userns_spawn(&none, &s, &id->pid, pidfd, &id->ns_ino, &made, &e);
	if (r < 0)
		print_message("%s\n", e.msg);
	assert_int_equal(r, 0);
	assert_true(made);
	id->start = proc_start_time(id->pid);
	assert_int_equal(proc_ns_inode(id->pid, "user"), id->ns_ino);
}

static void test_join(void **state)
{
	struct proc_id live[3] = {{.pid = 1, .start = 1, .ns_ino = 1}};
	struct userns_candidates c = {live, 3};
	struct err e = {0};
	int pidfd;
	(void)state;
	start_sleeper(&live[1], &pidfd);
	/* One that is somebody else now (its start time differs) is passed over. */
	live[2] = live[1];
	live[0] = live[1];
	live[0].start++;
	assert_int_equal(userns_call(&c, look, &live[1].ns_ino, &e), 0);
	/* None that is what it was: a namespace of its own. */
	c.n = 1;
	assert_int_equal(userns_call(&c, look, &live[1].ns_ino, &e), -ESRCH);
	/* Recorded with another namespace: not joined. */
	live[0] = live[1];
	live[0].ns_ino++;
	assert_int_equal(userns_call(&c, look, &live[1].ns_ino, &e), -ESRCH);
	proc_kill_wait(pidfd, 5000);
	spawn_wait(live[1].pid);
	close(pidfd);
}

static void test_missing_program(void **state)
{
	struct userns_candidates none = {0};
	struct err e = {0};
	char *argv[] = {(char *)"x", NULL};
	struct spawn s = SPAWN_INIT;
	pid_t pid;
	(void)state;
	s.file = "/nonexistent/program";
	s.argv = argv;
	assert_int_equal(userns_spawn(&none, &s, &pid, NULL, NULL, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/nonexistent/program"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_missing_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
