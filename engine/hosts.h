/* hosts: the text of a container's /etc/hosts and /etc/resolv.conf. */
#ifndef ENGINE_HOSTS_H
#define ENGINE_HOSTS_H

#include "base/str.h"

struct hosts_options {
	const char *ip; /* the container's; NULL = none */
	const char *hostname, *domainname;
	const char *gateway_ip; /* what "host-gateway" means */
	const char *base; /* the host's /etc/hosts, with host networking; else NULL */
	const struct strv *add_host; /* checked "name:ip" */
};
char *hosts_text(const struct hosts_options *o);

struct resolv_options {
	const char *host_text; /* the host's resolv.conf; NULL = none */
	const char *stub; /* what replaces loopback nameservers ("10.0.2.3"); NULL: kept */
	const struct strv *dns, *search, *options; /* replace the host's where not empty */
};
char *resolv_text(const struct resolv_options *o);

#endif
