/* Which rule is for a name, and which places it makes (registry/registries.h). */
#include "registry/registries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/reference.h"

/* ---- prefixes ---- */

static bool is_boundary(char c) { return c == '\0' || c == ':' || c == '/' || c == '@'; }

/* How much of the name the prefix covers; 0 = none. A wildcard covers the host with its port. */
static size_t covered(const char *name, const char *prefix)
{
	if (!str_starts(prefix, "*.")) {
		const char *rest = str_after(name, prefix);
		return rest && is_boundary(*rest) ? strlen(prefix) : 0;
	}
	/* "*.example.com" is for what stands below example.com, not for itself. */
	const char *domain = prefix + 1;
	size_t host = strcspn(name, "/");
	for (const char *at = strstr(name, domain); at && (size_t)(at - name) < host;
		at = strstr(at + 1, domain)) {
		const char *rest = at + strlen(domain);
		if (at > name && is_boundary(*rest))
			return host;
	}
	return 0;
}

const struct registry_rule *registries_rule(const struct registries *r, const char *name)
{
	const struct registry_rule *best = NULL;
	for (size_t i = 0; i < r->n_rules; i++) {
		const struct registry_rule *rule = &r->rules[i];
		if (covered(name, rule->prefix) &&
			(!best || strlen(rule->prefix) > strlen(best->prefix)))
			best = rule;
	}
	return best;
}

/* ---- Docker's insecure-registries ---- */

static bool in_range(const char *address, const char *range)
{
	unsigned char a[16], b[16];
	auto_free char *net = xstrndup(range, strcspn(range, "/"));
	const char *slash = strchr(range, '/');
	uint32_t bits;
	if (!slash || !parse_u32(slash + 1, &bits))
		return false;
	int family = strchr(net, ':') ? AF_INET6 : AF_INET;
	if (bits > (family == AF_INET6 ? 128U : 32U) || inet_pton(family, net, a) != 1 ||
		inet_pton(family, address, b) != 1)
		return false;
	size_t whole = bits / 8;
	unsigned mask = 0xff00U >> bits % 8 & 0xffU;
	return !memcmp(a, b, whole) && (bits % 8 == 0 || (a[whole] & mask) == (b[whole] & mask));
}

/* The host without its port and brackets. Owned. */
static char *bare_host(const char *host)
{
	if (*host == '[')
		return xstrndup(host + 1, strcspn(host + 1, "]"));
	return xstrndup(host, strcspn(host, ":"));
}

bool registries_is_docker_insecure(const struct registries *r, const char *host)
{
	auto_free char *bare = bare_host(host);
	for (size_t i = 0; i < r->docker_insecure.n; i++) {
		const char *word = r->docker_insecure.v[i];
		if (!strcmp(word, host) || (strchr(word, '/') && in_range(bare, word)))
			return true;
	}
	return false;
}

/* ---- places ---- */

static int add_place(const struct registries *r, struct endpoints *out, const char *name,
	bool is_insecure, bool is_mirror, const char *file, struct err *e)
{
	auto_reference ref = {0};
	struct err why = {0};
	if (short_name_is(name) || reference_parse(name, false, &ref, &why) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is no name of a registry and a repository",
			file, name);
	out->v = xrealloc(out->v, (out->n + 1) * sizeof(*out->v));
	out->v[out->n++] = (struct endpoint){.name = reference_name(&ref),
		.is_insecure = is_insecure || registries_is_docker_insecure(r, ref.domain),
		.is_mirror = is_mirror};
	return 0;
}

/* The location in the place of what the prefix covers. */
static int add_rewritten(const struct registries *r, struct endpoints *out, const char *name,
	const struct registry_rule *rule, const char *location, bool is_insecure, bool is_mirror,
	struct err *e)
{
	auto_free char *there =
		*location ? xasprintf("%s%s", location, name + covered(name, rule->prefix))
			  : xstrdup(name);
	return add_place(r, out, there, is_insecure, is_mirror, rule->file, e);
}

static int add_mirrors(const struct registries *r, struct endpoints *out, const char *name,
	bool has_digest, const struct registry_rule *rule, struct err *e)
{
	for (size_t i = 0; i < rule->n_mirrors; i++) {
		const struct mirror *m = &rule->mirrors[i];
		if ((rule->is_mirror_by_digest_only || m->pull_from == PULL_FROM_DIGEST_ONLY) &&
			!has_digest)
			continue;
		if (m->pull_from == PULL_FROM_TAG_ONLY && has_digest)
			continue;
		int n = add_rewritten(r, out, name, rule, m->location, m->is_insecure, true, e);
		if (n < 0)
			return n;
	}
	return 0;
}

/* registry-mirrors of a daemon.json: for Docker Hub only. */
static int add_docker_mirrors(const struct registries *r, struct endpoints *out,
	const struct reference *ref, struct err *e)
{
	for (size_t i = 0; i < r->docker_mirrors.n && !strcmp(ref->domain, "docker.io"); i++) {
		const char *url = r->docker_mirrors.v[i];
		const char *host = str_after(url, "https://");
		bool is_plain = !host;
		if (is_plain)
			host = str_after(url, "http://");
		size_t n = strlen(host);
		while (n && host[n - 1] == '/')
			n--;
		auto_free char *name = xasprintf("%.*s/%s", (int)n, host, ref->path);
		int added = add_place(r, out, name, is_plain, true, r->docker_file, e);
		if (added < 0)
			return added;
	}
	return 0;
}

int registries_endpoints(const struct registries *r, const struct reference *ref,
	struct endpoints *out, struct err *e)
{
	auto_free char *name = reference_name(ref);
	auto_free char *full = reference_full(ref);
	const struct registry_rule *rule = registries_rule(r, full);
	*out = (struct endpoints){0};
	/* The prefix may say a tag: then it covers only the full name. */
	if (rule && !covered(name, rule->prefix))
		rule = rule->is_blocked ? rule : NULL;
	if (rule && rule->is_blocked)
		return err_set(e, EACCES, "registry %s is blocked in %s", rule->prefix, rule->file);
	int n = rule ? add_mirrors(r, out, name, ref->digest != NULL, rule, e) : 0;
	if (n == 0)
		n = add_docker_mirrors(r, out, ref, e);
	if (n == 0)
		n = rule ? add_rewritten(
				   r, out, name, rule, rule->location, rule->is_insecure, false, e)
			 : add_place(r, out, name, false, false, "", e);
	if (n < 0)
		endpoints_deinit(out);
	return n;
}

int registries_admit(
	const struct registries *r, const struct reference *ref, bool *is_insecure, struct err *e)
{
	auto_free char *full = reference_full(ref);
	const struct registry_rule *rule = registries_rule(r, full);
	if (rule && rule->is_blocked)
		return err_set(e, EACCES, "registry %s is blocked in %s", rule->prefix, rule->file);
	*is_insecure = (rule && rule->is_insecure) || registries_is_docker_insecure(r, ref->domain);
	return 0;
}

/* ---- short names ---- */

bool short_name_is(const char *typed)
{
	size_t n = strcspn(typed, "/");
	if (!typed[n])
		return true;
	auto_free char *first = xstrndup(typed, n);
	if (!strcmp(first, "localhost"))
		return false;
	for (const char *p = first; *p; p++)
		if (*p == '.' || *p == ':' || (*p >= 'A' && *p <= 'Z'))
			return false;
	return true;
}

int short_name_candidates(
	const struct registries *r, const char *typed, struct strv *out, struct err *e)
{
	if (!short_name_is(typed)) {
		strv_add(out, typed);
		return 0;
	}
	size_t n = strcspn(typed, ":@");
	auto_free char *repository = xstrndup(typed, n);
	const char *alias = json_string_value(json_object_get(r->aliases, repository));
	if (alias) {
		strv_addf(out, "%s%s", alias, typed + n);
		return 0;
	}
	if (!r->has_search) {
		strv_add(out, typed);
		return 0;
	}
	for (size_t i = 0; i < r->search.n; i++)
		strv_addf(out, "%s/%s", r->search.v[i], typed);
	if (out->n)
		return 0;
	err_set(e, ENOENT,
		"short-name \"%s\" did not resolve to an alias and no unqualified-search "
		"registries "
		"are defined in \"%s\"",
		typed, r->file ? r->file : "registries.conf");
	return err_hint(e, "name the registry, too: docker.io/%s", typed);
}
