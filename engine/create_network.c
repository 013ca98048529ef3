/* The network of a request: mode, ports, names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"

/* slirp4netns:allow_host_loopback=true,mtu=1500,enable_ipv6=true */
static int slirp_options_parse(struct create_plan *p, const char *text, struct err *e)
{
	auto_strv words = STRV_INIT;
	uint32_t mtu;
	strv_split(&words, text, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *v;
		if ((v = str_after(words.v[i], "allow_host_loopback=")))
			p->host_loopback = strcmp(v, "true") == 0;
		else if ((v = str_after(words.v[i], "enable_ipv6=")))
			p->net_ipv6 = strcmp(v, "true") == 0;
		else if ((v = str_after(words.v[i], "mtu=")) && parse_u32(v, &mtu) && mtu >= 68 &&
			 mtu <= 65521)
			p->net_mtu = (int)mtu;
		else
			return err_set(e, EINVAL, "invalid option \"%s\" for --network slirp4netns",
				words.v[i]);
	}
	return 0;
}

static int conflict(struct err *e, const char *what, const char *with)
{
	return err_set(e, EINVAL, "conflicting options: %s and the %s", what, with);
}

/* What belongs to the container whose network it is. */
static int check_shared(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	if (p->share[SHARE_NET].path)
		return 0;
	if (!str_empty(r->hostname))
		return conflict(e, "hostname", "network mode");
	if (r->dns.n)
		return conflict(e, "dns", "network mode");
	if (r->add_host.n)
		return conflict(e, "custom host-to-IP mapping", "network mode");
	if (r->publish.n || r->publish_all)
		return conflict(e, "port publishing", "container type network mode");
	if (r->expose.n)
		return conflict(e, "port exposing", "container type network mode");
	return 0;
}

static int check_network(struct create_plan *p, struct strv *warnings, struct err *e)
{
	const struct create_request *r = p->r;
	const char *name = r->network.n ? r->network.v[r->network.n - 1] : "default";
	const char *options;
	if (str_starts(name, "name=") && !strchr(name, ','))
		name += 5;
	if (strcmp(name, "default") == 0 || !*name)
		name = "bridge";
	p->network_name = xstrdup(p->share[SHARE_NET].mode ? p->share[SHARE_NET].mode : name);
	if (str_starts(name, "pasta"))
		return err_set(e, ENOTSUP, "--network %s is not supported yet", name);
	if (share_is_on(&p->share[SHARE_NET])) {
		int rc = check_shared(p, e);
		if (rc < 0)
			return rc;
		p->net = NET_SHARED;
	} else if (strcmp(name, "none") == 0) {
		p->net = NET_NONE;
	} else if (strcmp(name, "host") == 0) {
		p->net = NET_HOST;
	} else if (strcmp(name, "bridge") == 0 || strcmp(name, "slirp4netns") == 0 ||
		   (options = str_after(name, "slirp4netns:"))) {
		p->net = NET_SLIRP;
		options = str_after(name, "slirp4netns:");
		int rc = options ? slirp_options_parse(p, options, e) : 0;
		if (rc < 0)
			return rc;
		p->network_name[strcspn(name, ":")] = '\0';
	} else {
		err_set(e, ENOENT, "network %s not found", name);
		return err_hint(e, "networks of your own are not supported yet: use none, host or "
				   "the default one");
	}
	if (r->network_alias.n) {
		err_set(e, EINVAL,
			"network-scoped aliases are only supported for user-defined networks");
		return err_status(e, 125);
	}
	if (!str_empty(r->ip))
		return err_set(e, EINVAL,
			"invalid config for network %s: user specified IP address is supported on "
			"user defined networks only",
			p->network_name);
	if (p->net == NET_HOST && r->publish.n)
		strv_add(warnings,
			"WARNING: Published ports are discarded when using host network mode");
	return 0;
}

static int check_mac(const struct create_request *r, struct err *e)
{
	unsigned b[6];
	int n = 0;
	if (str_empty(r->mac_address))
		return 0;
	if (sscanf(r->mac_address, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4],
		    &b[5], &n) == 6 &&
		!r->mac_address[n])
		return 0;
	err_set(e, EINVAL, "%s is not a valid mac address", r->mac_address);
	return err_status(e, 125);
}

/* slirp4netns forwards TCP and UDP, from IPv4 addresses of the host. */
static int check_published(const struct port_spec *s, struct err *e)
{
	if (strcmp(s->proto, "sctp") == 0)
		return err_set(e, ENOTSUP,
			"publishing SCTP ports is not supported yet (-p %u/sctp)", s->container);
	if (strchr(s->host_ip, ':'))
		return err_set(e, ENOTSUP,
			"publishing on an IPv6 address is not supported yet (-p [%s]:%s:%u)",
			s->host_ip, s->host_text, s->container);
	return 0;
}

static int check_ports(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	const char *key;
	json_t *value;
	int rc;
	for (size_t i = 0; i < r->publish.n; i++)
		if ((rc = port_parse_publish(r->publish.v[i], &p->publish, e)) < 0)
			return rc;
	for (size_t i = 0; i < r->expose.n; i++)
		if ((rc = port_parse_expose(r->expose.v[i], &p->exposed, e)) < 0)
			return rc;
	json_object_foreach (json_at(p->image_config, "ExposedPorts"), key, value)
		if ((rc = port_parse_expose(key, &p->exposed, e)) < 0)
			return err_ctx(e, "the image's ExposedPorts");
	for (size_t i = 0; i < p->publish.n && p->net == NET_SLIRP; i++)
		if ((rc = check_published(&p->publish.v[i], e)) < 0)
			return rc;
	return 0;
}

static int check_hostname(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	char host[65] = "localhost";
	bool is_host = p->net == NET_HOST || (r->uts && strcmp(r->uts, "host") == 0);
	if (is_host) {
		(void)gethostname(host, sizeof(host) - 1);
		host[sizeof(host) - 1] = '\0';
	}
	if (p->other_hostname && !is_host)
		p->hostname = xstrdup(p->other_hostname);
	else if (!str_empty(r->hostname))
		p->hostname = utf8_text(r->hostname);
	else
		p->hostname = is_host ? xstrdup(host) : xstrndup(p->id, 12);
	p->domainname = p->other_domainname ? p->other_domainname
			: r->domainname     ? r->domainname
					    : "";
	if (strlen(p->hostname) > 64 || strlen(p->domainname) > 64)
		return err_set(e, EINVAL, "the host name %s is longer than 64 characters",
			strlen(p->hostname) > 64 ? p->hostname : p->domainname);
	return 0;
}

static int check_names(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	int rc;
	for (size_t i = 0; i < r->add_host.n; i++) {
		auto_free char *name = NULL;
		const char *ip;
		if ((rc = add_host_parse(r->add_host.v[i], &name, &ip, e)) < 0)
			return rc;
	}
	/* --dns none: the image's own file stays. */
	bool has_none = r->dns.n == 1 && strcmp(r->dns.v[0], "none") == 0;
	for (size_t i = 0; i < r->dns.n && !has_none; i++)
		if ((rc = dns_check(r->dns.v[i], e)) < 0)
			return rc;
	for (size_t i = 0; i < r->dns_search.n; i++)
		if ((rc = dns_search_check(r->dns_search.v[i], e)) < 0)
			return rc;
	return 0;
}

int create_check_network(struct create_plan *p, struct strv *warnings, struct err *e)
{
	int rc;
	if ((rc = check_names(p, e)) < 0 || (rc = check_mac(p->r, e)) < 0 ||
		(rc = check_network(p, warnings, e)) < 0 || (rc = check_ports(p, e)) < 0)
		return rc;
	return check_hostname(p, e);
}
