#include "engine/attach.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/monitor.h"
#include "engine/relay.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 100 };

int attach_connect(struct store *s, const char *id, const struct attach_hello *hello)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	auto_free char *run_dir = monitor_run_dir(s->runroot, id);
	auto_fd dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (dir < 0 || sock < 0)
		return -errno;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/ctl", dir);
	if (connect(sock, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != geteuid())
		return -EPERM;
	if (send(sock, hello, sizeof(*hello), MSG_NOSIGNAL) != sizeof(*hello))
		return -ECONNREFUSED;
	return take_fd(sock);
}

int attach_connect_or_wake(
	struct store *s, const struct container_row *row, const struct attach_hello *hello)
{
	int fd = attach_connect(s, row->id, hello);
	if (fd != -ENOENT && fd != -ECONNREFUSED)
		return fd;
	monitor_wake(&row->monitor);
	for (int i = 0; i < TRIES && fd < 0 && proc_start_time(row->monitor.pid); i++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
		fd = attach_connect(s, row->id, hello);
	}
	return fd;
}

static int on_exit_frame(void *arg, uint8_t type, const uint8_t *p, size_t n)
{
	if (type != ATTACH_EXIT || n != 4)
		return 0;
	*(int *)arg = p[3];
	return 1;
}

int attach_wait_exit(int fd, int timeout_ms)
{
	struct relay r;
	char small[256];
	int code = ATTACH_LOST;
	int64_t end = clock_monotonic_ns() + timeout_ms * INT64_C(1000000);
	relay_init(&r, fd);
	for (;;) {
		int left = -1;
		if (timeout_ms >= 0) {
			int64_t ns = end - clock_monotonic_ns();
			left = ns > 0 ? (int)((ns + 999999) / 1000000) : 0;
		}
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = poll(&p, 1, left);
		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0)
			continue;
		int got = relay_receive(&r, small, sizeof(small), on_exit_frame, &code);
		if (got < 0 || code != ATTACH_LOST)
			return code;
	}
}
