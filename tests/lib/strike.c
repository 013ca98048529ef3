/* strike: kills a program at a chosen one of its system calls.
 *
 *   strike NAME COUNT COMMAND...
 *
 * Runs COMMAND and follows it and all that descend from it. Where a process whose name (comm) is
 * NAME is about to make, or has just made, its COUNTth system call (counted over all processes of
 * this name, entry and exit apart), it is killed with SIGKILL; everything else goes on untraced.
 * COUNT 0 kills nothing. The last line of standard error says "NAME: N stops" or "NAME: killed at
 * N, call NR, entry|exit"; the exit status is COMMAND's (0 where that was killed).
 *
 * A traced set-user-id program gains nothing: newuidmap does not work in COMMAND, a container that
 * lives already has to keep the user namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TRACED = 4096, GRACE_MS = 150 };

static const char *name;
static long wanted, seen;
static pid_t first;
static bool first_gone, struck;
static int status_of_first;
static pid_t traced[MAX_TRACED];
static size_t n_traced;

static void remember(pid_t pid)
{
	for (size_t i = 0; i < n_traced; i++)
		if (traced[i] == pid)
			return;
	if (n_traced < MAX_TRACED)
		traced[n_traced++] = pid;
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < n_traced; i++)
		if (traced[i] == pid)
			traced[i] = traced[--n_traced];
}

static bool has_name(pid_t pid)
{
	char path[64], comm[32] = "";
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	(void)fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	return !strncmp(comm, name, 15);
}

/* A new child is traced from its birth, and stands still until its own first stop is seen, which
 * may come later than that of its parent: it must be known before. */
static void remember_child(pid_t pid, int status)
{
	unsigned long child = 0;
	int event = status >> 16;
	if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		    event == PTRACE_EVENT_CLONE) &&
		ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) == 0 && child)
		remember((pid_t)child);
}

/* Only the processes in question stop at every call. */
static void go_on(pid_t pid, int sig)
{
	(void)ptrace(has_name(pid) ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, (void *)(long)sig);
}

static void at_call(pid_t pid)
{
	struct __ptrace_syscall_info info = {0};
	if (!has_name(pid)) {
		go_on(pid, 0);
		return;
	}
	seen++;
	if (!wanted || seen != wanted) {
		go_on(pid, 0);
		return;
	}
	(void)ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info);
	fprintf(stderr, "%s: killed at %ld, call %ld, %s\n", name, seen,
		info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long)info.entry.nr : -1L,
		info.op == PTRACE_SYSCALL_INFO_ENTRY ? "entry" : "exit");
	(void)kill(pid, SIGKILL);
	struck = true;
}

static void stopped(pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	remember(pid);
	remember_child(pid, status);
	if (sig == (SIGTRAP | 0x80))
		at_call(pid);
	else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP)
		(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* stopped by job control */
	else
		go_on(pid, event ? 0 : sig);
}

/* All that still live go on without us. A running one must be stopped to be let go. */
static void let_go(void)
{
	for (size_t i = n_traced; i-- > 0;)
		if (ptrace(PTRACE_INTERRUPT, traced[i], NULL, NULL) < 0 && errno == ESRCH &&
			kill(traced[i], 0) < 0)
			forget(traced[i]);
	for (int rounds = 0; n_traced && rounds < 2000; rounds++) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
		if (pid < 0)
			return;
		if (pid == 0) {
			(void)usleep(1000);
			continue;
		}
		if (WIFSTOPPED(status)) {
			int sig = WSTOPSIG(status);
			bool is_signal = !(status >> 16) && sig != (SIGTRAP | 0x80);
			remember_child(pid, status);
			(void)ptrace(PTRACE_DETACH, pid, NULL, (void *)(long)(is_signal ? sig : 0));
		} else if (pid == first) {
			first_gone = true;
			status_of_first = status;
		}
		forget(pid);
	}
}

static long now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void follow(void)
{
	long end = 0;
	while (!struck) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | (first_gone ? WNOHANG : 0));
		if (pid < 0 && errno != EINTR)
			return;
		if (pid <= 0) {
			/* What the command leaves behind is followed for a moment. */
			if (first_gone && now_ms() > end)
				return;
			(void)usleep(500);
			continue;
		}
		if (WIFSTOPPED(status)) {
			stopped(pid, status);
			continue;
		}
		forget(pid);
		if (pid == first) {
			first_gone = true;
			status_of_first = status;
			end = now_ms() + GRACE_MS;
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: strike NAME COUNT COMMAND...\n");
		return 2;
	}
	name = argv[1];
	wanted = strtol(argv[2], NULL, 10);
	first = fork();
	if (first == 0) {
		(void)raise(SIGSTOP);
		(void)execvp(argv[3], argv + 3);
		_exit(127);
	}
	int status;
	(void)waitpid(first, &status, WUNTRACED);
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	if (ptrace(PTRACE_SEIZE, first, NULL, (void *)options) < 0) {
		perror("strike: cannot trace");
		(void)kill(first, SIGKILL);
		return 2;
	}
	(void)kill(first, SIGCONT);
	remember(first);
	follow();
	if (!struck)
		fprintf(stderr, "%s: %ld stops\n", name, seen);
	let_go();
	if (!first_gone)
		(void)waitpid(first, &status_of_first, 0);
	return WIFEXITED(status_of_first) ? WEXITSTATUS(status_of_first) : 0;
}
