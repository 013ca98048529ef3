/* slirp: one slirp4netns process for one network namespace. */
#ifndef NETNS_SLIRP_H
#define NETNS_SLIRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct port_map {
	char host_ip[64]; /* "" = all */
	uint16_t host_port; /* never 0 here */
	uint16_t container_port;
	bool is_udp;
};

struct slirp_options {
	int netns_fd; /* the container's network namespace */
	bool allow_host_loopback;
	bool enable_ipv6;
	int mtu; /* 0 = 65520 */
	const char *mac; /* of eth0; NULL = SLIRP_MAC */
	const char *api_socket; /* absolute, of any length; NULL where no port is published */
};

struct slirp {
	pid_t pid;
	int pidfd;
	int ready_fd;
	int exit_fd; /* closing it ends slirp4netns */
	int log_fd; /* what it wrote to stderr, at most 4 KiB */
	char *api_socket;
};
#define SLIRP_INIT ((struct slirp){.pidfd = -1, .ready_fd = -1, .exit_fd = -1, .log_fd = -1})

/* What the container sees: the addresses slirp4netns gives by default. */
#define SLIRP_ADDRESS "10.0.2.100"
#define SLIRP_GATEWAY "10.0.2.2"
#define SLIRP_DNS "10.0.2.3"
#define SLIRP_MAC "02:00:0a:00:02:64"
enum { SLIRP_PREFIX = 24 };

/* In the user namespace: starts it and returns at once. Missing program or tun device: the error
 * says the cure. */
int slirp_start(const struct slirp_options *o, struct slirp *s, struct err *e);
/* Waits until eth0 is configured. */
int slirp_wait_ready(struct slirp *s, struct err *e);
/* Publishes a TCP port through the API socket. A port that is taken: -EADDRINUSE, "port is already
 * allocated" as Docker says; one that only root may bind: -EACCES, with the cure. */
int slirp_publish(struct slirp *s, const struct port_map *p, struct err *e);
/* A socket bound to the host's side of p (udp_relay), with the same errors. */
int port_bind(const struct port_map *p, struct err *e);
/* A free port on host_ip, from the kernel's ephemeral range; -errno. */
int port_free(const char *host_ip, bool is_udp);
/* Tells it to end, without waiting: the caller reaps pid when it has time. Closes everything. */
void slirp_stop(struct slirp *s);

#endif
