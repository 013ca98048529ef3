#include "base/guard.h"
#include "base/err.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the maker says: a folder (with its descriptor), that all is over. The name is in memory, so
 * that a new one costs nothing; it is of the last folder that was told before. */
enum word { WORD_READY = 'r', WORD_FOLDER = 'f', WORD_END = 'e' };

enum { NAME_ROOM = NAME_MAX + 1 };

_Noreturn static void guard_main(
	int sock, const char *name, int keep, int (*confine)(struct err *e))
{
	const int kept[2] = {sock, keep};
	struct err ignored;
	sigset_t all;
	char word = WORD_READY;
	int dir = -1;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();
	fds_close_except(0, kept, keep < 0 ? 1 : 2);
	if (confine && confine(&ignored) < 0)
		_exit(1);
	(void)msg_send(sock, &word, 1, NULL, 0);
	for (;;) {
		int fds[MSG_FDS_MAX];
		size_t n = MSG_FDS_MAX;
		ssize_t r = msg_recv(sock, &word, 1, fds, &n);
		if (r == 1 && word == WORD_END)
			_exit(0);
		if (r != 1)
			break;
		for (size_t i = 0; i < n; i++) {
			scope_close(&dir);
			dir = fds[i];
		}
	}
	if (*name && dir >= 0)
		(void)path_remove_at(dir, name, &ignored);
	_exit(0);
}

int guard_start_idle(struct guard *g, int keep, int (*confine)(struct err *e), struct err *e)
{
	int ends[2];
	char word;
	*g = GUARD_INIT;
	int r = msg_pair(ends);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket");
	auto_fd theirs = ends[0], ours = ends[1];
	void *room =
		mmap(NULL, NAME_ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return err_sys(e, "cannot get memory");
	g->name = room;
	g->pid = fork();
	if (g->pid < 0) {
		(void)err_sys(e, "cannot start a process");
		guard_end(g);
		return -e->code;
	}
	if (g->pid == 0)
		guard_main(theirs, g->name, keep, confine);
	close(take_fd(theirs));
	g->fd = take_fd(ours);
	/* Until it has left our process group, what ends us could end it, too. */
	if (msg_recv(g->fd, &word, 1, NULL, NULL) == 1)
		return 0;
	guard_end(g);
	return err_set(e, ECHILD, "cannot start a process that watches over files");
}

int guard_watch(struct guard *g, int dir_fd, const char *name, struct err *e)
{
	struct stat st;
	size_t n = strlen(name);
	char word = WORD_FOLDER;
	guard_forget(g);
	if (n == 0 || n >= NAME_ROOM)
		return err_set(e, ENAMETOOLONG, "cannot watch over %s", name);
	if (fstat(dir_fd, &st) < 0)
		return err_sys(e, "cannot look at a folder");
	if (st.st_dev != g->dev || st.st_ino != g->ino) {
		int r = msg_send(g->fd, &word, 1, &dir_fd, 1);
		if (r < 0)
			return err_sysn(e, -r, "the process that watches over files has ended");
		g->dev = st.st_dev;
		g->ino = st.st_ino;
	}
	/* The first letter last: there is the whole name or none. */
	memcpy(g->name + 1, name + 1, n);
	__atomic_store_n(g->name, *name, __ATOMIC_RELEASE);
	return 0;
}

void guard_forget(struct guard *g)
{
	if (g->name)
		__atomic_store_n(g->name, '\0', __ATOMIC_RELEASE);
}

int guard_start(struct guard *g, int dir_fd, const char *name, struct err *e)
{
	int r = guard_start_idle(g, -1, NULL, e);
	if (r == 0 && (r = guard_watch(g, dir_fd, name, e)) < 0)
		guard_end(g);
	return r;
}

void guard_end(struct guard *g)
{
	int saved = errno;
	char word = WORD_END;
	if (g->fd >= 0) {
		(void)msg_send(g->fd, &word, 1, NULL, 0);
		close(g->fd);
		(void)spawn_wait(g->pid);
	}
	if (g->name)
		(void)munmap(g->name, NAME_ROOM);
	*g = GUARD_INIT;
	errno = saved;
}
