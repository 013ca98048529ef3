#include "engine/enter_shell.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/mount.h"
#include "storage/shells.h"
#include "storage/store.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

static int own_mounts(void *arg, struct err *e)
{
	const struct store *s = arg;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "cannot make a mount namespace");
	return shells_add(s->root, e);
}

int enter_shell(struct store *s, char *const *argv, struct err *e)
{
	struct entered in;
	struct spawn sp = SPAWN_INIT;
	sp.file = argv[0];
	sp.argv = argv;
	sp.fd_in = STDIN_FILENO;
	sp.fd_out = STDOUT_FILENO;
	sp.fd_err = STDERR_FILENO;
	sp.prepare = own_mounts;
	sp.prepare_arg = s;
	(void)setenv("CONTAINERS_GRAPHROOT", s->root, 1);
	(void)setenv("CONTAINERS_RUNROOT", s->runroot, 1);
	int r = enter_spawn(s, &sp, &in, e);
	/* It has recorded itself before it began. */
	scope_close(&in.creation_lock);
	scope_close(&in.pidfd);
	if (r == -ENOENT)
		return err_status(e, 127);
	if (r == -EACCES || r == -ENOEXEC)
		return err_status(e, 126);
	if (r < 0)
		return r;
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	int status = spawn_wait(in.pid);
	shells_remove(s->root, in.pid);
	mount_sweep(s);
	return status;
}
