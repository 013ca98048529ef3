#include "registry/reference.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/transport.h"

/* The grammar (distribution's reference package):
 *
 *   reference := name [":" tag] ["@" digest]
 *   name      := [domain "/"] component ("/" component)*
 *   domain    := (label ("." label)* | "[" IPv6 "]") [":" digits]
 *   component := [a-z0-9]+ (("." | "_" | "__" | "-"+) [a-z0-9]+)*
 *   tag       := [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}
 *
 * Each scan_* returns the end of what it matched, or NULL.
 */

enum { NAME_MAX_LEN = 255, TAG_MAX_LEN = 128, DIGEST_HEX_MIN = 32 };

static bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

static bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

static const char *scan_label(const char *p)
{
	if (!is_alnum(*p))
		return NULL;
	const char *end = p + 1;
	for (; is_alnum(*p) || *p == '-'; p++)
		if (*p != '-')
			end = p + 1;
	return end == p ? end : NULL;
}

static const char *scan_domain(const char *p)
{
	if (*p == '[') {
		const char *start = ++p;
		while (isxdigit((unsigned char)*p) || *p == ':')
			p++;
		if (p == start || *p != ']')
			return NULL;
		p++;
	} else {
		do {
			p = scan_label(p);
		} while (p && *p == '.' && p++);
		if (!p)
			return NULL;
	}
	if (*p == ':') {
		const char *start = ++p;
		while (isdigit((unsigned char)*p))
			p++;
		if (p == start)
			return NULL;
	}
	return p;
}

/* Length of a separator at p, 0 where there is none. */
static size_t separator_len(const char *p)
{
	if (*p == '.')
		return 1;
	if (*p == '_')
		return p[1] == '_' ? 2 : 1;
	return strspn(p, "-");
}

static const char *scan_component(const char *p)
{
	if (!is_lower_alnum(*p))
		return NULL;
	for (;;) {
		while (is_lower_alnum(*p))
			p++;
		size_t sep = separator_len(p);
		if (!sep || !is_lower_alnum(p[sep]))
			return p;
		p += sep;
	}
}

static const char *scan_path(const char *p)
{
	do {
		p = scan_component(p);
	} while (p && *p == '/' && p++);
	return p;
}

static const char *scan_tag(const char *p)
{
	if (!is_alnum(*p) && *p != '_')
		return NULL;
	size_t n = 0;
	while (n < TAG_MAX_LEN && (is_alnum(p[n]) || (p[n] && strchr("_.-", p[n]))))
		n++;
	return p + n;
}

static const char *scan_algorithm(const char *p)
{
	do {
		if (!is_alnum(*p) || isdigit((unsigned char)*p))
			return NULL;
		while (is_alnum(*p))
			p++;
	} while (*p && strchr("-_+.", *p) && p++);
	return p;
}

static const char *scan_digest(const char *p)
{
	p = scan_algorithm(p);
	if (!p || *p++ != ':')
		return NULL;
	size_t n = 0;
	while (isxdigit((unsigned char)p[n]))
		n++;
	return n >= DIGEST_HEX_MIN ? p + n : NULL;
}

bool digest_valid(const char *d)
{
	const char *hex = d ? str_after(d, "sha256:") : NULL;
	return hex && strlen(hex) == 64 && is_hex(hex, 64);
}

void reference_deinit(struct reference *r)
{
	free(r->domain);
	free(r->path);
	free(r->tag);
	free(r->digest);
	*r = (struct reference){0};
}

/* Docker's rule: what stands before the first slash is a host only where it looks like one. */
static bool looks_like_domain(const char *s, size_t n)
{
	if (n == strlen("localhost") && !memcmp(s, "localhost", n))
		return true;
	for (size_t i = 0; i < n; i++)
		if (s[i] == '.' || s[i] == ':' || isupper((unsigned char)s[i]))
			return true;
	return false;
}

/* Splits into the domain (owned) and the rest (owned), both normalised. */
static void split_domain(const char *typed, char **domain, char **rest)
{
	const char *slash = strchr(typed, '/');
	if (slash && looks_like_domain(typed, (size_t)(slash - typed))) {
		*domain = xstrndup(typed, (size_t)(slash - typed));
		*rest = xstrdup(slash + 1);
	} else {
		*domain = xstrdup("docker.io");
		*rest = xstrdup(typed);
	}
	if (!strcmp(*domain, "index.docker.io")) {
		free(*domain);
		*domain = xstrdup("docker.io");
	}
	if (!strcmp(*domain, "docker.io") && !strchr(*rest, '/')) {
		char *full = xasprintf("library/%s", *rest);
		free(*rest);
		*rest = full;
	}
}

static int check_lower_case(const char *rest, struct err *e)
{
	size_t n = strcspn(rest, ":");
	for (size_t i = 0; i < n; i++)
		if (isupper((unsigned char)rest[i]))
			return err_set(e, EINVAL,
				"invalid reference format: repository name (%.*s) must be "
				"lowercase",
				(int)n, rest);
	return 0;
}

static int check_digest(const char *digest, struct err *e)
{
	if (digest_valid(digest))
		return 0;
	if (!str_starts(digest, "sha256:"))
		return err_set(e, EINVAL, "unsupported digest algorithm");
	return err_set(e, EINVAL, "invalid checksum digest %s",
		strlen(digest) == 64 + strlen("sha256:") ? "format" : "length");
}

static int invalid_format(struct err *e) { return err_set(e, EINVAL, "invalid reference format"); }

/* Reads "path[:tag][@digest]" into r. */
static int parse_rest(const char *rest, struct reference *r, struct err *e)
{
	const char *end = scan_path(rest);
	if (!end)
		return invalid_format(e);
	r->path = xstrndup(rest, (size_t)(end - rest));
	if (*end == ':') {
		const char *tag = end + 1;
		end = scan_tag(tag);
		if (!end)
			return invalid_format(e);
		r->tag = xstrndup(tag, (size_t)(end - tag));
	}
	if (*end == '@') {
		const char *digest = end + 1;
		end = scan_digest(digest);
		if (!end)
			return invalid_format(e);
		r->digest = xstrndup(digest, (size_t)(end - digest));
	}
	return *end ? invalid_format(e) : 0;
}

static int parse(const char *typed, struct reference *r, struct err *e)
{
	if (strlen(typed) == 64 && is_hex(typed, 64))
		return err_set(e, EINVAL,
			"invalid repository name (%s), cannot specify 64-byte hexadecimal strings",
			typed);
	auto_free char *rest = NULL;
	split_domain(typed, &r->domain, &rest);
	int ret = check_lower_case(rest, e);
	if (ret < 0)
		return ret;
	const char *end = scan_domain(r->domain);
	if (!end || *end)
		return invalid_format(e);
	ret = parse_rest(rest, r, e);
	if (ret < 0)
		return ret;
	if (strlen(r->domain) + 1 + strlen(r->path) > NAME_MAX_LEN)
		return err_set(e, EINVAL,
			"invalid reference format: repository name must not be more than %d "
			"characters",
			NAME_MAX_LEN);
	return r->digest ? check_digest(r->digest, e) : 0;
}

/* ---- names with a transport in front, as Skopeo and Podman write them ---- */

/* Another engine's store, which is its own to read. */
static int refuse_store(const char *typed, struct err *e)
{
	static const char *const stores[][2] = {
		{"containers-storage:", "podman save"}, {"docker-daemon:", "docker save"}};
	for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
		const char *name = str_after(typed, stores[i][0]);
		if (!name)
			continue;
		err_set(e, EINVAL, "%s: the images of another engine are not read from its store",
			typed);
		return err_hint(e, "copy it: %s %s | moss load", stores[i][1], name);
	}
	return 0;
}

/* What is no reference may be a file or a folder ("oci:1" is an image called oci). */
static int explain(const char *typed, struct err *e)
{
	if (!transport_is(typed))
		return -e->code;
	err_set(e, EINVAL, "%s: a file or folder is no image of the store", typed);
	return err_hint(e, "moss pull %s takes its image in", typed);
}

int reference_parse(const char *typed, bool add_latest, struct reference *r, struct err *e)
{
	const char *in_registry = str_after(typed, "docker://");
	*r = (struct reference){0};
	if (refuse_store(typed, e) < 0)
		return -e->code;
	int ret = parse(in_registry ? in_registry : typed, r, e);
	if (ret < 0 && !in_registry)
		ret = explain(typed, e);
	if (ret < 0) {
		reference_deinit(r);
		return ret;
	}
	if (add_latest && !r->tag && !r->digest)
		r->tag = xstrdup("latest");
	return 0;
}

static char *with_suffix(char *name, const struct reference *r)
{
	char *full = xasprintf("%s%s%s%s%s", name, r->tag ? ":" : "", r->tag ? r->tag : "",
		r->digest ? "@" : "", r->digest ? r->digest : "");
	free(name);
	return full;
}

char *reference_name(const struct reference *r) { return xasprintf("%s/%s", r->domain, r->path); }

char *reference_familiar_name(const struct reference *r)
{
	if (strcmp(r->domain, "docker.io"))
		return reference_name(r);
	const char *official = str_after(r->path, "library/");
	return xstrdup(official && !strchr(official, '/') ? official : r->path);
}

char *reference_full(const struct reference *r) { return with_suffix(reference_name(r), r); }

char *reference_key(const struct reference *r)
{
	auto_free char *name = reference_name(r);
	return r->digest ? xasprintf("%s@%s", name, r->digest) : reference_full(r);
}

char *reference_familiar(const struct reference *r)
{
	return with_suffix(reference_familiar_name(r), r);
}
