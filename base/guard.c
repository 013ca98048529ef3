#include "base/guard.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

_Noreturn static void guard_main(int sock, int dir_fd, const char *name)
{
	const int keep[2] = {sock, dir_fd};
	struct err ignored;
	sigset_t all;
	char word;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();
	fds_close_except(0, keep, 2);
	(void)write_all(sock, "-", 1);
	if (read_full(sock, &word, 1) != 1)
		(void)path_remove_at(dir_fd, name, &ignored);
	_exit(0);
}

int guard_start(struct guard *g, int dir_fd, const char *name, struct err *e)
{
	int ends[2];
	char word;
	*g = GUARD_INIT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "cannot make a socket");
	auto_fd theirs = ends[0], ours = ends[1];
	g->pid = fork();
	if (g->pid < 0)
		return err_sys(e, "cannot start a process");
	if (g->pid == 0)
		guard_main(theirs, dir_fd, name);
	close(take_fd(theirs));
	g->fd = take_fd(ours);
	/* Until it has left our process group, what ends us could end it, too. */
	if (read_full(g->fd, &word, 1) == 1)
		return 0;
	guard_end(g);
	return err_set(e, ECHILD, "cannot start a process that watches over %s", name);
}

void guard_end(struct guard *g)
{
	int saved = errno;
	if (g->fd >= 0) {
		(void)!send(g->fd, "-", 1, MSG_NOSIGNAL);
		close(g->fd);
		(void)spawn_wait(g->pid);
	}
	*g = GUARD_INIT;
	errno = saved;
}
