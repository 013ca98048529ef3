#include "base/guard.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

_Noreturn static void guard_main(int pipe_fd, int dir_fd, const char *name)
{
	const int keep[2] = {pipe_fd, dir_fd};
	struct err ignored;
	sigset_t all;
	char word;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();
	fds_close_except(0, keep, 2);
	if (read_full(pipe_fd, &word, 1) != 1)
		(void)path_remove_at(dir_fd, name, &ignored);
	_exit(0);
}

int guard_start(struct guard *g, int dir_fd, const char *name, struct err *e)
{
	int ends[2];
	*g = GUARD_INIT;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd theirs = ends[0], ours = ends[1];
	g->pid = fork();
	if (g->pid < 0)
		return err_sys(e, "cannot start a process");
	if (g->pid == 0)
		guard_main(theirs, dir_fd, name);
	g->fd = take_fd(ours);
	return 0;
}

void guard_end(struct guard *g)
{
	int saved = errno;
	if (g->fd >= 0) {
		(void)write_all(g->fd, "-", 1);
		close(g->fd);
		(void)spawn_wait(g->pid);
	}
	*g = GUARD_INIT;
	errno = saved;
}
