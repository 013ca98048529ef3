#include "base/msg.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int msg_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(MSG_FDS_MAX * sizeof(int))];
};

int msg_send(int sock, const void *p, size_t n, const int *fds, size_t n_fds)
{
	struct iovec iov = {.iov_base = (void *)p, .iov_len = n};
	union control control;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n_fds > MSG_FDS_MAX)
		BUG("too many descriptors in a message");
	if (n_fds) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	for (;;) {
		if (sendmsg(sock, &m, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* Takes over what arrived; what was not expected is closed. */
static void take_fds(struct msghdr *m, int *fds, size_t *n_fds)
{
	size_t got = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n_fds && got < MSG_FDS_MAX)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	if (n_fds)
		*n_fds = got;
}

ssize_t msg_recv(int sock, void *p, size_t max, int *fds, size_t *n_fds)
{
	struct iovec iov = {.iov_base = p, .iov_len = max};
	union control control;
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;
	int resets = 0;
	/* A peer that closed with a message of ours unread leaves ECONNRESET, once, in front of the
	 * messages it sent before. */
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
	if (n_fds)
		*n_fds = 0;
	if (n < 0)
		return -errno;
	take_fds(&m, fds, n_fds);
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; n_fds && i < *n_fds; i++)
			close(fds[i]);
		if (n_fds)
			*n_fds = 0;
		return -EMSGSIZE;
	}
	return n;
}
