#include "engine/parse_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

void port_specs_free(struct port_specs *p)
{
	free(p->v);
	*p = (struct port_specs){0};
}

static void specs_add(struct port_specs *p, const struct port_spec *s)
{
	p->v = xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
	p->v[p->n++] = *s;
}

int port_parse_range(const char *text, uint32_t *start, uint32_t *end)
{
	auto_free char *copy = xstrdup(text);
	char *dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	if (!parse_u32(copy, start) || *start > 65535)
		return -1;
	*end = *start;
	if (dash && (!parse_u32(dash, end) || *end > 65535))
		return -1;
	return *end < *start ? -1 : 0;
}

static int bad(struct err *e, const char *what, const char *text)
{
	err_set(e, EINVAL, "%s: %s", what, text);
	return err_status(e, 125);
}

/* "[::1]" -> "::1"; only numeric addresses are accepted. */
static int host_ip_set(struct port_spec *s, const char *text, struct err *e)
{
	auto_free char *ip = xstrdup(text);
	struct in6_addr a;
	char *bare = ip;
	if (*ip == '[') {
		char *close = strchr(ip, ']');
		if (!close || close[1]) {
			auto_free char *what = xasprintf("Invalid ip address %s", text);
			auto_free char *why =
				xasprintf("address %s:: missing ']' in address", text);
			return bad(e, what, why);
		}
		*close = '\0';
		bare++;
	} else if (strchr(ip, ':')) {
		auto_free char *what = xasprintf("Invalid ip address %s", text);
		auto_free char *why = xasprintf("address %s:: too many colons in address", text);
		return bad(e, what, why);
	}
	if (inet_pton(AF_INET, bare, &a) != 1 && inet_pton(AF_INET6, bare, &a) != 1)
		return bad(e, "Invalid ip address", bare);
	snprintf(s->host_ip, sizeof(s->host_ip), "%s", bare);
	return 0;
}

/* Cuts "/proto" off; an empty one means tcp. */
static int proto_set(struct port_spec *s, char *ports, struct err *e)
{
	char *slash = strchr(ports, '/');
	strcpy(s->proto, "tcp");
	if (!slash)
		return 0;
	*slash++ = '\0';
	str_lower(slash);
	if (!*slash)
		return 0;
	if (strcmp(slash, "tcp") != 0 && strcmp(slash, "udp") != 0 && strcmp(slash, "sctp") != 0)
		return bad(e, "Invalid proto", slash);
	strcpy(s->proto, slash);
	return 0;
}

/* target=80,published=8080,protocol=tcp -> "8080:80/tcp" */
static int long_form(const char *text, char **out, struct err *e)
{
	auto_strv fields = STRV_INIT;
	const char *target = "", *published = "", *protocol = "tcp";
	strv_split(&fields, text, ',');
	for (size_t i = 0; i < fields.n; i++) {
		const char *v;
		if ((v = str_after(fields.v[i], "target=")))
			target = v;
		else if ((v = str_after(fields.v[i], "published=")))
			published = v;
		else if ((v = str_after(fields.v[i], "protocol=")))
			protocol = v;
		else if (!str_starts(fields.v[i], "mode=") &&
			 !str_starts(fields.v[i], "app_protocol="))
			return bad(e, "invalid publish opts format (should be name=value)",
				fields.v[i]);
	}
	*out = xasprintf("%s:%s/%s", published, target, protocol);
	return 0;
}

/* The parts of "ip:host:container"; they point into text. */
static void split_publish(char *text, char **ip, char **host, char **container)
{
	*ip = *host = NULL;
	*container = text;
	char *last = strrchr(text, ':');
	if (!last)
		return;
	*last = '\0';
	*container = last + 1;
	*host = text;
	last = strrchr(text, ':');
	if (!last)
		return;
	*last = '\0';
	*host = last + 1;
	*ip = text;
}

static int publish_ranges(struct port_spec *s, const char *host, const char *container,
	struct port_specs *out, struct err *e)
{
	uint32_t c0, c1, h0 = 0, h1 = 0;
	bool host_given = !str_empty(host);
	if (port_parse_range(container, &c0, &c1) < 0)
		return bad(e, "Invalid containerPort", container);
	if (host_given && port_parse_range(host, &h0, &h1) < 0)
		return bad(e, "Invalid hostPort", host);
	if (host_given && c1 - c0 != h1 - h0 && c0 != c1) {
		err_set(e, EINVAL,
			"Invalid ranges specified for container and host Ports: %s and %s",
			container, host);
		return err_status(e, 125);
	}
	for (uint32_t p = c0; p <= c1; p++) {
		struct port_spec one = *s;
		one.container = (uint16_t)p;
		if (host_given && c0 == c1) {
			one.host_start = h0;
			one.host_end = h1;
			snprintf(one.host_text, sizeof(one.host_text), h0 == h1 ? "%u" : "%u-%u",
				h0, h1);
		} else if (host_given) {
			one.host_start = one.host_end = h0 + (p - c0);
			snprintf(one.host_text, sizeof(one.host_text), "%u", one.host_start);
		}
		specs_add(out, &one);
	}
	return 0;
}

int port_parse_publish(const char *typed, struct port_specs *out, struct err *e)
{
	auto_free char *text = NULL;
	struct port_spec s = {0};
	char *ip, *host, *container;
	int r;
	if (!strchr(typed, '='))
		text = xstrdup(typed);
	else if ((r = long_form(typed, &text, e)) < 0)
		return r;
	split_publish(text, &ip, &host, &container);
	if (!str_empty(ip) && (r = host_ip_set(&s, ip, e)) < 0)
		return r;
	auto_free char *ports = xstrdup(container);
	if ((r = proto_set(&s, ports, e)) < 0)
		return r;
	if (!*ports)
		return bad(e, "No port specified", *typed ? typed : "<empty>");
	return publish_ranges(&s, host, ports, out, e);
}

int port_parse_expose(const char *typed, struct port_specs *out, struct err *e)
{
	auto_free char *text = xstrdup(typed);
	struct port_spec s = {0};
	uint32_t from, to;
	if (strchr(text, ':'))
		return bad(e, "invalid port format for --expose", typed);
	int r = proto_set(&s, text, e);
	if (r < 0)
		return r;
	if (port_parse_range(text, &from, &to) < 0)
		return bad(e, "invalid range format for --expose", typed);
	for (uint32_t p = from; p <= to; p++) {
		s.container = (uint16_t)p;
		specs_add(out, &s);
	}
	return 0;
}
