/* Turning a log over, killed at every system call: what was written is there, once. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/log_file.h"
#include "engine/log_read.h"
#include "engine/log_write.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST = 100, LAST = 119, RECORD = 77, FILES = 4 };

/* Numbers: about five fill a file. */
static void write_numbers(int dir_fd, int from, int to)
{
	struct log_writer w;
	struct err e = {0};
	const struct log_config c = {
		.driver = LOG_JSON_FILE, .max_size = 5 * RECORD, .max_files = FILES};
	char text[16];
	if (log_writer_open(&w, dir_fd, "id", &c, &e) < 0)
		_exit(1);
	for (int i = from; i <= to; i++) {
		int n = snprintf(text, sizeof(text), "%d\n", i);
		log_writer_add(&w, LOG_STDOUT, text, (size_t)n, 1767366245000000000);
	}
	log_writer_close(&w);
}

static void write_some(int dir_fd) { write_numbers(dir_fd, FIRST, LAST); }

/* moss-log of this build, as the monitor starts it. */
static void compress(int dir_fd)
{
	if (dup2(dir_fd, 3) != 3 || fcntl(3, F_SETFD, 0) < 0)
		_exit(1);
	execl("./moss-log", "moss-log", "compress", "id-json.log", (char *)NULL);
	_exit(1);
}

/* Runs a child that does what it should, and kills it at its nth stop; false where it ended before.
 */
static bool killed_at(void (*what)(int dir_fd), int dir_fd, int n)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		what(dir_fd);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Each call stops twice: before it and behind it. */
	for (int i = 0; i < n; i++) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return false;
		}
	}
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

struct seen {
	int first, last;
	const char *wrong;
};

static int note(void *arg, const struct log_record *r, struct err *e)
{
	struct seen *s = arg;
	int n = atoi(r->text);
	(void)e;
	if (s->first == 0)
		s->first = n;
	else if (n != s->last + 1 && !(s->last < FIRST && n == FIRST))
		s->wrong = "a gap, or one twice";
	s->last = n;
	return 0;
}

static struct seen read_numbers(const char *dir)
{
	struct seen s = {0};
	struct err e = {0};
	struct log_reader *r = NULL;
	const struct log_query q = {.tail = -1};
	assert_int_equal(log_reader_open(&r, LOG_JSON_FILE, dir, "id", &q, note, &s, &e), 0);
	assert_int_equal(log_reader_pump(r, true, &e), 0);
	log_reader_free(r);
	return s;
}

/* 90 to 93 are there from before; whatever the child had written of 100 to 119 follows without a
 * gap, and a writer that comes after goes on. */
static void every_call(void **state)
{
	(void)state;
	int last_seen = 0;
	bool was_killed = true;
	for (int n = 1; was_killed; n++) {
		char dir[] = "/tmp/moss-unit-log.XXXXXX";
		struct err e;
		assert_non_null(mkdtemp(dir));
		auto_fd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		write_numbers(fd, 97, 99);
		was_killed = killed_at(write_some, fd, n);
		struct seen s = read_numbers(dir);
		assert_null(s.wrong);
		/* Calls come in order: a later kill shows no less. */
		assert_true(s.last >= last_seen);
		assert_true(s.first >= 97 && s.first <= s.last);
		if (s.last < FIRST + 8) /* nothing has been old enough to go */
			assert_int_equal(s.first, 97);
		last_seen = s.last;
		write_numbers(fd, s.last + 1, s.last + 7);
		struct seen after = read_numbers(dir);
		assert_null(after.wrong);
		assert_int_equal(after.last, s.last + 7);
		assert_true(after.last - after.first >= 7);
		assert_int_equal(path_remove_at(AT_FDCWD, dir, &e), 0);
	}
	assert_int_equal(last_seen, LAST);
}

/* The compressor: whatever it had done, the log reads the same, and the next one finishes. */
static void every_call_of_compressor(void **state)
{
	(void)state;
	bool was_killed = true;
	setenv("MOSS_LIBEXEC", ".", 1);
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which wants to trace by itself */
	for (int n = 2; was_killed; n += 3 + n / 16) {
		char dir[] = "/tmp/moss-unit-log.XXXXXX";
		struct err e;
		assert_non_null(mkdtemp(dir));
		auto_fd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		write_numbers(fd, FIRST, LAST);
		const struct seen whole = read_numbers(dir);
		was_killed = killed_at(compress, fd, n);
		for (int round = 0; round < 2; round++) {
			struct seen s = read_numbers(dir);
			assert_null(s.wrong);
			assert_int_equal(s.first, whole.first);
			assert_int_equal(s.last, whole.last);
			if (round == 0)
				assert_false(killed_at(compress, fd, 1 << 20));
		}
		for (int i = 1; i <= 2; i++) { /* 20 records: three files */
			auto_free char *plain = log_slot_name("id-json.log", i, false);
			auto_free char *gz = log_slot_name("id-json.log", i, true);
			assert_int_equal(faccessat(fd, plain, F_OK, 0), -1);
			assert_int_equal(faccessat(fd, gz, F_OK, 0), 0);
		}
		assert_int_equal(faccessat(fd, "id-json.log.part", F_OK, 0), -1);
		assert_int_equal(path_remove_at(AT_FDCWD, dir, &e), 0);
	}
}

static void put(int dir_fd, const char *name, const char *text)
{
	auto_fd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

#define LINE(n) "{\"log\":\"" #n "\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T15:04:05Z\"}\n"

/* Gaps are read over, and filled before anything goes. */
static void gap(void **state)
{
	(void)state;
	char dir[] = "/tmp/moss-unit-log.XXXXXX";
	struct err e;
	assert_non_null(mkdtemp(dir));
	auto_fd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(fd, "id-json.log.3", LINE(97));
	put(fd, "id-json.log.1", LINE(98));
	put(fd, "id-json.log.x", LINE(1));
	put(fd, "id-json.log.01", LINE(1));
	put(fd, "id-json.log",
		LINE(99) LINE(100) LINE(101) LINE(102) LINE(103) LINE(104) LINE(105));
	write_numbers(fd, 106, 106);
	struct seen s = read_numbers(dir);
	assert_null(s.wrong);
	assert_int_equal(s.first, 97);
	assert_int_equal(s.last, 106);
	assert_int_equal(faccessat(fd, "id-json.log.2", F_OK, 0), 0);
	assert_int_equal(path_remove_at(AT_FDCWD, dir, &e), 0);
}

static void names(void **state)
{
	(void)state;
	bool gz;
	assert_int_equal(log_slot_index("a.log", "a.log", &gz), 0);
	assert_int_equal(log_slot_index("a.log", "a.log.12", &gz), 12);
	assert_false(gz);
	assert_int_equal(log_slot_index("a.log", "a.log.12.gz", &gz), 12);
	assert_true(gz);
	static const char *const none[] = {"b.log", "a.log.", "a.log.0", "a.log.01", "a.log.1x",
		"a.log.1.gzip", "a.log.gz", "a.log.part", "a.log.99999999999999999999999",
		"a.logs"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(log_slot_index("a.log", none[i], &gz), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call),
		cmocka_unit_test(every_call_of_compressor),
		cmocka_unit_test(gap),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
