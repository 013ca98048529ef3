#include "base/spawn.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FDS_MAX = 32 };

/* Puts the descriptors at their numbers. All sources are first moved out of the way, so that no
 * dup2 overwrites one that is still to come. */
static int child_place_fds(const struct spawn *s, int report, struct err *e)
{
	int want[3 + FDS_MAX], n = 3 + (int)s->n_fds;
	int keep[3 + FDS_MAX + 2];
	want[0] = s->fd_in;
	want[1] = s->fd_out;
	want[2] = s->fd_err;
	for (size_t i = 0; i < s->n_fds; i++)
		want[3 + i] = s->fds[i];
	for (int i = 0; i < n; i++) {
		int fd = want[i] >= 0 ? want[i] : open("/dev/null", O_RDWR | O_CLOEXEC);
		int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3 + FDS_MAX + 1);
		if (high < 0)
			return err_sys(e, "cannot pass descriptor %d", want[i]);
		want[i] = high;
	}
	for (int i = 0; i < n; i++) {
		if (dup2(want[i], i) < 0)
			return err_sys(e, "cannot pass descriptor %d", i);
		keep[i] = i;
	}
	keep[n] = report;
	keep[n + 1] = s->keep_fd ? s->keep_fd : report;
	fds_close_except(0, keep, (size_t)n + 2);
	return 0;
}

static void reset_signals(void)
{
	sigset_t none;
	struct sigaction sa = {.sa_handler = SIG_DFL};
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child_main(const struct spawn *s, int report, pid_t parent)
{
	struct err e = {0};
	int r = 0;
	int high = fcntl(report, F_DUPFD_CLOEXEC, 3 + 2 * FDS_MAX + 8);
	if (high < 0)
		r = err_sys(&e, "cannot start %s", s->file);
	else
		report = high;
	reset_signals();
	if (r == 0)
		r = child_place_fds(s, report, &e);
	if (s->new_session)
		(void)setsid();
	if (s->death_signal) {
		(void)prctl(PR_SET_PDEATHSIG, s->death_signal);
		if (getppid() != parent)
			_exit(127);
	}
	if (r == 0 && s->prepare)
		r = s->prepare(s->prepare_arg, &e);
	if (r == 0) {
		if (s->envp)
			execvpe(s->file, s->argv, s->envp);
		else
			execvp(s->file, s->argv);
		(void)err_sys(&e, "cannot start %s", s->file);
	}
	(void)write_all(report, &e, sizeof(e));
	_exit(127);
}

int spawn_begin(const struct spawn *s, pid_t *pid, int *report, struct err *e)
{
	int ends[2];
	if (s->n_fds > FDS_MAX)
		BUG("too many descriptors for %s", s->file);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot start %s", s->file);
	pid_t self = getpid();
	*pid = fork();
	if (*pid == 0)
		child_main(s, ends[1], self);
	int r = *pid < 0 ? err_sys(e, "cannot start %s", s->file) : 0;
	close(ends[1]);
	if (r < 0)
		close(ends[0]);
	*report = r < 0 ? -1 : ends[0];
	return r;
}

int spawn_finish(const struct spawn *s, pid_t pid, int report, int *pidfd, struct err *e)
{
	struct err failure;
	ssize_t n = read_full(report, &failure, sizeof(failure));
	close(report);
	if (n == sizeof(failure)) {
		(void)spawn_wait(pid);
		*e = failure;
		return -e->code;
	}
	if (pidfd) {
		*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*pidfd < 0) {
			int r = err_sys(e, "cannot watch %s", s->file);
			(void)kill(pid, SIGKILL);
			(void)spawn_wait(pid);
			return r;
		}
	}
	return 0;
}

int spawn_start(const struct spawn *s, pid_t *pid, int *pidfd, struct err *e)
{
	int report, r = spawn_begin(s, pid, &report, e);
	return r < 0 ? r : spawn_finish(s, *pid, report, pidfd, e);
}

int spawn_wait(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Empties the two pipes side by side; what is over the limit is read and dropped. */
static void collect(int fds[2], struct buf *bufs[2], size_t max)
{
	struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
	char chunk[8192];
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < 2; i++) {
			if (p[i].fd < 0 || !p[i].revents)
				continue;
			ssize_t r = read(p[i].fd, chunk, sizeof(chunk));
			if (r <= 0)
				p[i].fd = -1;
			else if (bufs[i] && bufs[i]->len < max)
				buf_add(bufs[i], chunk, (size_t)r);
		}
	}
}

int spawn_capture(char *const *argv, size_t max, struct buf *out, struct buf *err_text,
	struct err *e)
{
	int a[2], b[2];
	if (pipe2(a, O_CLOEXEC) < 0)
		return err_sys(e, "cannot start %s", argv[0]);
	auto_fd out_read = a[0], out_write = a[1];
	if (pipe2(b, O_CLOEXEC) < 0)
		return err_sys(e, "cannot start %s", argv[0]);
	auto_fd err_read = b[0], err_write = b[1];
	struct spawn s = SPAWN_INIT;
	s.file = argv[0];
	s.argv = argv;
	s.fd_out = out_write;
	s.fd_err = err_write;
	pid_t pid;
	int r = spawn_start(&s, &pid, NULL, e);
	if (r < 0)
		return r;
	close(take_fd(out_write));
	close(take_fd(err_write));
	collect((int[]){out_read, err_read}, (struct buf *[]){out, err_text}, max);
	return spawn_wait(pid);
}

char *spawn_helper_path(const char *name)
{
	const char *dir = secure_getenv("MOSS_LIBEXEC");
	return path_join(dir && *dir ? dir : MOSS_LIBEXECDIR, name);
}
