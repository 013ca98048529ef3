/* The PORTS column: sorted, neighbours merged into ranges, as Docker's client shows them. */
#include "cmd/ps.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

static void add_port(json_t *out, const char *ip, int64_t private, int64_t public, const char *type)
{
	json_t *o = json_object();
	json_set_str(o, "ip", ip);
	json_set_int(o, "private", private);
	json_set_int(o, "public", public);
	json_set_str(o, "type", type);
	json_array_append_new(out, o);
}

json_t *ps_ports(struct ps_container *c)
{
	json_t *out = json_array();
	const char *key;
	json_t *bindings, *b;
	size_t i;
	json_object_foreach (json_at(ps_network(c), "Ports"), key, bindings) {
		const char *slash = strchr(key, '/');
		const char *type = slash ? slash + 1 : "tcp";
		int64_t private = strtoll(key, NULL, 10);
		if (!json_array_size(bindings))
			add_port(out, "", private, 0, type);
		json_array_foreach (bindings, i, b) {
			const char *port = json_str_or(b, "HostPort", "0");
			add_port(out, json_str_or(b, "HostIp", ""), private,
				strtoll(port, NULL, 10), type);
		}
	}
	return out;
}

struct port {
	const char *ip, *type;
	int64_t private, public;
};

struct group {
	const char *ip; /* "" = not published */
	const char *type;
	int64_t first, last;
};

static int compare(const void *va, const void *vb)
{
	const struct port *a = va, *b = vb;
	if (a->private != b->private)
		return a->private < b->private ? -1 : 1;
	int r = strcmp(a->ip, b->ip);
	if (r)
		return r;
	if (a->public != b->public)
		return a->public < b->public ? -1 : 1;
	return strcmp(a->type, b->type);
}

static void add_comma(struct buf *out)
{
	if (out->len)
		buf_puts(out, ", ");
}

static void add_address(struct buf *out, const char *ip)
{
	buf_printf(out, strchr(ip, ':') ? "[%s]:" : "%s:", ip);
}

static void add_group(struct buf *out, const struct group *g)
{
	auto_free char *range = g->first == g->last ? xasprintf("%lld", (long long)g->first)
						    : xasprintf("%lld-%lld", (long long)g->first,
							      (long long)g->last);
	add_comma(out);
	if (*g->ip) {
		add_address(out, g->ip);
		buf_printf(out, "%s->", range);
	}
	buf_printf(out, "%s/%s", range, g->type);
}

static struct group *find_group(struct group *groups, size_t n, const struct port *p)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(groups[i].ip, p->ip) == 0 && strcmp(groups[i].type, p->type) == 0)
			return &groups[i];
	}
	return NULL;
}

/* Ports that are published under another number come last, one by one. */
static char *join_ports(const struct port *ports, size_t n)
{
	auto_buf out = BUF_INIT;
	auto_buf mapped = BUF_INIT;
	auto_free struct group *groups = xcalloc(n, sizeof(*groups));
	size_t n_groups = 0;
	for (size_t i = 0; i < n; i++) {
		const struct port *p = &ports[i];
		if (*p->ip && p->public != p->private) {
			add_comma(&mapped);
			add_address(&mapped, p->ip);
			buf_printf(&mapped, "%lld->%lld/%s", (long long)p->public,
				(long long)p->private, p->type);
			continue;
		}
		struct group *g = find_group(groups, n_groups, p);
		if (!g) {
			groups[n_groups++] = (struct group){p->ip, p->type, p->private, p->private};
		} else if (p->private == g->last + 1) {
			g->last = p->private;
		} else {
			add_group(&out, g);
			g->first = g->last = p->private;
		}
	}
	for (size_t i = 0; i < n_groups; i++)
		add_group(&out, &groups[i]);
	if (mapped.len) {
		add_comma(&out);
		buf_add(&out, mapped.data, mapped.len);
	}
	return buf_take(&out);
}

char *ps_ports_text(const json_t *list)
{
	size_t n = json_array_size(list), i;
	auto_free struct port *ports = xcalloc(n, sizeof(*ports));
	json_t *p;
	json_array_foreach (list, i, p)
		ports[i] = (struct port){json_str_or(p, "ip", ""), json_str_or(p, "type", "tcp"),
			json_int_or(p, "private", 0), json_int_or(p, "public", 0)};
	if (n)
		qsort(ports, n, sizeof(*ports), compare);
	return join_ports(ports, n);
}
