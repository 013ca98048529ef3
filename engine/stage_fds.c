#include "engine/stage.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"
#include "engine/stub.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

/* 0, 1, 2 become the container's, 3 the socket, everything else is closed: before anything of the
 * image is looked at, no descriptor of the host is left. */
int stage_take_fds(const int stdio[3], bool terminal, int sync, int *keep, struct err *e)
{
	int from[5] = {-1, -1, -1, sync, keep ? *keep : -1};
	int n = from[4] >= 0 ? 5 : 4;
	for (int i = 0; i < 3; i++)
		if (!terminal)
			from[i] = stdio[i];
	for (int i = 0; i < n; i++) {
		int fd = from[i] >= 0 ? from[i] : open("/dev/null", O_RDWR | O_CLOEXEC);
		from[i] = fcntl(fd, F_DUPFD_CLOEXEC, 5);
		if (from[i] < 0)
			return err_sys(e, "cannot pass descriptor %d to the container", i);
	}
	for (int i = 0; i < n; i++)
		if (dup3(from[i], i, i >= STAGE_SYNC_FD ? O_CLOEXEC : 0) < 0)
			return err_sys(e, "cannot pass descriptor %d to the container", i);
	if (n == 5)
		*keep = 4;
	fds_close_except(n, NULL, 0);
	return 0;
}

/* The user's session keyring (tickets, tokens, keys of encrypted folders) is inherited like a
 * descriptor. Where keys are used up or a filter around us has no keyctl, there is no other. */
void stage_leave_keyring(void) { (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL); }

void stage_reset_signals(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigset_t none;
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void stage_fail(const struct err *e)
{
	struct sync_msg m = {.at = SYNC_FAILED, .e = *e};
	(void)msg_send(STAGE_SYNC_FD, &m, sizeof(m), NULL, 0);
	_exit(125);
}

static int copy_stub(int from, int to)
{
	struct stat st;
	if (fstat(from, &st) < 0)
		return -errno;
	for (off_t at = 0; at < st.st_size;) {
		ssize_t n = sendfile(to, from, &at, (size_t)(st.st_size - at));
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	if (fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return 0;
}

int stage_make_stub(struct err *e)
{
	auto_free char *path = spawn_helper_path("moss-init");
	auto_fd file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return err_sys(e, "cannot open %s", path);
	auto_fd stub = memfd_create("moss-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (stub < 0 && errno == EINVAL) /* before Linux 6.3 */
		stub = memfd_create("moss-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (stub < 0) {
		err_sys(e, "cannot make a memory file for moss-init");
		return err_hint(e, "sysctl vm.memfd_noexec must not be 2");
	}
	int r = copy_stub(file, stub);
	return r < 0 ? err_sysn(e, -r, "cannot copy %s", path) : take_fd(stub);
}

/* ---- the other end ---- */

int stage_listen(int sync, int *console, pid_t *init, struct err *e)
{
	union {
		struct sync_msg stage;
		int stub[2];
	} m;
	int fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	ssize_t n = msg_recv(sync, &m, sizeof(m), fds, &n_fds);
	for (size_t i = 1; i < n_fds; i++)
		close(fds[i]);
	if (n == sizeof(m.stage) && m.stage.at == SYNC_CONSOLE && n_fds && console) {
		*console = fds[0];
		return STAGE_CONSOLE;
	}
	if (n_fds)
		close(fds[0]);
	if (n == sizeof(int) && m.stub[0] == 0)
		return STAGE_READY;
	if (n == sizeof(int)) /* a stub that may not fork */
		return err_sysn(e, m.stub[0], "cannot start a process for the container");
	if (n == sizeof(m.stub) && m.stub[0] == STUB_INIT && init) {
		*init = m.stub[1];
		return STAGE_INIT;
	}
	if (n == sizeof(m.stage) && m.stage.at == SYNC_INIT && init) {
		*init = m.stage.init;
		return STAGE_INIT;
	}
	if (n == sizeof(m.stage) && m.stage.at == SYNC_UNSHARED && init)
		return STAGE_UNSHARED;
	if (n == sizeof(m.stage) && m.stage.at == SYNC_FAILED) {
		*e = m.stage.e;
		e->msg[sizeof(e->msg) - 1] = e->hint[sizeof(e->hint) - 1] = '\0';
		return e->code > 0 ? -e->code : err_set(e, EPROTO, "the container's init failed");
	}
	if (n < 0 && n != -ECONNRESET)
		return err_sysn(e, (int)-n, "cannot hear from the container's init");
	return STAGE_DIED;
}

int stage_release(int sync, const char *arg0, struct err *e)
{
	char go = 1;
	int code, r = msg_send(sync, &go, 1, NULL, 0);
	if (r < 0)
		return err_sysn(e, -r, "cannot let the container's init go");
	ssize_t n = msg_recv(sync, &code, sizeof(code), NULL, NULL);
	if (n == 0)
		return 0;
	if (n != sizeof(code) || code <= 0 || code > 4095)
		return err_set(e, EPROTO,
			"the container's init was killed before it could start %s", arg0);
	auto_free char *why = xstrdup(strerror(code));
	str_lower(why);
	err_set(e, code, "exec %s: %s", arg0, why);
	return err_status(e, code == ENOENT ? 127 : 126);
}
