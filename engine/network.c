#include "engine/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "netns/slirp.h"
#include "netns/udp_relay.h"

enum { RANDOM_PORT_TRIES = 10 };

struct network {
	json_t *plan;
	bool has_slirp;
	int netns_fd; /* where UDP ports are published */
	struct slirp slirp;
	struct udp_relay relay;
	struct udp_port *udp;
	size_t n_udp;
	json_t *ports; /* NetworkSettings.Ports */
};

int network_start(const char *annotation, int netns_fd, const char *api_socket,
	struct network **out, struct err *e)
{
	struct network *n = xcalloc(1, sizeof(*n));
	n->slirp = SLIRP_INIT;
	n->relay = UDP_RELAY_INIT;
	n->netns_fd = -1;
	n->plan = annotation ? json_parse(annotation, strlen(annotation),
				       "the annotation moss.network", e)
			     : json_pack("{s:s}", "mode", "none");
	if (!n->plan) {
		free(n);
		return -e->code;
	}
	if (strcmp(json_str_or(n->plan, "mode", "none"), "slirp4netns") == 0) {
		struct slirp_options o = {
			.netns_fd = netns_fd,
			.allow_host_loopback = json_bool_or(n->plan, "host_loopback", false),
			.enable_ipv6 = json_bool_or(n->plan, "ipv6", false),
			.mtu = (int)json_int_or(n->plan, "mtu", 0),
			.mac = json_str(n->plan, "mac"),
			.api_socket =
				json_array_size(json_at(n->plan, "ports")) ? api_socket : NULL,
		};
		int r = slirp_start(&o, &n->slirp, e);
		if (r < 0) {
			network_free(n);
			return r;
		}
		n->has_slirp = true;
		n->netns_fd = fcntl(netns_fd, F_DUPFD_CLOEXEC, 3);
	}
	*out = n;
	return 0;
}

static int publish_port(struct network *n, const struct port_map *m, struct err *e)
{
	if (!m->is_udp)
		return slirp_publish(&n->slirp, m, e);
	int fd = port_bind(m, e);
	if (fd < 0)
		return fd;
	n->udp = xrealloc(n->udp, (n->n_udp + 1) * sizeof(*n->udp));
	n->udp[n->n_udp++] = (struct udp_port){.host_fd = fd, .container_port = m->container_port};
	return 0;
}

/* One port: the given one, the first free of a range, or any. The last error stays. */
static int publish(struct network *n, struct port_map *m, int64_t start, int64_t end, struct err *e)
{
	int r = -EADDRINUSE;
	if (start > 0) {
		for (int64_t p = start; p <= end; p++) {
			m->host_port = (uint16_t)p;
			r = publish_port(n, m, e);
			if (r != -EADDRINUSE)
				break;
		}
		return r;
	}
	for (int i = 0; i < RANDOM_PORT_TRIES; i++) {
		int port = port_free(m->host_ip, m->is_udp);
		if (port < 0)
			return err_sysn(e, -port, "cannot find a free port on %s",
				*m->host_ip ? m->host_ip : "0.0.0.0");
		m->host_port = (uint16_t)port;
		if ((r = publish_port(n, m, e)) == 0)
			break;
	}
	return r;
}

static int publish_entry(struct network *n, const json_t *entry, struct err *e)
{
	struct port_map m = {0};
	const char *proto = json_str_or(entry, "proto", "tcp");
	int64_t start = json_int_or(entry, "start", 0);
	snprintf(m.host_ip, sizeof(m.host_ip), "%s", json_str_or(entry, "ip", ""));
	m.container_port = (uint16_t)json_int_or(entry, "port", 0);
	m.is_udp = strcmp(proto, "udp") == 0;
	int r = publish(n, &m, start, json_int_or(entry, "end", start), e);
	if (r < 0)
		return err_ctx(e, "driver failed programming external connectivity");
	auto_free char *key = xasprintf("%u/%s", m.container_port, proto);
	auto_free char *host_port = xasprintf("%u", m.host_port);
	json_t *list = json_object_get(n->ports, key);
	if (!json_is_array(list)) {
		list = json_array();
		json_object_set_new(n->ports, key, list);
	}
	json_array_append_new(
		list, json_pack("{s:s, s:s}", "HostIp", *m.host_ip ? m.host_ip : "0.0.0.0",
			      "HostPort", host_port));
	return 0;
}

/* The endpoint's fields, in the order of docker inspect; an empty one where addr is NULL. */
static json_t *endpoint(const char *addr, const char *mac)
{
	json_t *o = json_object();
	json_set(o, "IPAMConfig", json_null());
	json_set(o, "Links", json_null());
	json_set(o, "Aliases", json_null());
	json_set_str(o, "MacAddress", addr ? mac : "");
	json_set_str(o, "NetworkID", "");
	json_set_str(o, "EndpointID", "");
	json_set_str(o, "Gateway", addr ? SLIRP_GATEWAY : "");
	json_set_str(o, "IPAddress", addr ? addr : "");
	json_set_int(o, "IPPrefixLen", addr ? SLIRP_PREFIX : 0);
	json_set_str(o, "IPv6Gateway", "");
	json_set_str(o, "GlobalIPv6Address", "");
	json_set_int(o, "GlobalIPv6PrefixLen", 0);
	json_set(o, "DriverOpts", json_null());
	json_set(o, "DNSNames", json_null());
	return o;
}

/* Takes ports. */
static json_t *settings_new(const char *name, json_t *ports, const char *addr, const char *mac)
{
	json_t *o = json_object(), *networks = json_object();
	json_set_str(o, "Bridge", "");
	json_set_str(o, "SandboxID", "");
	json_set_str(o, "SandboxKey", "");
	json_set(o, "Ports", ports);
	json_set_bool(o, "HairpinMode", false);
	json_set_str(o, "LinkLocalIPv6Address", "");
	json_set_int(o, "LinkLocalIPv6PrefixLen", 0);
	json_set(o, "SecondaryIPAddresses", json_null());
	json_set(o, "SecondaryIPv6Addresses", json_null());
	json_set_str(o, "EndpointID", "");
	json_set_str(o, "Gateway", addr ? SLIRP_GATEWAY : "");
	json_set_str(o, "GlobalIPv6Address", "");
	json_set_int(o, "GlobalIPv6PrefixLen", 0);
	json_set_str(o, "IPAddress", addr ? addr : "");
	json_set_int(o, "IPPrefixLen", addr ? SLIRP_PREFIX : 0);
	json_set_str(o, "IPv6Gateway", "");
	json_set_str(o, "MacAddress", addr ? mac : "");
	/* Of another container's network nothing is shown, as Docker has it. */
	if (!str_starts(name, "container:") && !str_starts(name, "ns:"))
		json_set(networks, name, endpoint(addr, mac));
	json_set(o, "Networks", networks);
	return o;
}

json_t *network_settings_idle(const char *mode)
{
	return settings_new(mode, json_object(), NULL, NULL);
}

static int publish_all(struct network *n, struct err *e)
{
	json_t *item;
	size_t i;
	int r = slirp_wait_ready(&n->slirp, e);
	json_array_foreach (json_at(n->plan, "ports"), i, item) {
		if (r < 0)
			return r;
		r = publish_entry(n, item, e);
	}
	if (r < 0 || !n->n_udp)
		return r;
	r = udp_relay_start(n->netns_fd, SLIRP_ADDRESS, n->udp, n->n_udp, &n->relay, e);
	n->n_udp = 0;
	return r;
}

bool network_is_up(const struct network *n) { return !n->has_slirp; }

/* The exposed ports, none of them published yet. */
static json_t *exposed_ports(const json_t *plan)
{
	json_t *ports = json_object(), *item;
	size_t i;
	json_array_foreach (json_at(plan, "exposed"), i, item)
		json_object_set_new(ports, json_string_value(item), json_null());
	return ports;
}

/* Takes ports. */
static char *settings_text(const json_t *plan, json_t *ports)
{
	bool has_slirp = strcmp(json_str_or(plan, "mode", "none"), "slirp4netns") == 0;
	auto_json o = settings_new(json_str_or(plan, "name", "bridge"), json_sorted(ports),
		has_slirp ? SLIRP_ADDRESS : NULL, json_str_or(plan, "mac", SLIRP_MAC));
	return json_text(o);
}

char *network_settings_early(const json_t *plan)
{
	bool is_up_to_start = strcmp(json_str_or(plan, "mode", "none"), "slirp4netns") == 0 &&
			      json_array_size(json_at(plan, "ports")) > 0;
	return is_up_to_start ? NULL : settings_text(plan, exposed_ports(plan));
}

int network_finish(struct network *n, char **settings, struct err *e)
{
	n->ports = exposed_ports(n->plan);
	if (n->has_slirp && publish_all(n, e) < 0)
		return err_status(e, 125);
	scope_close(&n->netns_fd);
	n->netns_fd = -1;
	*settings = settings_text(n->plan, json_incref(n->ports));
	return 0;
}

void network_stop(struct network *n)
{
	if (!n || !n->has_slirp)
		return;
	n->has_slirp = false;
	udp_relay_stop(&n->relay);
	slirp_stop(&n->slirp);
}

void network_free(struct network *n)
{
	if (!n)
		return;
	network_stop(n);
	for (size_t i = 0; i < n->n_udp; i++)
		close(n->udp[i].host_fd);
	free(n->udp);
	scope_close(&n->netns_fd);
	json_drop(&n->plan);
	json_drop(&n->ports);
	free(n);
}
