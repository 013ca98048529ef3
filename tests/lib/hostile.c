/* hostile: what a container's program would try that a shell cannot. Linked statically, it is put
 * into containers by the e2e tests.
 *
 *   hostile flip A B        exchanges two names, for ever
 *   hostile calls           "NAME ok" or "NAME ERRNO" for system calls that a filter must refuse
 *   hostile key-add COMMAND runs it with a key in a session keyring of its own
 *   hostile key-read        reads that key
 *   hostile hunt NAME       whatever it finds in /proc that is not its own: "REACHED ..." where a file
 *                           NAME can be read through it, where its environment holds NAME, where it
 *                           can be traced while it has CAP_SYS_ADMIN; for ever
 *   hostile calls32         the same through the entries of other ABIs (x86)
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long r)
{
	printf("%s %s\n", what, r < 0 ? strerrorname_np(errno) : "ok");
	(void)fflush(stdout);
}

static void try_clone(const char *what, long number, long flags)
{
	long pid = syscall(number, flags | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	say(what, pid);
}

static void calls(void)
{
	const long high = 1L << 40;
	say("clone3", syscall(SYS_clone3, 0, 0));
	say("newer-than-all", syscall(1000));
	say("unshare", syscall(SYS_unshare, CLONE_NEWUSER));
	try_clone("clone", SYS_clone, CLONE_NEWUSER);
	try_clone("clone-high", SYS_clone, CLONE_NEWUSER | high);
	say("setns", syscall(SYS_setns, 0, 0));
	say("mount", syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, 0));
	say("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	say("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
	say("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, 0, 0));
	say("pidfd_getfd", syscall(SYS_pidfd_getfd, 0, 0, 0));
	say("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0));
	say("bpf", syscall(SYS_bpf, 0, 0, 0));
	say("perf_event_open", syscall(SYS_perf_event_open, 0, 0, -1, -1, 0));
	say("userfaultfd", syscall(SYS_userfaultfd, 0));
	say("io_uring_setup", syscall(SYS_io_uring_setup, 1, 0));
	say("vsock", syscall(SYS_socket, 40L, 1, 0));
	say("vsock-high", syscall(SYS_socket, 40L | high, 1, 0));
	say("inet", syscall(SYS_socket, 2L, 1, 0));
	say("unix", syscall(SYS_socket, 1L, 1, 0));
	say("netlink", syscall(SYS_socket, 16L, 3, 0));
}

#if defined(__x86_64__)
static long i386(long number, long a, long b)
{
	long r;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(a), "c"(b), "d"(0), "S"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

static void calls32(void)
{
	const long x32 = 0x40000000;
	say("x32-unshare", syscall(SYS_unshare | x32, CLONE_NEWUSER));
	say("x32-mount", syscall(SYS_mount | x32, "x", "/tmp", "tmpfs", 0, 0));
	say("x32-keyctl", syscall(SYS_keyctl | x32, 0, 0, 0, 0));
	try_clone("x32-clone", SYS_clone | x32, CLONE_NEWUSER);
	/* From here on a kernel without 32-bit programs ends this one. */
	say("i386-unshare", i386(310, CLONE_NEWUSER, 0));
	say("i386-mount", i386(21, 0, 0));
	say("i386-keyctl", i386(288, 0, 0));
	say("i386-clone3", i386(435, 0, 0));
	say("i386-newer-than-all", i386(1000, 0, 0));
}
#else
static void calls32(void) {}
#endif

static int key_add(char **command)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
		syscall(SYS_add_key, "user", "moss-test", "not-for-containers", 18,
			KEY_SPEC_SESSION_KEYRING) < 0) {
		perror("no keyring");
		return 99;
	}
	(void)execvp(command[0], command);
	return 127;
}

static int key_read(void)
{
	char text[64];
	long key = syscall(
		SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "moss-test", 0);
	say("search", key);
	long n = key < 0 ? -1 : syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof(text));
	printf("%.*s\n", n < 0 ? 0 : (int)n, text);
	return 0;
}

static int is_own(const char *pid)
{
	char path[64], ours[64] = "", theirs[64] = "";
	(void)snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	return readlink("/proc/self/ns/mnt", ours, sizeof(ours) - 1) > 0 &&
	       readlink(path, theirs, sizeof(theirs) - 1) > 0 && !strcmp(ours, theirs);
}

static void look_at(const char *pid, const char *name)
{
	static char text[1 << 16];
	char path[512];
	if (is_own(pid))
		return;
	static const char *const ways[] = {"root", "cwd", "fd/4", "fd/5", "fd/6", "fd/7", "fd/8"};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%s/%s/%s", pid, ways[i], name);
		if (access(path, F_OK) == 0)
			printf("REACHED %s\n", path);
	}
	(void)snprintf(path, sizeof(path), "/proc/%s/environ", pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	if (n > 0 && memmem(text, (size_t)n, name, strlen(name)))
		printf("REACHED environment of %s\n", pid);
	if (fd >= 0)
		close(fd);
	/* Holding it where it is gives the next looks more time. */
	pid_t number = atoi(pid);
	if (ptrace(PTRACE_SEIZE, number, 0, 0) == 0) {
		(void)ptrace(PTRACE_INTERRUPT, number, 0, 0);
		(void)usleep(200);
		(void)snprintf(path, sizeof(path), "/proc/%d/root/%s", (int)number, name);
		if (access(path, F_OK) == 0)
			printf("REACHED %s\n", path);
		printf("seized\n");
		(void)waitpid(number, NULL, __WALL);
		(void)snprintf(path, sizeof(path), "/proc/%s/status", pid);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = 0;
		const char *caps = strstr(text, "CapPrm:");
		if (caps && strtoull(caps + 7, NULL, 16) & (1ULL << 21))
			printf("REACHED the rights of %s\n", pid);
		if (fd >= 0)
			close(fd);
		(void)ptrace(PTRACE_DETACH, number, 0, 0);
	}
	(void)fflush(stdout);
}

static void hunt(const char *name)
{
	printf("begun\n");
	(void)fflush(stdout);
	for (;;) {
		DIR *proc = opendir("/proc");
		struct dirent *d;
		while (proc && (d = readdir(proc)) != NULL)
			if (atoi(d->d_name) > 1 && atoi(d->d_name) != getpid())
				look_at(d->d_name, name);
		closedir(proc);
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "hunt"))
		hunt(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "flip"))
		for (;;)
			(void)renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE);
	if (argc > 2 && !strcmp(argv[1], "key-add"))
		return key_add(argv + 2);
	if (argc == 2 && !strcmp(argv[1], "key-read"))
		return key_read();
	if (argc == 2 && !strcmp(argv[1], "calls"))
		calls();
	if (argc == 2 && !strcmp(argv[1], "calls32"))
		calls32();
	return 0;
}
