#include "netns/udp_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

enum {
	CLIENTS_MAX = 256, /* the longest idle one makes place for a new one */
	IDLE_S = 120,
	DATAGRAM_MAX = 65535,
	CLIENT_0 = 1 << 20, /* of epoll's data; ports count from 0 */
	QUIT = CLIENT_0 - 1,
};

struct client {
	int fd; /* in the container's namespace, connected; -1 = free */
	size_t port;
	struct sockaddr_storage from;
	socklen_t from_len;
	struct in_addr to; /* the host's address it spoke to: the answer comes from there */
	int64_t used_ns;
};

struct relay {
	int epoll;
	const struct udp_port *ports;
	size_t n;
	struct in_addr container;
	struct client clients[CLIENTS_MAX];
	char data[DATAGRAM_MAX];
};

static void client_drop(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static struct client *client_find(
	struct relay *r, size_t port, const struct sockaddr_storage *from, socklen_t len)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &r->clients[i];
		if (c->fd >= 0 && c->port == port && c->from_len == len &&
			memcmp(&c->from, from, len) == 0)
			return c;
	}
	return NULL;
}

static struct client *client_place(struct relay *r)
{
	struct client *oldest = &r->clients[0];
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (r->clients[i].fd < 0)
			return &r->clients[i];
		if (r->clients[i].used_ns < oldest->used_ns)
			oldest = &r->clients[i];
	}
	client_drop(oldest);
	return oldest;
}

static struct client *client_new(
	struct relay *r, size_t port, const struct sockaddr_storage *from, socklen_t len)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(r->ports[port].container_port),
		.sin_addr = r->container};
	auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return NULL;
	struct client *c = client_place(r);
	struct epoll_event ev = {
		.events = EPOLLIN, .data.u64 = CLIENT_0 + (uint64_t)(c - r->clients)};
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return NULL;
	*c = (struct client){.fd = take_fd(fd), .port = port, .from_len = len};
	memcpy(&c->from, from, len);
	return c;
}

union packet_info {
	char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct cmsghdr align;
};

static void from_host(struct relay *r, size_t port)
{
	struct sockaddr_storage from;
	union packet_info info;
	struct iovec iov = {r->data, sizeof(r->data)};
	struct msghdr m = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &info,
		.msg_controllen = sizeof(info)};
	ssize_t n = recvmsg(r->ports[port].host_fd, &m, MSG_DONTWAIT);
	if (n < 0)
		return;
	struct client *c = client_find(r, port, &from, m.msg_namelen);
	if (!c && !(c = client_new(r, port, &from, m.msg_namelen)))
		return;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		struct in_pktinfo p;
		if (h->cmsg_level != IPPROTO_IP || h->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&p, CMSG_DATA(h), sizeof(p));
		c->to = p.ipi_addr;
	}
	c->used_ns = clock_monotonic_ns();
	/* Lost where nobody listens: it is UDP. */
	(void)!send(c->fd, r->data, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void from_container(struct relay *r, struct client *c)
{
	union packet_info info = {.space = {0}};
	ssize_t n = recv(c->fd, r->data, sizeof(r->data), MSG_DONTWAIT);
	if (n < 0)
		return; /* also takes a pending "connection refused" away */
	struct iovec iov = {r->data, (size_t)n};
	struct msghdr m = {
		.msg_name = &c->from, .msg_namelen = c->from_len, .msg_iov = &iov, .msg_iovlen = 1};
	if (c->from.ss_family == AF_INET) {
		struct in_pktinfo p = {.ipi_spec_dst = c->to};
		m.msg_control = &info;
		m.msg_controllen = sizeof(info);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = IPPROTO_IP;
		h->cmsg_type = IP_PKTINFO;
		h->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(h), &p, sizeof(p));
	}
	c->used_ns = clock_monotonic_ns();
	(void)!sendmsg(r->ports[c->port].host_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void drop_idle(struct relay *r)
{
	int64_t limit = clock_monotonic_ns() - IDLE_S * NS_PER_S;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (r->clients[i].fd >= 0 && r->clients[i].used_ns < limit)
			client_drop(&r->clients[i]);
}

static int relay_watch(struct relay *r, int quit)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = QUIT};
	int on = 1;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, quit, &ev) < 0)
		return -errno;
	for (size_t i = 0; i < r->n; i++) {
		ev.data.u64 = i;
		(void)setsockopt(r->ports[i].host_fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->ports[i].host_fd, &ev) < 0)
			return -errno;
	}
	return 0;
}

static void relay_loop(struct relay *r)
{
	struct epoll_event ev[64];
	for (;;) {
		int n = epoll_wait(r->epoll, ev, ARRAY_LEN(ev), IDLE_S * 1000);
		if (n < 0 && errno != EINTR)
			return;
		for (int i = 0; i < n; i++) {
			uint64_t what = ev[i].data.u64;
			if (what == QUIT)
				return;
			if (what < CLIENT_0)
				from_host(r, (size_t)what);
			else if (r->clients[what - CLIENT_0].fd >= 0)
				from_container(r, &r->clients[what - CLIENT_0]);
		}
		drop_idle(r);
	}
}

static _Noreturn void child_main(int netns_fd, const char *container_ip, int quit, int report,
	const struct udp_port *ports, size_t n)
{
	struct relay *r = xcalloc(1, sizeof(*r));
	int *keep = xcalloc(n + 5, sizeof(*keep));
	cap_t none = cap_init();
	size_t k = 0;
	sigset_t all;
	int code;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "moss-udp");
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	r->ports = ports;
	r->n = n;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		r->clients[i].fd = -1;
	for (size_t i = 0; i < n; i++)
		keep[k++] = ports[i].host_fd;
	keep[k++] = quit;
	keep[k++] = report;
	keep[k++] = netns_fd;
	fds_close_except(0, keep, k);
	(void)inet_pton(AF_INET, container_ip, &r->container);
	code = setns(netns_fd, CLONE_NEWNET) < 0 ? errno : 0;
	close(netns_fd);
	if (!code)
		code = -relay_watch(r, quit);
	if (!code && (!none || cap_set_proc(none) < 0))
		code = EPERM;
	(void)!write(report, &code, sizeof(code));
	close(report);
	if (!code)
		relay_loop(r);
	_exit(0);
}

static void close_ports(const struct udp_port *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(ports[i].host_fd);
}

int udp_relay_start(int netns_fd, const char *container_ip, const struct udp_port *ports, size_t n,
	struct udp_relay *r, struct err *e)
{
	int quit[2], report[2], code = EPIPE;
	*r = UDP_RELAY_INIT;
	if (pipe2(quit, O_CLOEXEC) < 0) {
		close_ports(ports, n);
		return err_sys(e, "cannot make a pipe");
	}
	auto_fd quit_r = quit[0], quit_w = quit[1];
	if (pipe2(report, O_CLOEXEC) < 0) {
		close_ports(ports, n);
		return err_sys(e, "cannot make a pipe");
	}
	auto_fd report_r = report[0];
	r->pid = fork();
	if (r->pid == 0)
		child_main(netns_fd, container_ip, quit_r, report[1], ports, n);
	int fork_code = errno;
	close(report[1]);
	close_ports(ports, n);
	if (r->pid < 0)
		return err_sysn(e, fork_code, "cannot start the process for UDP ports");
	if (read_full(report_r, &code, sizeof(code)) != sizeof(code))
		code = EPIPE;
	if (code)
		return err_sysn(e, code, "cannot publish UDP ports");
	r->quit_fd = take_fd(quit_w);
	return 0;
}

void udp_relay_stop(struct udp_relay *r)
{
	scope_close(&r->quit_fd);
	*r = UDP_RELAY_INIT;
}
