/* What fetcher and unpacker can still do, tried from inside each as it really runs: the roles' own
 * code, driven over their control socket as moss does, confines the process; then, instead of the
 * module that would read the foreign bytes, a probe of this file is called. (It has that module's
 * names, so that the linker never looks into the library for them; the programs that are installed
 * know nothing of this.) */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/roles.h"
#include "registry/blob.h"
#include "storage/unpack.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"

/* The user's things. */
static char home[64], secret[128], link_out[128];

static int world_setup(void **state)
{
	struct err e;
	(void)state;
	strcpy(home, "/tmp/moss-roles-test.XXXXXX");
	assert_non_null(mkdtemp(home));
	snprintf(secret, sizeof(secret), "%s/secret", home);
	assert_int_equal(write_file_at(AT_FDCWD, secret, "x", 1, 0600, false, &e), 0);
	snprintf(link_out, sizeof(link_out), "%s/stage/link", home);
	auto_free char *stage = path_join(home, "stage");
	assert_int_equal(mkdir(stage, 0700), 0);
	assert_int_equal(symlink(secret, link_out), 0);
	return 0;
}

static int world_teardown(void **state)
{
	struct err e;
	struct stat st;
	(void)state;
	/* Whatever was tried inside, and said to have failed. */
	assert_int_equal(stat(secret, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 1);
	assert_int_equal(st.st_nlink, 1);
	assert_int_not_equal(st.st_mtime, 77);
	assert_true(getxattr(secret, "user.changed", NULL, 0) < 0);
	assert_int_equal(stat(home, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(path_remove_at(AT_FDCWD, home, &e), 0);
	return 0;
}

/* ---- inside ---- */

static pid_t outside; /* the test itself: a process of the user */
static struct buf found; /* what worked although it must not */

#define MUST_FAIL(call)                                                                            \
	do {                                                                                       \
		if ((long)(call) >= 0)                                                             \
			buf_printf(&found, "worked: %s; ", #call);                                 \
	} while (0)
#define MUST_WORK(call)                                                                            \
	do {                                                                                       \
		if ((long)(call) < 0)                                                              \
			buf_printf(&found, "%s: %s; ", #call, strerror(errno));                    \
	} while (0)

/* By every way that a path can be given: absolute, from a folder that is open, by a link. */
static void try_path(int dir, const char *path)
{
	const struct timespec times[2] = {{77, 0}, {77, 0}};
	const struct open_how_like {
		uint64_t flags, mode, resolve;
	} how = {.flags = O_RDONLY};
	MUST_FAIL(openat(dir, path, O_RDONLY | O_NONBLOCK));
	MUST_FAIL(openat(dir, path, O_WRONLY | O_NONBLOCK));
	MUST_FAIL(openat(dir, path, O_PATH));
	MUST_FAIL(syscall(SYS_openat2, dir, path, &how, sizeof(how)));
	MUST_FAIL(fchmodat(dir, path, 0777, 0));
	MUST_FAIL(fchownat(dir, path, 0, 0, 0));
	MUST_FAIL(utimensat(dir, path, times, 0));
	MUST_FAIL(linkat(dir, path, dir, "linked", AT_SYMLINK_FOLLOW));
	MUST_FAIL(renameat(dir, path, dir, "renamed"));
	MUST_FAIL(unlinkat(dir, path, 0) < 0 ? -1 : dir == AT_FDCWD ? 0 : -1);
	MUST_FAIL(faccessat(dir, path, F_OK, 0));
}

static void try_home(int stage)
{
	try_path(AT_FDCWD, secret);
	MUST_FAIL(chmod(secret, 0777));
	MUST_FAIL(chown(secret, 0, 0));
	MUST_FAIL(truncate(secret, 0));
	MUST_FAIL(setxattr(secret, "user.changed", "1", 1, 0));
	MUST_FAIL(lsetxattr(secret, "user.changed", "1", 1, 0));
	MUST_FAIL(getxattr(secret, "user.changed", NULL, 0));
	MUST_FAIL(chmod(home, 0777));
	MUST_FAIL(open(home, O_RDONLY));
	MUST_FAIL(open("/proc/self/root", O_RDONLY));
	MUST_FAIL(open("/tmp", O_RDONLY));
	MUST_FAIL(open("/home", O_RDONLY));
	MUST_FAIL(open("/created", O_CREAT | O_WRONLY, 0600));
	if (stage < 0)
		return;
	try_path(stage, "../secret");
	try_path(stage, "../../tmp");
	MUST_FAIL(openat(stage, "link", O_RDONLY));
	MUST_FAIL(fchmodat(stage, "link", 0777, 0));
	MUST_FAIL(syscall(SYS_openat, stage, "link/", O_RDONLY));
}

static void try_processes(void)
{
	char *const argv[] = {(char *)"true", NULL};
	char byte;
	struct iovec one = {&byte, 1};
	struct rlimit limit;
	MUST_FAIL(execve("/bin/true", argv, argv));
	MUST_FAIL(syscall(SYS_fork));
	MUST_FAIL(syscall(SYS_vfork));
	MUST_FAIL(ptrace(PTRACE_ATTACH, outside, NULL, NULL));
	MUST_FAIL(process_vm_readv(outside, &one, 1, &one, 1, 0));
	int ends[2] = {-1, -1};
	MUST_FAIL(kill(outside, 0));
	MUST_FAIL(syscall(SYS_tkill, outside, 0));
	MUST_FAIL(syscall(SYS_tgkill, outside, outside, 0));
	MUST_FAIL(syscall(SYS_rt_sigqueueinfo, outside, 0, NULL));
	MUST_FAIL(setpriority(PRIO_PROCESS, (id_t)outside, 19));
	MUST_FAIL(sched_setaffinity(outside, sizeof(cpu_set_t), &(cpu_set_t){{1}}));
	/* A pipe of its own, if it may have one, or the control socket. */
	int pipe_end = pipe(ends) == 0 ? ends[0] : TRANSFER_SOCK;
	MUST_FAIL(fcntl(pipe_end, F_SETOWN, outside));
	MUST_FAIL(fcntl(pipe_end, F_SETSIG, SIGKILL));
	MUST_FAIL(fcntl(pipe_end, F_SETOWN_EX, &(struct f_owner_ex){F_OWNER_PID, outside}));
	MUST_FAIL(syscall(SYS_fcntl, pipe_end, F_SETOWN | 1LL << 32, outside));
	MUST_FAIL(ioctl(pipe_end, FIOSETOWN, &outside));
	MUST_FAIL(ioctl(pipe_end, SIOCSPGRP, &outside));
	MUST_WORK(syscall(SYS_tgkill, getpid(), getpid(), 0));
	MUST_FAIL(syscall(SYS_pidfd_open, outside, 0));
	MUST_FAIL(prlimit(outside, RLIMIT_NOFILE, &(struct rlimit){9, 9}, &limit));
	MUST_FAIL(unshare(CLONE_NEWUSER));
	MUST_FAIL(syscall(SYS_setns, 0, 0));
	MUST_FAIL(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
	MUST_FAIL(syscall(SYS_chroot, "/"));
	MUST_FAIL(syscall(SYS_bpf, 0, NULL, 0));
	MUST_FAIL(syscall(SYS_io_uring_setup, 1, NULL));
	MUST_FAIL(syscall(SYS_userfaultfd, 0));
	MUST_FAIL(syscall(SYS_keyctl, 0, -3, 1));
}

/* Everything that is open: nothing of the user's but what the job is about. */
static void try_descriptors(const int *own, size_t n, int stage)
{
	struct stat st, mine;
	for (int fd = 0; fd < 1024; fd++) {
		bool is_own = fd == stage;
		if (fstat(fd, &st) < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			is_own |= own[i] >= 0 && fstat(own[i], &mine) == 0 &&
				  mine.st_ino == st.st_ino && mine.st_dev == st.st_dev;
		bool is_null = S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
		if (!is_own && !is_null &&
			(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode) ||
				S_ISBLK(st.st_mode)))
			buf_printf(&found, "descriptor %d is open (mode %o); ", fd,
				(unsigned)st.st_mode);
		if (is_null)
			MUST_FAIL(fchmod(fd, 0666));
	}
}

/* In the place of storage/unpack.c: the unpacker's work. */
int unpack_layer(int data_fd, int stage_fd, const struct unpack_job *job, struct unpack_result *out,
	struct err *e)
{
	int pair[2];
	const int own[] = {data_fd};
	(void)job, (void)out;
	try_home(stage_fd);
	try_processes();
	try_descriptors(own, 1, stage_fd);
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK};
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		MUST_FAIL(socket(families[i], SOCK_STREAM, 0));
		MUST_FAIL(socket(families[i], SOCK_DGRAM, 0));
		MUST_FAIL(socket(families[i], SOCK_RAW, 0));
	}
	MUST_FAIL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	/* What it is there for. */
	MUST_WORK(mkdirat(stage_fd, "diff", 0755));
	int fd = openat(stage_fd, "diff/file", O_RDWR | O_CREAT | O_EXCL, 0600);
	MUST_WORK(fd);
	MUST_WORK(write(fd, "x", 1));
	MUST_WORK(fchmod(fd, 04755));
	return err_set(e, EBADMSG, "inside: %s", found.len ? found.data : "all is well");
}
/* Not reached, but of the same file as those. */
int unpack_check(const struct unpack_job *job, const char *digest, int64_t compressed_size,
	const char *diff_id, struct err *e)
{
	(void)job, (void)digest, (void)compressed_size, (void)diff_id;
	return err_set(e, ENOTSUP, "no archive here");
}
int unpack_layer_from(const struct stream_source *from, int stage_fd, const struct unpack_job *job,
	struct unpack_result *out, struct err *e)
{
	(void)from, (void)stage_fd, (void)job, (void)out;
	return err_set(e, ENOTSUP, "no archive here");
}
void unpack_result_deinit(struct unpack_result *r) { (void)r; }

/* In the place of registry/blob.c: the fetcher's. */
int blob_start(struct blob *b, struct client *c, const struct blob_wanted *w, const char **kind,
	struct err *e)
{
	const int own[] = {w->part, w->sums};
	(void)c;
	*b = (struct blob){.part = w->part, .pipe = w->pipe, .sums = {.fd = w->sums}};
	*kind = "other";
	try_home(-1);
	try_processes();
	try_descriptors(own, 2, -1);
	MUST_FAIL(fchmod(w->part, 0777));
	MUST_FAIL(fchown(w->part, 0, 0));
	MUST_FAIL(fsetxattr(w->part, "user.changed", "1", 1, 0));
	MUST_FAIL(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST_FAIL(socket(AF_PACKET, SOCK_RAW, 0));
	MUST_FAIL(socket(AF_VSOCK, SOCK_STREAM, 0));
	MUST_FAIL(socket(AF_INET, SOCK_RAW, 0));
	int s = socket(AF_INET, SOCK_STREAM, 0);
	MUST_WORK(s);
	MUST_FAIL(listen(s, 1));
	/* What it is there for. */
	MUST_WORK(pwrite(w->part, "y", 1, 0));
	MUST_WORK(ftruncate(w->part, 1));
	return err_set(e, EBADMSG, "inside: %s", found.len ? found.data : "all is well");
}
void blob_deinit(struct blob *b) { (void)b; }
int blob_step(struct blob *b, const char **kind, struct err *e)
{
	(void)b, (void)kind, (void)e;
	return BLOB_DONE;
}
bool blob_wants_pipe(const struct blob *b) { return b == NULL; }

/* ---- outside ---- */

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

/* The process as spawn makes it: nothing open but the control socket. */
_Noreturn static void be_helper(int sock, int (*run)(int sock, struct err *e))
{
	struct err e = {0};
	int null = open("/dev/null", O_RDWR);
	if (enter_userns() < 0 || null < 0 || dup2(sock, TRANSFER_SOCK) < 0)
		_exit(100);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	syscall(SYS_close_range, TRANSFER_SOCK + 1, ~0U, 0);
	_exit(run(TRANSFER_SOCK, &e) < 0 ? 1 : 0);
}

static int helper_start(int (*run)(int sock, struct err *e), pid_t *pid)
{
	int pair[2];
	assert_int_equal(msg_pair(pair), 0);
	*pid = fork();
	if (*pid == 0) {
		/* Away from the number it is to have. */
		int sock = fcntl(pair[1], F_DUPFD, 10);
		be_helper(sock, run);
	}
	close(pair[1]);
	return pair[0];
}

static void says(int sock, const char *text)
{
	struct err e = {0};
	const char *kind;
	auto_json reply = proto_recv(sock, NULL, NULL, &e);
	if (!reply)
		fail_msg("no answer: %s", e.msg);
	if (!text) {
		assert_int_equal(proto_error(reply, &kind, &e), 0);
		return;
	}
	assert_true(proto_error(reply, &kind, &e) < 0);
	assert_string_equal(e.msg, text);
}

static void helper_end(int sock, pid_t pid)
{
	int status;
	close(sock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_unpacker(void **state)
{
	(void)state;
	struct err e = {0};
	pid_t pid;
	int ends[2];
	outside = getpid();
	auto_free char *stage = path_join(home, "stage");
	int sock = helper_start(unpack_role_run, &pid);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	int fds[2] = {ends[0], open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	auto_json job = json_object();
	json_set_str(job, "op", "layer");
	assert_int_equal(proto_send(sock, job, fds, 2, &e), 0);
	says(sock, "inside: all is well");
	close(fds[0]);
	close(fds[1]);
	close(ends[1]);
	helper_end(sock, pid);
}

static void test_fetcher(void **state)
{
	(void)state;
	struct err e = {0};
	pid_t pid;
	int ends[2];
	auto_free char *part = path_join(home, "part"), *sums = path_join(home, "sums");
	outside = getpid();
	setenv("HOME", home, 1);
	int sock = helper_start(fetch_role_run, &pid);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	auto_json config = json_object();
	json_set_str(config, "op", "config");
	json_set_str(config, "ref", "127.0.0.1:1/x:1");
	assert_int_equal(proto_send(sock, config, NULL, 0, &e), 0);
	says(sock, NULL);
	int fds[3] = {ends[1], open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0600),
		open(sums, O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
	auto_json job = json_object();
	json_set_str(job, "op", "blob");
	json_set_str(job, "digest", DIGEST);
	json_set_int(job, "size", 10);
	assert_int_equal(proto_send(sock, job, fds, 3, &e), 0);
	says(sock, "inside: all is well");
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	close(ends[0]);
	helper_end(sock, pid);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_unpacker),
		T(test_fetcher),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
