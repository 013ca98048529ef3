/* Which requirements are for an image, and which signed names count (registry/policy.h). */
#include "registry/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/reference.h"

const json_t *policy_requirements(
	const struct policy *p, const char *transport, const struct strv *scopes)
{
	const json_t *of = json_object_get(json_object_get(p->document, "transports"), transport);
	for (size_t i = 0; i < scopes->n; i++) {
		const json_t *list = json_object_get(of, scopes->v[i]);
		if (list)
			return list;
	}
	const json_t *list = json_object_get(of, "");
	return list ? list : json_object_get(p->document, "default");
}

void policy_scopes(const struct reference *ref, struct strv *out)
{
	strv_take(out, reference_full(ref));
	auto_free char *name = reference_name(ref);
	for (char *slash = name + strlen(name); slash; slash = strrchr(name, '/')) {
		*slash = '\0';
		strv_add(out, name);
	}
	/* A wildcard is for every port. */
	auto_free char *host = xstrndup(ref->domain, strcspn(ref->domain, ":"));
	for (const char *dot = strchr(host, '.'); dot; dot = strchr(dot + 1, '.'))
		strv_addf(out, "*%s", dot);
}

void policy_path_scopes(const char *path, struct strv *out)
{
	auto_free char *at = xstrdup(path);
	for (char *slash = at + strlen(at); slash && slash > at; slash = strrchr(at, '/')) {
		*slash = '\0';
		strv_add(out, at);
	}
}

enum policy_verdict policy_verdict(const json_t *requirement, const char **why)
{
	static const char *const unknown[] = {"fulcio", "pki", "rekorPublicKeyPath",
		"rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas"};
	const char *type = json_str_or(requirement, "type", "");
	*why = type;
	if (!strcmp(type, "insecureAcceptAnything"))
		return POLICY_ACCEPTS;
	if (!strcmp(type, "reject"))
		return POLICY_REJECTS;
	if (strcmp(type, "sigstoreSigned") != 0)
		return POLICY_UNSUPPORTED;
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		if (json_object_get(requirement, unknown[i])) {
			*why = unknown[i];
			return POLICY_UNSUPPORTED;
		}
	return POLICY_NEEDS_SIGNATURE;
}

/* ---- signedIdentity ---- */

static bool same_name(const struct reference *a, const struct reference *b)
{
	return !strcmp(a->domain, b->domain) && !strcmp(a->path, b->path);
}

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

/* With a tag or digest, and the same in all. */
static bool same_whole(const struct reference *a, const struct reference *b)
{
	return (a->tag || a->digest) && same_name(a, b) && same_text(a->tag, b->tag) &&
	       same_text(a->digest, b->digest);
}

static bool digest_or_exact(const struct reference *image, const struct reference *signed_as)
{
	if (image->tag)
		return same_whole(image, signed_as);
	/* That the digest is the signed one is checked before, in any case. */
	return image->digest && same_name(image, signed_as);
}

static bool matches_named(
	const json_t *identity, const char *key, bool is_whole, const struct reference *signed_as)
{
	auto_reference wanted = {0};
	struct err ignored = {0};
	if (reference_parse(json_str_or(identity, key, ""), false, &wanted, &ignored) < 0)
		return false;
	return is_whole ? same_whole(&wanted, signed_as) : same_name(&wanted, signed_as);
}

static bool matches_remapped(
	const json_t *identity, const struct reference *image, const struct reference *signed_as)
{
	const char *prefix = json_str_or(identity, "prefix", "");
	auto_free char *full = reference_full(image);
	auto_free char *name = reference_name(image);
	const char *rest = str_after(name, prefix);
	if (!rest || (*rest && *rest != '/'))
		return digest_or_exact(image, signed_as);
	auto_free char *there =
		xasprintf("%s%s", json_str_or(identity, "signedPrefix", ""), full + strlen(prefix));
	auto_reference remapped = {0};
	struct err ignored = {0};
	return reference_parse(there, false, &remapped, &ignored) == 0 &&
	       digest_or_exact(&remapped, signed_as);
}

bool policy_identity_matches(
	const json_t *requirement, const struct reference *ref, const char *signed_name)
{
	const json_t *identity = json_object_get(requirement, "signedIdentity");
	const char *type = json_str_or(identity, "type", "matchRepoDigestOrExact");
	auto_reference signed_as = {0};
	struct err ignored = {0};
	if (reference_parse(signed_name, false, &signed_as, &ignored) < 0)
		return false;
	if (!strcmp(type, "matchExact"))
		return same_whole(ref, &signed_as);
	if (!strcmp(type, "matchRepoDigestOrExact"))
		return digest_or_exact(ref, &signed_as);
	if (!strcmp(type, "matchRepository"))
		return same_name(ref, &signed_as);
	if (!strcmp(type, "exactReference"))
		return matches_named(identity, "dockerReference", true, &signed_as);
	if (!strcmp(type, "exactRepository"))
		return matches_named(identity, "dockerRepository", false, &signed_as);
	return !strcmp(type, "remapIdentity") && matches_remapped(identity, ref, &signed_as);
}
