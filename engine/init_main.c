/* moss-init: the last program of ours in a container, and with --init its pid 1.
 *
 * The launcher puts this small static file into a sealed memfd and execs it there, so that the
 * program of the image is started by a process whose /proc/self/exe is neither a file of the host
 * nor writable (an image's "#!/proc/self/exe" would otherwise run the engine again, inside).
 *
 *   moss-exec -- ARG0 ARG...   waits for the word, then becomes the program
 *   moss-init -- ARG0 ARG...   starts it as a child, passes signals on, reaps, exits as it did
 *
 * With "-f" in place of "--" (stub.h) it first goes on as a child, whose parent is its own parent,
 * and which is the first of its processes in the pid namespace of another container: nothing that
 * holds more than the container itself is ever seen there.
 *
 * The program's path is the first string of the environment, where it does not show in ps; the rest
 * is the program's environment.
 *
 * Descriptor 3 is the socket to the parent, messages are one int: it says 0 when it is ready, reads
 * one byte, and sends the errno where exec fails; end of file says that exec worked. It may run
 * under any seccomp filter: it makes no other calls than a program needs anyway.
 *
 * No libc: the file is a few pages, so copying and starting it costs next to nothing.
 */
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/ioctl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/wait.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/stub.h"

enum { SYNC_FD = 3 };

#if defined(__x86_64__)
static long call6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
/* The kernel leaves argc at the stack pointer and nothing else of use. */
__asm__(".globl _start\n_start:\n\txor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall "
	"start\n");
#elif defined(__aarch64__)
static long call6(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
__asm__(".globl _start\n_start:\n\tmov x29,#0\n\tmov x0,sp\n\tbl start\n");
#else
#error "moss-init knows x86_64 and aarch64; add this machine's system call"
#endif

#define CALL(n, a, b, c, d) call6(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

void start(long *stack) __attribute__((noreturn));

/* gcc may call it for an array's initialiser. */
void *memset(void *p, int value, size_t n);
void *memset(void *p, int value, size_t n)
{
	volatile unsigned char *at = p;
	while (n--)
		*at++ = (unsigned char)value;
	return p;
}

static void quit(int status) __attribute__((noreturn));
static void quit(int status)
{
	for (;;)
		(void)CALL(exit_group, status, 0, 0, 0);
}

static int is_mode(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void become(const char *path, char **argv, char **envp) __attribute__((noreturn));
static void become(const char *path, char **argv, char **envp)
{
	int code = (int)-CALL(execve, path, argv, envp, 0);
	(void)CALL(write, SYNC_FD, &code, sizeof(code), 0);
	quit(code == ENOENT ? 127 : 126);
}

/* The child gets a process group of its own and the terminal, where there is one, so that a shell
 * in it can do job control. */
static void child_take_terminal(void)
{
	int group = (int)CALL(getpid, 0, 0, 0, 0);
	(void)CALL(setpgid, 0, 0, 0, 0);
	(void)CALL(ioctl, 0, 0x5410 /* TIOCSPGRP */, &group, 0);
}

static void reap(long child)
{
	int status = 0;
	long pid;
	while ((pid = CALL(wait4, -1, &status, WNOHANG, 0)) > 0) {
		if (pid != child)
			continue;
		int signal = status & 0x7f;
		quit(signal ? 128 + signal : (status >> 8) & 0xff);
	}
	if (pid == -ECHILD)
		quit(1);
}

static void stand_by(const char *path, char **argv, char **envp) __attribute__((noreturn));
static void stand_by(const char *path, char **argv, char **envp)
{
	uint64_t all = ~UINT64_C(0), none = 0;
	(void)CALL(rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof(all));
	long child = CALL(clone, SIGCHLD, 0, 0, 0);
	if (child == 0) {
		child_take_terminal();
		(void)CALL(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof(none));
		become(path, argv, envp);
	}
	if (child < 0) {
		int code = (int)-child;
		(void)CALL(write, SYNC_FD, &code, sizeof(code), 0);
		quit(126);
	}
	(void)CALL(close, SYNC_FD, 0, 0, 0);
	(void)CALL(prctl, 15 /* PR_SET_NAME */, "moss-init", 0, 0);
	for (;;) {
		long signal = CALL(rt_sigtimedwait, &all, 0, 0, sizeof(all));
		if (signal == SIGCHLD)
			reap(child);
		else if (signal == SIGTTIN || signal == SIGTTOU)
			continue;
		else if (signal > 0)
			(void)CALL(kill, child, signal, 0, 0);
	}
}

/* The terminal, where there is one, is nobody's yet: only a process in the new place can take it.
 */
static void move_on(void)
{
	int said[2] = {STUB_INIT, 0};
	long child = CALL(clone, SIGCHLD | CLONE_PARENT, 0, 0, 0);
	if (child < 0) {
		said[0] = (int)-child;
		(void)CALL(write, SYNC_FD, said, sizeof(said[0]), 0);
		quit(126);
	}
	if (child > 0) {
		said[1] = (int)child;
		quit(CALL(write, SYNC_FD, said, sizeof(said), 0) == sizeof(said) ? 0 : 126);
	}
	(void)CALL(prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0, 0);
	(void)CALL(setsid, 0, 0, 0, 0);
	(void)CALL(ioctl, 0, 0x540e /* TIOCSCTTY */, 0, 0);
}

void start(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;
	int ready = 0;
	char word;
	if (argc < 3 || !envp[0] ||
		(!is_mode(argv[0], "moss-init") && !is_mode(argv[0], "moss-exec")))
		quit(126);
	if (is_mode(argv[1], STUB_FORK))
		move_on();
	if (CALL(fcntl, SYNC_FD, F_SETFD, FD_CLOEXEC, 0) < 0 ||
		CALL(write, SYNC_FD, &ready, sizeof(ready), 0) != sizeof(ready) ||
		CALL(read, SYNC_FD, &word, 1, 0) != 1)
		quit(126);
	if (is_mode(argv[0], "moss-init"))
		stand_by(envp[0], argv + 2, envp + 1);
	become(envp[0], argv + 2, envp + 1);
}
