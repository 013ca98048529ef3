/* slirp: one slirp4netns process for one network namespace. */
#ifndef NETNS_SLIRP_H
#define NETNS_SLIRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct port_map {
	char host_ip[64];    /* "" = all */
	uint16_t host_port;  /* never 0 here */
	uint16_t container_port;
	bool is_udp;
};

struct slirp_options {
	int netns_fd;              /* the container's network namespace */
	bool allow_host_loopback;
	bool enable_ipv6;
	int mtu;                   /* 0 = 65520 */
	const char *api_socket;    /* path; NULL where no port is published */
};

struct slirp {
	pid_t pid;
	int pidfd;
	int ready_fd;
	int exit_fd; /* closing it ends slirp4netns */
	char *api_socket;
};

/* In the user namespace: starts it and returns at once. Missing program or tun device: the error
 * says the cure. */
int slirp_start(const struct slirp_options *o, struct slirp *s, struct err *e);
/* Waits until tap0 is configured. */
int slirp_wait_ready(struct slirp *s, struct err *e);
/* Publishes through the API socket: "port is already allocated" texts as Docker's. */
int slirp_publish(struct slirp *s, const struct port_map *p, struct err *e);
void slirp_stop(struct slirp *s);

#endif
