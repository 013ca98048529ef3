/* What a confined process can still do: tried from inside, in a user namespace of one id. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/confine.h"

/* The user's things: a home with a secret, and a staging folder beside it. */
struct world {
	char dir[64];
	char secret[128];
	int stage_fd;
};

static int world_setup(void **state)
{
	struct err e;
	struct world *w = xcalloc(1, sizeof(*w));
	snprintf(w->dir, sizeof(w->dir), "/tmp/moss-confine-test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->secret, sizeof(w->secret), "%s/secret", w->dir);
	assert_int_equal(write_file_at(AT_FDCWD, w->secret, "x", 1, 0600, false, &e), 0);
	auto_free char *stage = path_join(w->dir, "stage");
	assert_int_equal(mkdir(stage, 0700), 0);
	w->stage_fd = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;
	struct err e;
	struct stat st;
	/* Whatever was tried inside: the secret is what it was. */
	assert_int_equal(stat(w->secret, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 1);
	assert_true(getxattr(w->secret, "user.changed", NULL, 0) < 0);
	close(w->stage_fd);
	assert_int_equal(path_remove_at(AT_FDCWD, w->dir, &e), 0);
	free(w);
	return 0;
}

static int enter_userns(void)
{
	auto_free char *uids = xasprintf("0 %u 1", (unsigned)getuid());
	auto_free char *gids = xasprintf("0 %u 1", (unsigned)getgid());
	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	int r = write_existing_at(AT_FDCWD, "/proc/self/setgroups", "deny");
	if (r == 0)
		r = write_existing_at(AT_FDCWD, "/proc/self/gid_map", gids);
	return r == 0 ? write_existing_at(AT_FDCWD, "/proc/self/uid_map", uids) : r;
}

/* Runs `inside` in a confined child; it says what it could do although it must not. */
typedef void (*inside_fn)(struct world *w, int out);

static void check_inside(struct world *w, bool as_unpacker, inside_fn inside)
{
	int ends[2];
	auto_buf text = BUF_INIT;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = {0};
		int r = enter_userns();
		if (r < 0)
			dprintf(ends[1], "no user namespace: %s\n", strerror(-r));
		else if ((as_unpacker ? confine_unpacker(&w->stage_fd, &(int){-1}, 0, &e)
				      : confine_fetcher(NULL, 0, &e)) < 0)
			dprintf(ends[1], "%s\n", e.msg);
		else
			inside(w, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read_fd(ends[0], 65536, &text), 0);
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (text.len > 0)
		fail_msg("%s", text.data);
	assert_int_equal(status, 0);
}

#define MUST_FAIL(call)                                                                            \
	do {                                                                                       \
		if ((long)(call) >= 0)                                                             \
			dprintf(out, "worked although it must not: %s\n", #call);                  \
	} while (0)
#define MUST_WORK(call)                                                                            \
	do {                                                                                       \
		if ((long)(call) < 0)                                                              \
			dprintf(out, "%s: %s\n", #call, strerror(errno));                          \
	} while (0)

static void try_files(struct world *w, int out)
{
	char *const argv[] = {"true", NULL};
	MUST_FAIL(open(w->secret, O_RDONLY));
	MUST_FAIL(open("/etc/passwd", O_RDONLY));
	MUST_FAIL(open("/proc/self/status", O_RDONLY));
	MUST_FAIL(openat(w->stage_fd, "../secret", O_RDONLY));
	MUST_FAIL(openat(w->stage_fd, "../../../../../../etc/passwd", O_RDONLY));
	MUST_FAIL(chmod(w->secret, 0777));
	MUST_FAIL(fchmodat(w->stage_fd, "../secret", 0777, 0));
	MUST_FAIL(chown(w->secret, 0, 0));
	MUST_FAIL(utimensat(AT_FDCWD, w->secret, NULL, 0));
	MUST_FAIL(setxattr(w->secret, "user.changed", "1", 1, 0));
	MUST_FAIL(truncate(w->secret, 0));
	MUST_FAIL(unlink(w->secret));
	MUST_FAIL(link(w->secret, "/copy"));
	MUST_FAIL(open("/new", O_WRONLY | O_CREAT, 0600));
	MUST_FAIL(mkdir("/new", 0700));
	MUST_FAIL(execve("/bin/true", argv, argv));
	MUST_FAIL(syscall(SYS_fork));
	MUST_FAIL(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	MUST_FAIL(unshare(CLONE_NEWUSER));
	MUST_FAIL(unshare(CLONE_NEWNS));
	MUST_FAIL(syscall(SYS_open_by_handle_at, w->stage_fd, NULL, O_RDONLY));
	MUST_FAIL(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
	MUST_FAIL(syscall(SYS_umount2, "/", 2));
	MUST_FAIL(syscall(SYS_chroot, "/"));
	MUST_FAIL(kill(getppid(), 0));
	MUST_FAIL(syscall(SYS_io_uring_setup, 1, NULL));
	MUST_FAIL(syscall(SYS_keyctl, 0, -3, 1));
}

static void *thread_main(void *arg) { return arg; }

static void unpacker_inside(struct world *w, int out)
{
	int pair[2];
	pthread_t thread;
	try_files(w, out);
	MUST_FAIL(socket(AF_INET, SOCK_STREAM, 0));
	MUST_FAIL(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST_FAIL(socket(AF_NETLINK, SOCK_RAW, 0));
	MUST_FAIL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST_FAIL(syscall(SYS_pidfd_open, getppid(), 0));
	MUST_FAIL(syscall(SYS_memfd_create, "x", 0));
	/* What it is there for. */
	MUST_WORK(mkdirat(w->stage_fd, "dir", 0755));
	int fd = openat(w->stage_fd, "dir/file", O_RDWR | O_CREAT | O_EXCL, 0600);
	MUST_WORK(fd);
	MUST_WORK(write(fd, "x", 1));
	MUST_WORK(fchown(fd, 0, 0));
	MUST_WORK(fchmod(fd, 04755));
	MUST_WORK(fsetxattr(fd, "user.x", "1", 1, 0));
	MUST_WORK(futimens(fd, NULL));
	MUST_WORK(linkat(w->stage_fd, "dir/file", w->stage_fd, "hard", 0));
	MUST_WORK(renameat(w->stage_fd, "hard", w->stage_fd, "dir/hard"));
	MUST_WORK(symlinkat("/etc/passwd", w->stage_fd, "link"));
	MUST_WORK(mknodat(w->stage_fd, "whiteout", S_IFCHR, 0));
	MUST_WORK(mknodat(w->stage_fd, "fifo", S_IFIFO | 0600, 0));
	MUST_WORK(unlinkat(w->stage_fd, "dir/hard", 0));
	MUST_FAIL(openat(w->stage_fd, "link", O_RDONLY));
	if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
		dprintf(out, "no threads\n");
	else
		pthread_join(thread, NULL);
}

static void test_unpacker(void **state) { check_inside(*state, true, unpacker_inside); }

/* Without a staging folder there is no place to write at all. */
static void no_staging_inside(struct world *w, int out)
{
	/* What a staging folder of another job would be, had it been passed: not ours. */
	w->stage_fd = -1;
	MUST_FAIL(open(w->secret, O_RDONLY));
	MUST_FAIL(open("/new", O_WRONLY | O_CREAT, 0600));
	MUST_FAIL(socket(AF_INET, SOCK_STREAM, 0));
}

static void test_no_staging(void **state)
{
	struct world *w = *state;
	int kept = w->stage_fd;
	w->stage_fd = -1;
	check_inside(w, true, no_staging_inside);
	w->stage_fd = kept;
}

static void fetcher_inside(struct world *w, int out)
{
	char *const argv[] = {"true", NULL};
	int pair[2];
	pthread_t thread;
	close(w->stage_fd);
	MUST_FAIL(open(w->secret, O_RDONLY));
	MUST_FAIL(open("/etc/passwd", O_RDONLY));
	MUST_FAIL(open("/proc/self/status", O_RDONLY));
	MUST_FAIL(open(getenv("HOME") ? getenv("HOME") : "/root", O_RDONLY));
	MUST_FAIL(open("/run", O_RDONLY));
	MUST_FAIL(chmod("/etc/hosts", 0777));
	MUST_FAIL(utimensat(AT_FDCWD, "/etc/hosts", NULL, 0));
	MUST_FAIL(open("/etc/hosts", O_WRONLY));
	MUST_FAIL(open("/new", O_WRONLY | O_CREAT, 0600));
	MUST_FAIL(mkdir("/new", 0700));
	MUST_FAIL(execve("/bin/true", argv, argv));
	MUST_FAIL(syscall(SYS_fork));
	MUST_FAIL(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	MUST_FAIL(unshare(CLONE_NEWUSER));
	MUST_FAIL(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST_FAIL(socket(AF_VSOCK, SOCK_STREAM, 0));
	MUST_FAIL(socket(AF_PACKET, SOCK_RAW, 0));
	MUST_FAIL(socket(AF_ALG, SOCK_SEQPACKET, 0));
	MUST_FAIL(kill(getppid(), SIGTERM));
	/* What it is there for. */
	MUST_WORK(socket(AF_INET, SOCK_STREAM, 0));
	MUST_WORK(socket(AF_INET6, SOCK_DGRAM, 0));
	MUST_WORK(socket(AF_NETLINK, SOCK_RAW, 0));
	MUST_WORK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST_WORK(open("/etc/hosts", O_RDONLY));
	if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
		dprintf(out, "no threads\n");
	else
		pthread_join(thread, NULL);
}

static void test_fetcher(void **state) { check_inside(*state, false, fetcher_inside); }

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_unpacker),
		T(test_no_staging),
		T(test_fetcher),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
