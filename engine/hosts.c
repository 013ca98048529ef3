#include "engine/hosts.h"

#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "engine/parse_limit.h"

static void add_hosts(struct buf *b, const struct hosts_options *o)
{
	for (size_t i = 0; i < o->add_host->n; i++) {
		auto_free char *name = NULL;
		const char *ip;
		struct err ignored;
		if (add_host_parse(o->add_host->v[i], &name, &ip, &ignored) < 0)
			continue;
		if (strcmp(ip, "host-gateway") == 0)
			ip = o->gateway_ip;
		size_t n = strlen(ip);
		if (*ip == '[' && n > 2)
			buf_printf(b, "%.*s\t%s\n", (int)n - 2, ip + 1, name);
		else
			buf_printf(b, "%s\t%s\n", ip, name);
	}
}

char *hosts_text(const struct hosts_options *o)
{
	auto_buf b = BUF_INIT;
	if (o->base) {
		buf_puts(&b, o->base);
		if (b.len && b.data[b.len - 1] != '\n')
			buf_putc(&b, '\n');
	} else {
		buf_puts(&b, "127.0.0.1\tlocalhost\n"
			     "::1\tlocalhost ip6-localhost ip6-loopback\n"
			     "fe00::0\tip6-localnet\n"
			     "ff00::0\tip6-mcastprefix\n"
			     "ff02::1\tip6-allnodes\n"
			     "ff02::2\tip6-allrouters\n");
	}
	add_hosts(&b, o);
	if (!o->ip)
		return buf_take(&b);
	buf_printf(&b, "%s\t", o->ip);
	if (!str_empty(o->domainname))
		buf_printf(&b, "%s.%s ", o->hostname, o->domainname);
	buf_printf(&b, "%s\n", o->hostname);
	return buf_take(&b);
}

struct resolv_lines {
	struct strv nameservers, options;
	char *search;
};

/* The words of a line that begins with `key`, or NULL. */
static const char *line_value(const char *line, const char *key)
{
	const char *p = str_after(line, key);
	if (!p || !isspace((unsigned char)*p))
		return NULL;
	while (isspace((unsigned char)*p))
		p++;
	return *p ? p : NULL;
}

static void trim_right(char *s)
{
	size_t n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
}

static void host_lines(const char *text, struct resolv_lines *l)
{
	auto_strv lines = STRV_INIT;
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *v;
		trim_right(lines.v[i]);
		if ((v = line_value(lines.v[i], "nameserver"))) {
			strv_take(&l->nameservers, xstrndup(v, strcspn(v, " \t#;")));
		} else if ((v = line_value(lines.v[i], "search")) ||
			   (v = line_value(lines.v[i], "domain"))) {
			scope_free(&l->search);
			l->search = xstrdup(v);
		} else if ((v = line_value(lines.v[i], "options"))) {
			strv_add(&l->options, v);
		}
	}
}

static bool is_loopback(const char *ip) { return str_starts(ip, "127.") || strcmp(ip, "::1") == 0; }

/* A host's loopback resolver is not reachable from another network namespace: the stub answers in
 * its place. With nothing left the stub is the nameserver. */
static void nameservers_add(
	struct buf *b, const struct resolv_options *o, const struct resolv_lines *l)
{
	bool has_stub = false, any = false;
	if (o->dns->n) {
		for (size_t i = 0; i < o->dns->n; i++)
			buf_printf(b, "nameserver %s\n", o->dns->v[i]);
		return;
	}
	for (size_t i = 0; i < l->nameservers.n; i++) {
		const char *ip = l->nameservers.v[i];
		if (o->stub && (is_loopback(ip) || str_starts(ip, "fe80:"))) {
			if (has_stub)
				continue;
			has_stub = true;
			ip = o->stub;
		}
		any = true;
		buf_printf(b, "nameserver %s\n", ip);
	}
	if (!any && o->stub)
		buf_printf(b, "nameserver %s\n", o->stub);
}

char *resolv_text(const struct resolv_options *o)
{
	struct resolv_lines l = {0};
	auto_buf b = BUF_INIT;
	buf_putc(&b, '\0');
	b.len = 0;
	if (o->host_text)
		host_lines(o->host_text, &l);
	nameservers_add(&b, o, &l);
	auto_free char *search = o->search->n ? strv_join(o->search, " ") : NULL;
	const char *shown = search ? search : l.search;
	if (!str_empty(shown) && strcmp(shown, ".") != 0)
		buf_printf(&b, "search %s\n", shown);
	auto_free char *options = strv_join(o->options->n ? o->options : &l.options, " ");
	if (!str_empty(options))
		buf_printf(&b, "options %s\n", options);
	strv_free(&l.nameservers);
	strv_free(&l.options);
	scope_free(&l.search);
	return buf_take(&b);
}
