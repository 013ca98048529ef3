/* Which file counts, and whether it is well-formed (registry/policy.h). */
#include "registry/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "registry/reference.h"

enum { POLICY_MAX = 1 << 20, KEY_MAX = 64 * 1024, KEYS_MAX = 64 };

static const char system_file[] = "/etc/containers/policy.json";

void policy_deinit(struct policy *p)
{
	free(p->file);
	json_decref(p->document);
	*p = (struct policy){0};
}

/* ---- well-formedness ---- */

static int no_other_keys(
	const json_t *j, const char *const *known, const char *where, struct err *e)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)j, key, value) {
		const char *const *k = known;
		while (*k && strcmp(*k, key) != 0)
			k++;
		if (!*k)
			return err_set(e, EINVAL, "%s: unknown key \"%s\"", where, key);
	}
	return 0;
}

static int needs_text(const json_t *j, const char *key, const char *where, struct err *e)
{
	if (!str_empty(json_string_value(json_object_get(j, key))))
		return 0;
	return err_set(e, EINVAL, "%s: %s is no string, or missing", where, key);
}

static int check_name(
	const json_t *j, const char *key, bool is_whole, const char *where, struct err *e)
{
	auto_reference ref = {0};
	struct err why = {0};
	int r = needs_text(j, key, where, e);
	if (r < 0)
		return r;
	if (reference_parse(json_string_value(json_object_get(j, key)), false, &ref, &why) < 0)
		return err_set(e, EINVAL, "%s: %s: %s", where, key, why.msg);
	if (is_whole != (ref.tag || ref.digest))
		return err_set(e, EINVAL, "%s: %s: %s", where, key,
			is_whole ? "needs a tag or digest" : "has a tag or digest");
	return 0;
}

static int check_identity(const json_t *j, const char *where, struct err *e)
{
	static const char *const plain[] = {"type", NULL};
	static const char *const reference[] = {"type", "dockerReference", NULL};
	static const char *const repository[] = {"type", "dockerRepository", NULL};
	static const char *const remap[] = {"type", "prefix", "signedPrefix", NULL};
	auto_free char *at = xasprintf("%s: signedIdentity", where);
	const char *type = json_string_value(json_object_get(j, "type"));
	if (!json_is_object(j) || !type)
		return err_set(e, EINVAL, "%s has no type", at);
	if (!strcmp(type, "matchExact") || !strcmp(type, "matchRepoDigestOrExact") ||
		!strcmp(type, "matchRepository"))
		return no_other_keys(j, plain, at, e);
	if (!strcmp(type, "exactReference"))
		return no_other_keys(j, reference, at, e) < 0
			       ? -e->code
			       : check_name(j, "dockerReference", true, at, e);
	if (!strcmp(type, "exactRepository"))
		return no_other_keys(j, repository, at, e) < 0
			       ? -e->code
			       : check_name(j, "dockerRepository", false, at, e);
	if (strcmp(type, "remapIdentity") != 0)
		return err_set(e, EINVAL, "%s: unknown type \"%s\"", at, type);
	if (no_other_keys(j, remap, at, e) < 0 || needs_text(j, "prefix", at, e) < 0 ||
		needs_text(j, "signedPrefix", at, e) < 0)
		return -e->code;
	return 0;
}

static int check_key_list(const json_t *j, const char *key, const char *where, struct err *e)
{
	const json_t *list = json_object_get(j, key);
	size_t i;
	json_t *item;
	if (!json_array_size(list) || json_array_size(list) > KEYS_MAX)
		return err_set(e, EINVAL, "%s: %s is no list of keys", where, key);
	json_array_foreach ((json_t *)list, i, item)
		if (!json_is_string(item))
			return err_set(e, EINVAL, "%s: %s is no list of strings", where, key);
	return 0;
}

/* Exactly one place for the keys. */
static int check_sources(const json_t *j, const char *where, struct err *e)
{
	static const char *const single[] = {"keyPath", "keyData"};
	static const char *const lists[] = {"keyPaths", "keyDatas"};
	static const char *const others[] = {"fulcio", "pki"};
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(single); i++) {
		if (json_object_get(j, single[i]) && needs_text(j, single[i], where, e) < 0)
			return -e->code;
		if (json_object_get(j, lists[i]) && check_key_list(j, lists[i], where, e) < 0)
			return -e->code;
		n += json_object_get(j, single[i]) != NULL;
		n += json_object_get(j, lists[i]) != NULL;
		n += json_object_get(j, others[i]) != NULL;
	}
	if (n != 1)
		return err_set(e, EINVAL,
			"%s: exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki "
			"is "
			"needed",
			where);
	return 0;
}

static int check_requirement(const json_t *j, const char *where, struct err *e)
{
	static const char *const plain[] = {"type", NULL};
	static const char *const by[] = {
		"type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity", NULL};
	static const char *const base[] = {"type", "baseLayerIdentity", NULL};
	static const char *const sigstore[] = {"type", "keyPath", "keyPaths", "keyData", "keyDatas",
		"fulcio", "pki", "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData",
		"rekorPublicKeyDatas", "signedIdentity", NULL};
	const char *type = json_string_value(json_object_get(j, "type"));
	const json_t *identity = json_object_get(j, "signedIdentity");
	if (!json_is_object(j) || !type)
		return err_set(e, EINVAL, "%s has no type", where);
	if (!strcmp(type, "insecureAcceptAnything") || !strcmp(type, "reject"))
		return no_other_keys(j, plain, where, e);
	if (!strcmp(type, "signedBaseLayer"))
		return no_other_keys(j, base, where, e);
	bool is_sigstore = !strcmp(type, "sigstoreSigned");
	if (!is_sigstore && strcmp(type, "signedBy") != 0)
		return err_set(
			e, EINVAL, "%s: unknown policy requirement type \"%s\"", where, type);
	if (no_other_keys(j, is_sigstore ? sigstore : by, where, e) < 0)
		return -e->code;
	if (is_sigstore && check_sources(j, where, e) < 0)
		return -e->code;
	return identity ? check_identity(identity, where, e) : 0;
}

static int check_requirements(const json_t *list, const char *where, struct err *e)
{
	size_t i;
	json_t *j;
	if (!json_is_array(list))
		return err_set(e, EINVAL, "%s is no list of requirements", where);
	if (!json_array_size(list))
		return err_set(e, EINVAL,
			"%s: list of verification policy requirements must not "
			"be empty",
			where);
	json_array_foreach ((json_t *)list, i, j) {
		auto_free char *at = xasprintf("%s: requirement %zu", where, i + 1);
		if (check_requirement(j, at, e) < 0)
			return -e->code;
	}
	return 0;
}

int policy_check(const json_t *document, const char *file, struct err *e)
{
	static const char *const known[] = {"default", "transports", NULL};
	json_t *transports = json_object_get(document, "transports"), *scopes, *list;
	const char *transport, *scope;
	auto_free char *at = xasprintf("%s: default", file);
	if (!json_is_object(document))
		return err_set(e, EINVAL, "%s: no JSON object", file);
	if (!json_object_get(document, "default"))
		return err_set(e, EINVAL, "%s: default policy is missing", file);
	if (no_other_keys(document, known, file, e) < 0 ||
		check_requirements(json_object_get(document, "default"), at, e) < 0)
		return -e->code;
	if (transports && !json_is_object(transports))
		return err_set(e, EINVAL, "%s: transports is no object", file);
	json_object_foreach (transports, transport, scopes) {
		if (!json_is_object(scopes))
			return err_set(e, EINVAL, "%s: transport %s is no object", file, transport);
		json_object_foreach (scopes, scope, list) {
			auto_free char *where = xasprintf("%s: %s \"%s\"", file, transport, scope);
			if (check_requirements(list, where, e) < 0)
				return -e->code;
		}
	}
	return 0;
}

/* ---- files ---- */

/* 1 where it was read. */
static int read_policy(struct policy *p, const char *path, struct err *e)
{
	auto_buf text = BUF_INIT;
	struct err failure = {0};
	int r = read_file(path, POLICY_MAX, &text, &failure);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0) {
		*e = failure;
		return r;
	}
	p->document = json_parse(text.data ? text.data : "", text.len, path, e);
	if (!p->document || policy_check(p->document, path, e) < 0)
		return -e->code;
	p->file = xstrdup(path);
	return 1;
}

int policy_load(const char *file, struct policy *p, struct err *e)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	*p = (struct policy){0};
	int r = 0;
	if (!str_empty(file)) {
		r = read_policy(p, file, e);
		if (r == 0)
			r = err_set(e, ENOENT, "open %s: no such file or directory", file);
	} else {
		auto_free char *user = NULL;
		if (base && *base == '/')
			user = path_join(base, "containers/policy.json");
		else if (home && *home == '/')
			user = path_join(home, ".config/containers/policy.json");
		r = user ? read_policy(p, user, e) : 0;
		if (r == 0)
			r = read_policy(p, system_file, e);
	}
	if (r < 0)
		policy_deinit(p);
	return r < 0 ? r : 0;
}

int policy_keys(const json_t *requirement, struct strv *keys, struct err *e)
{
	auto_strv paths = STRV_INIT, datas = STRV_INIT;
	const char *path = json_str(requirement, "keyPath");
	const char *data = json_str(requirement, "keyData");
	if (path)
		strv_add(&paths, path);
	if (data)
		strv_add(&datas, data);
	json_to_strv(json_object_get(requirement, "keyPaths"), &paths);
	json_to_strv(json_object_get(requirement, "keyDatas"), &datas);
	for (size_t i = 0; i < paths.n; i++) {
		auto_buf text = BUF_INIT;
		if (read_file(paths.v[i], KEY_MAX, &text, e) < 0)
			return err_ctx(e, "key of the signature policy");
		buf_puts(&text, "");
		strv_take(keys, buf_take(&text));
	}
	/* Base64 of the PEM text. */
	for (size_t i = 0; i < datas.n; i++)
		strv_addf(keys, "base64:%s", datas.v[i]);
	return 0;
}
