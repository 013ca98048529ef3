/* udp_relay: published UDP ports.
 *
 * slirp4netns cannot answer datagrams that came over the host's loopback interface unless
 * containers may reach everything that listens there. So UDP has a small process of its own, a fork
 * of the caller: it holds the bound sockets of the host and, for each client, a socket inside the
 * container's network namespace, through which the container sees the client as its own address
 * (never as 127.0.0.1). It has no capabilities, and ends with its parent or when quit_fd is closed.
 */
#ifndef NETNS_UDP_RELAY_H
#define NETNS_UDP_RELAY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct udp_port {
	int host_fd; /* bound */
	uint16_t container_port; /* of container_ip */
};

struct udp_relay {
	pid_t pid;
	int quit_fd;
};
#define UDP_RELAY_INIT ((struct udp_relay){.quit_fd = -1})

/* Takes over the sockets of ports[] (closed here, also on errors). The process is the caller's to
 * reap. */
int udp_relay_start(int netns_fd, const char *container_ip, const struct udp_port *ports, size_t n,
	struct udp_relay *r, struct err *e);
void udp_relay_stop(struct udp_relay *r);

#endif
