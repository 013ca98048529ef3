/* What one registries.conf or daemon.json says (registry/registries.h). */
#include "registry/registries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/reference.h"

enum { RULES_MAX = 4096, MIRRORS_MAX = 64 };

/* A value of the wrong type is an error, a missing one the default. */
static int get_bool(const json_t *j, const char *key, bool *out, const char *where, struct err *e)
{
	const json_t *v = json_object_get(j, key);
	if (v && !json_is_boolean(v))
		return err_set(e, EINVAL, "%s: %s is neither true nor false", where, key);
	*out = json_is_true(v);
	return 0;
}

static int get_text(
	const json_t *j, const char *key, const char **out, const char *where, struct err *e)
{
	const json_t *v = json_object_get(j, key);
	if (v && !json_is_string(v))
		return err_set(e, EINVAL, "%s: %s is no string", where, key);
	*out = v ? json_string_value(v) : "";
	return 0;
}

static int get_list(
	const json_t *j, const char *key, struct strv *out, const char *where, struct err *e)
{
	const json_t *v = json_object_get(j, key);
	size_t i;
	json_t *item;
	if (v && !json_is_array(v))
		return err_set(e, EINVAL, "%s: %s is no list", where, key);
	json_array_foreach ((json_t *)v, i, item)
		if (!json_is_string(item))
			return err_set(
				e, EINVAL, "%s: %s holds something that is no string", where, key);
	strv_free(out);
	json_to_strv(v, out);
	return 0;
}

/* A location without a slash at its end. Owned; NULL with e set. */
static char *get_location(const json_t *j, const char *key, const char *where, struct err *e)
{
	const char *text = "";
	if (get_text(j, key, &text, where, e) < 0)
		return NULL;
	if (strstr(text, "://")) {
		err_set(e, EINVAL, "%s: invalid %s '%s': URI schemes are not supported", where, key,
			text);
		return NULL;
	}
	size_t n = strlen(text);
	while (n && text[n - 1] == '/')
		n--;
	return xstrndup(text, n);
}

/* ---- [[registry]] ---- */

static int get_pull_from(const json_t *j, enum pull_from *out, const char *where, struct err *e)
{
	static const char *const names[] = {"all", "digest-only", "tag-only"};
	const char *text = "";
	if (get_text(j, "pull-from-mirror", &text, where, e) < 0)
		return -e->code;
	*out = PULL_FROM_ALL;
	if (!*text)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(text, names[i])) {
			*out = (enum pull_from)i;
			return 0;
		}
	return err_set(e, EINVAL,
		"%s: unsupported pull-from-mirror value \"%s\": all, digest-only or tag-only",
		where, text);
}

static int add_mirror(struct registry_rule *rule, const json_t *j, const char *where, struct err *e)
{
	struct mirror m = {0};
	if (rule->n_mirrors == MIRRORS_MAX)
		return err_set(e, EINVAL, "%s: more than %d mirrors", where, MIRRORS_MAX);
	if (get_bool(j, "insecure", &m.is_insecure, where, e) < 0 ||
		get_pull_from(j, &m.pull_from, where, e) < 0)
		return -e->code;
	if (rule->is_mirror_by_digest_only && json_object_get(j, "pull-from-mirror"))
		return err_set(e, EINVAL,
			"%s: cannot set pull-from-mirror per mirror where mirror-by-digest-only is "
			"true",
			where);
	m.location = get_location(j, "location", where, e);
	if (!m.location)
		return -e->code;
	if (!*m.location) {
		free(m.location);
		return err_set(e, EINVAL, "%s: a mirror's location is unset", where);
	}
	rule->mirrors = xrealloc(rule->mirrors, (rule->n_mirrors + 1) * sizeof(*rule->mirrors));
	rule->mirrors[rule->n_mirrors++] = m;
	return 0;
}

static int add_mirrors(
	struct registry_rule *rule, const json_t *j, const char *where, struct err *e)
{
	const json_t *list = json_object_get(j, "mirror");
	size_t i;
	json_t *mirror;
	if (list && !json_is_array(list))
		return err_set(e, EINVAL, "%s: mirrors are [[registry.mirror]] tables", where);
	json_array_foreach ((json_t *)list, i, mirror)
		if (add_mirror(rule, mirror, where, e) < 0)
			return -e->code;
	return 0;
}

/* Prefix and location stand in for each other, but for prefixes with a wildcard. */
static int complete_rule(struct registry_rule *rule, const char *where, struct err *e)
{
	bool is_wild = str_starts(rule->prefix, "*.");
	if (!*rule->prefix && !*rule->location)
		return err_set(e, EINVAL, "%s: both location and prefix are unset", where);
	if (!*rule->prefix) {
		if (strchr(rule->location, '*'))
			return err_set(
				e, EINVAL, "%s: invalid location '%s'", where, rule->location);
		free(rule->prefix);
		rule->prefix = xstrdup(rule->location);
	}
	if (strchr(is_wild ? rule->prefix + 2 : rule->prefix, '*') ||
		(is_wild && strlen(rule->prefix) < 3))
		return err_set(e, EINVAL,
			"%s: invalid prefix '%s': a wildcard stands only as \"*.\" at its start",
			where, rule->prefix);
	if (!*rule->location && !is_wild) {
		free(rule->location);
		rule->location = xstrdup(rule->prefix);
	}
	return 0;
}

static int read_rule(struct registry_rule *rule, const json_t *j, const char *where, struct err *e)
{
	rule->prefix = get_location(j, "prefix", where, e);
	rule->location = rule->prefix ? get_location(j, "location", where, e) : NULL;
	if (!rule->location || get_bool(j, "insecure", &rule->is_insecure, where, e) < 0 ||
		get_bool(j, "blocked", &rule->is_blocked, where, e) < 0 ||
		get_bool(j, "mirror-by-digest-only", &rule->is_mirror_by_digest_only, where, e) <
			0 ||
		complete_rule(rule, where, e) < 0)
		return -e->code;
	return add_mirrors(rule, j, where, e);
}

/* A later file's rule takes the place of an earlier one for the same prefix. */
static int place_rule(struct registries *r, struct registry_rule *rule, struct err *e)
{
	for (size_t i = 0; i < r->n_rules; i++) {
		if (strcmp(r->rules[i].prefix, rule->prefix))
			continue;
		if (!strcmp(r->rules[i].file, rule->file))
			return err_set(e, EINVAL, "%s: registry '%s' is defined twice", rule->file,
				rule->prefix);
		registry_rule_deinit(&r->rules[i]);
		r->rules[i] = *rule;
		return 0;
	}
	if (r->n_rules == RULES_MAX)
		return err_set(e, EINVAL, "%s: more than %d registries", rule->file, RULES_MAX);
	if (r->n_rules % 16 == 0)
		r->rules = xrealloc(r->rules, (r->n_rules + 16) * sizeof(*r->rules));
	r->rules[r->n_rules++] = *rule;
	return 0;
}

static int add_rules(struct registries *r, const json_t *conf, const char *file, struct err *e)
{
	const json_t *list = json_object_get(conf, "registry");
	size_t i;
	json_t *j;
	if (list && !json_is_array(list))
		return err_set(e, EINVAL, "%s: registries are [[registry]] tables", file);
	json_array_foreach ((json_t *)list, i, j) {
		struct registry_rule rule = {.file = xstrdup(file)};
		auto_free char *where = xasprintf("%s: [[registry]] number %zu", file, i + 1);
		if (!json_is_object(j))
			err_set(e, EINVAL, "%s: no table", where);
		else if (read_rule(&rule, j, where, e) == 0 && place_rule(r, &rule, e) == 0)
			continue;
		registry_rule_deinit(&rule);
		return -e->code;
	}
	return 0;
}

/* ---- short names ---- */

static int add_aliases(struct registries *r, const json_t *conf, const char *file, struct err *e)
{
	json_t *aliases = json_object_get(conf, "aliases"), *value;
	const char *name;
	if (aliases && !json_is_object(aliases))
		return err_set(e, EINVAL, "%s: aliases are a table [aliases]", file);
	json_object_foreach (aliases, name, value) {
		const char *target = json_string_value(value);
		auto_reference to = {0};
		struct err why = {0};
		if (!target)
			return err_set(e, EINVAL, "%s: alias %s is no string", file, name);
		/* An empty one takes an earlier file's away. */
		if (!*target) {
			json_object_del(r->aliases, name);
			continue;
		}
		if (short_name_is(target) || reference_parse(target, false, &to, &why) < 0 ||
			to.tag || to.digest)
			return err_set(e, EINVAL,
				"%s: alias %s = \"%s\": needs a registry and a repository, no tag "
				"and no digest",
				file, name, target);
		json_set_str(r->aliases, name, target);
	}
	return 0;
}

static int add_mode(struct registries *r, const json_t *conf, const char *file, struct err *e)
{
	static const char *const names[] = {"permissive", "enforcing", "disabled"};
	const char *text = "";
	if (get_text(conf, "short-name-mode", &text, file, e) < 0)
		return -e->code;
	if (!*text)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(text, names[i])) {
			r->mode = (enum short_name_mode)i;
			return 0;
		}
	return err_set(e, EINVAL,
		"%s: invalid short-name mode: \"%s\": enforcing, permissive or disabled", file,
		text);
}

static int add_search(struct registries *r, const json_t *conf, const char *file, struct err *e)
{
	static const char key[] = "unqualified-search-registries";
	if (!json_object_get(conf, key))
		return 0;
	if (get_list(conf, key, &r->search, file, e) < 0)
		return -e->code;
	for (size_t i = 0; i < r->search.n; i++) {
		auto_free char *name = xasprintf("%s/x", r->search.v[i]);
		auto_reference ref = {0};
		struct err why = {0};
		if (short_name_is(name) || reference_parse(name, false, &ref, &why) < 0)
			return err_set(e, EINVAL, "%s: %s: \"%s\" is no registry", file, key,
				r->search.v[i]);
	}
	r->has_search = true;
	return 0;
}

/* ---- version 1 of the format ---- */

/* [registries.insecure] and [registries.block]: lists of registries that share a rule. */
static int add_old_rules(struct registries *r, const json_t *insecure, const json_t *block,
	const char *file, struct err *e)
{
	auto_strv unsafe = STRV_INIT, blocked = STRV_INIT, all = STRV_INIT;
	if (get_list(insecure, "registries", &unsafe, file, e) < 0 ||
		get_list(block, "registries", &blocked, file, e) < 0)
		return -e->code;
	strv_copy(&all, &unsafe);
	for (size_t i = 0; i < blocked.n; i++)
		if (!strv_has(&all, blocked.v[i]))
			strv_add(&all, blocked.v[i]);
	for (size_t i = 0; i < all.n; i++) {
		struct registry_rule rule = {.file = xstrdup(file)};
		auto_json j = json_pack("{s:s, s:b, s:b}", "location", all.v[i], "insecure",
			(int)strv_has(&unsafe, all.v[i]), "blocked",
			(int)strv_has(&blocked, all.v[i]));
		if (read_rule(&rule, j, file, e) < 0 || place_rule(r, &rule, e) < 0) {
			registry_rule_deinit(&rule);
			return -e->code;
		}
	}
	return 0;
}

static int add_old(struct registries *r, const json_t *conf, const char *file, struct err *e)
{
	static const char *const parts[] = {"search", "insecure", "block"};
	const json_t *old = json_object_get(conf, "registries");
	const json_t *of[ARRAY_LEN(parts)];
	if (json_object_get(conf, "registry") ||
		json_object_get(conf, "unqualified-search-registries"))
		return err_set(e, EINVAL, "%s: mixing sysregistry v1/v2 is not supported", file);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		of[i] = json_object_get(old, parts[i]);
		if (!json_is_object(old) || (of[i] && !json_is_object(of[i])))
			return err_set(
				e, EINVAL, "%s: [registries.%s] is no table", file, parts[i]);
	}
	auto_json search = json_object();
	if (of[0] && json_object_get(of[0], "registries"))
		json_set(search, "unqualified-search-registries",
			json_incref(json_object_get(of[0], "registries")));
	if (add_search(r, search, file, e) < 0)
		return -e->code;
	return add_old_rules(r, of[1], of[2], file, e);
}

static int add_helpers(struct registries *r, const json_t *conf, const char *file, struct err *e)
{
	static const char key[] = "credential-helpers";
	return json_object_get(conf, key) ? get_list(conf, key, &r->credential_helpers, file, e)
					  : 0;
}

int registries_add(struct registries *r, const json_t *conf, const char *file, struct err *e)
{
	if (json_object_get(conf, "registries") && add_old(r, conf, file, e) < 0)
		return -e->code;
	if (add_search(r, conf, file, e) < 0 || add_mode(r, conf, file, e) < 0 ||
		add_aliases(r, conf, file, e) < 0 || add_helpers(r, conf, file, e) < 0)
		return -e->code;
	return add_rules(r, conf, file, e);
}

/* ---- Docker's ---- */

int registries_add_docker(struct registries *r, const json_t *conf, const char *file, struct err *e)
{
	if (!json_is_object(conf))
		return err_set(e, EINVAL, "%s: no JSON object", file);
	if (get_list(conf, "registry-mirrors", &r->docker_mirrors, file, e) < 0 ||
		get_list(conf, "insecure-registries", &r->docker_insecure, file, e) < 0)
		return -e->code;
	for (size_t i = 0; i < r->docker_mirrors.n; i++) {
		const char *url = r->docker_mirrors.v[i];
		const char *host = str_after(url, "https://");
		if (!host)
			host = str_after(url, "http://");
		if (!host || !*host || strpbrk(host, "?#@"))
			return err_set(e, EINVAL,
				"%s: invalid mirror: \"%s\": it is no http:// or https:// address "
				"of a registry",
				file, url);
	}
	free(r->docker_file);
	r->docker_file = xstrdup(file);
	return 0;
}
