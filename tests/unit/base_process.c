#include "tests/unit/unit.h"
#include "base/err.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/msg.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void child_has_only_its_descriptors(void **state)
{
	struct err e = {0};
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(open("/dev/null", O_RDONLY) >= 0);
	auto_fd passed = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	int p[2];
	assert_int_equal(pipe(p), 0);
	struct spawn s = SPAWN_INIT;
	s.file = "sh";
	s.argv = (char *[]){"sh", "-c", "ls /proc/$$/fd; :", NULL};
	s.fd_out = p[1];
	s.fds = &passed;
	s.n_fds = 1;
	pid_t pid;
	assert_int_equal(spawn_start(&s, &pid, NULL, &e), 0);
	close(p[1]);
	char text[256] = "";
	read_full(p[0], text, sizeof(text) - 1);
	close(p[0]);
	assert_int_equal(spawn_wait(pid), 0);
	assert_string_equal(text, "0\n1\n2\n3\n");
	fds_close_except(3, NULL, 0);
}

static void missing_program_is_named(void **state)
{
	struct err e = {0};
	pid_t pid;
	struct spawn s = SPAWN_INIT;
	(void)state;
	s.file = "/no/such/program";
	s.argv = (char *[]){"x", NULL};
	assert_int_equal(spawn_start(&s, &pid, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/no/such/program"));
}

static void capture_keeps_both_streams(void **state)
{
	struct err e = {0};
	(void)state;
	auto_buf out = BUF_INIT;
	auto_buf err_text = BUF_INIT;
	char *argv[] = {"sh", "-c", "echo out; echo err >&2; exit 7", NULL};
	assert_int_equal(spawn_capture(argv, 1000, &out, &err_text, &e), 7);
	assert_string_equal(out.data, "out\n");
	assert_string_equal(err_text.data, "err\n");
	char *killed[] = {"sh", "-c", "kill -9 $$", NULL};
	assert_int_equal(spawn_capture(killed, 10, NULL, NULL, &e), 137);
}

static void messages_carry_descriptors(void **state)
{
	int sock[2], fds[MSG_FDS_MAX];
	size_t n;
	char text[8];
	(void)state;
	assert_int_equal(msg_pair(sock), 0);
	auto_fd null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(msg_send(sock[0], "hi", 2, (int[]){null, null}, 2), 0);
	assert_int_equal(msg_recv(sock[1], text, sizeof(text), fds, &n), 2);
	assert_int_equal(n, 2);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(msg_send(sock[0], "much too long", 13, &null, 1), 0);
	assert_int_equal(msg_recv(sock[1], text, sizeof(text), fds, &n), -EMSGSIZE);
	close(sock[0]);
	assert_int_equal(msg_recv(sock[1], text, sizeof(text), NULL, NULL), 0);
	assert_int_equal(msg_send(sock[1], "x", 1, NULL, 0), -EPIPE);
	close(sock[1]);
}

static void lock_goes_with_the_description(void **state)
{
	char name[] = "/tmp/moss-unit-lock.XXXXXX";
	(void)state;
	int fd = mkstemp(name);
	auto_fd other = open(name, O_RDWR | O_CLOEXEC);
	assert_int_equal(lock_take(fd, false), LOCK_TAKEN);
	assert_int_equal(lock_take(other, false), LOCK_BUSY);
	assert_int_equal(lock_is_held(other), 1);
	auto_fd copy = dup(fd);
	close(fd);
	assert_int_equal(lock_is_held(other), 1);
	close(take_fd(copy));
	assert_int_equal(lock_is_held(other), 0);
	unlink(name);
}

static void process_identity_is_checked(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	struct proc_id id = {.pid = child, .start = proc_start_time(child)};
	assert_true(id.start > 0);
	auto_fd pidfd = proc_open(&id);
	assert_true(pidfd >= 0);
	struct proc_id wrong = {.pid = child, .start = id.start + 1};
	assert_int_equal(proc_open(&wrong), -ESRCH);
	assert_int_equal(proc_wait_gone(pidfd, 0), 0);
	assert_int_equal(proc_kill_wait(pidfd, 5000), 0);
	assert_int_equal(spawn_wait(child), 137);
	assert_int_equal(proc_open(&id), -ESRCH);
	assert_int_equal(strlen(proc_boot_id()), 36);
}

static void files_are_replaced_whole(void **state)
{
	char dir[] = "/tmp/moss-unit-io.XXXXXX";
	struct err e = {0};
	(void)state;
	assert_non_null(mkdtemp(dir));
	auto_fd d = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(write_file_at(d, "f", "one", 3, 0600, true, &e), 0);
	assert_int_equal(write_file_at(d, "f", "second", 6, 0640, false, &e), 0);
	auto_buf text = BUF_INIT;
	assert_int_equal(read_file_at(d, "f", 6, &text, &e), 0);
	assert_string_equal(text.data, "second");
	auto_buf small = BUF_INIT;
	assert_int_equal(read_file_at(d, "f", 5, &small, &e), -EFBIG);
	assert_int_equal(unlinkat(d, "f", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_has_only_its_descriptors),
		cmocka_unit_test(missing_program_is_named),
		cmocka_unit_test(capture_keeps_both_streams),
		cmocka_unit_test(messages_carry_descriptors),
		cmocka_unit_test(lock_goes_with_the_description),
		cmocka_unit_test(process_identity_is_checked),
		cmocka_unit_test(files_are_replaced_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
