#include "registry/credentials.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/credential_helper.h"
#include "registry/reference.h"
#include "registry/registries.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

static const char docker_hub_key[] = "https://index.docker.io/v1/";

void credentials_deinit(struct credentials *c)
{
	/* Secrets do not stay in freed memory. */
	if (c->password)
		explicit_bzero(c->password, strlen(c->password));
	free(c->username);
	free(c->password);
	free(c->identity_token);
	free(c->registry_token);
	*c = (struct credentials){0};
}

static bool split_user(const char *text, struct credentials *out)
{
	const char *colon = strchr(text, ':');
	if (!colon)
		return false;
	out->username = xstrndup(text, (size_t)(colon - text));
	out->password = xstrdup(colon + 1);
	return true;
}

int credentials_parse(const char *text, struct credentials *out, struct err *e)
{
	*out = (struct credentials){0};
	if (!split_user(text, out))
		return err_set(e, EINVAL, "credentials must be given as USER:PASSWORD");
	return CREDENTIALS_FOUND;
}

char *credentials_key(const char *key)
{
	const char *rest = str_after(key, "https://");
	if (!rest)
		rest = str_after(key, "http://");
	char *name = xstrdup(rest ? rest : key);
	size_t n = strlen(name);
	while (n && name[n - 1] == '/')
		name[--n] = '\0';
	/* "https://host/v1/": the path is the protocol's version, not a namespace. */
	if (rest && (str_ends(name, "/v1") || str_ends(name, "/v2")))
		name[n - 3] = '\0';
	size_t host = strcspn(name, "/");
	if ((host == 15 && !memcmp(name, "index.docker.io", host)) ||
		(host == 20 && !memcmp(name, "registry-1.docker.io", host))) {
		char *hub = xasprintf("docker.io%s", name + host);
		free(name);
		return hub;
	}
	return name;
}

/* How well the key fits "domain/path": the length of what it covers, 0 = not at all. */
static size_t key_fit(const char *key, const char *name)
{
	auto_free char *normal = credentials_key(key);
	size_t n = strlen(normal);
	if (n && str_starts(name, normal) && (name[n] == '/' || !name[n]))
		return n;
	return 0;
}

static void read_string(const json_t *entry, const char *key, char **out)
{
	const char *s = json_str(entry, key);
	if (!str_empty(s))
		*out = xstrdup(s);
}

int credentials_from_entry(const json_t *entry, struct credentials *out)
{
	*out = (struct credentials){0};
	const char *auth = json_str(entry, "auth");
	auto_free char *plain = str_empty(auth) ? NULL : base64_decode_text(auth);
	if (plain && !split_user(plain, out))
		return CREDENTIALS_NONE;
	if (!out->username && !str_empty(json_str(entry, "username"))) {
		out->username = xstrdup(json_str(entry, "username"));
		out->password = xstrdup(json_str_or(entry, "password", ""));
	}
	read_string(entry, "identitytoken", &out->identity_token);
	read_string(entry, "registrytoken", &out->registry_token);
	return out->username || out->identity_token || out->registry_token ? CREDENTIALS_FOUND
									   : CREDENTIALS_NONE;
}

int credentials_from_auths(
	const json_t *auths, const struct reference *ref, struct credentials *out)
{
	*out = (struct credentials){0};
	auto_free char *name = reference_name(ref);
	const json_t *best = NULL;
	size_t best_fit = 0;
	const char *key, *best_key = NULL;
	json_t *entry;
	json_object_foreach ((json_t *)auths, key, entry) {
		size_t fit = key_fit(key, name);
		if (fit > best_fit) {
			best = entry;
			best_key = key;
			best_fit = fit;
		}
	}
	if (best && credentials_from_entry(best, out) == CREDENTIALS_FOUND)
		return CREDENTIALS_FOUND;
	if (best && !str_empty(json_str(best, "auth")))
		log_warn("the credentials for %s are not used: \"auth\" is not USER:PASSWORD in "
			 "base64",
			best_key);
	credentials_deinit(out);
	return CREDENTIALS_NONE;
}

/* A helper that fails is a warning. */
static int ask_helper(const char *name, const char *server, struct credentials *out)
{
	struct err e = {0};
	int r = credential_helper_get(name, server, out, &e);
	if (r < 0)
		log_warn("cannot ask the credential helper: %s", e.msg);
	return r == CREDENTIALS_FOUND ? CREDENTIALS_FOUND : CREDENTIALS_NONE;
}

/* The helper for this registry, or NULL. */
static const char *helper_for(const json_t *config, const struct reference *ref)
{
	const json_t *helpers = json_at(config, "credHelpers");
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)helpers, key, value) {
		auto_free char *normal = credentials_key(key);
		if (!strcmp(normal, ref->domain) && json_is_string(value))
			return json_string_value(value);
	}
	return NULL;
}

static int find_in_config(
	const json_t *config, const struct reference *ref, struct credentials *out)
{
	const char *server = strcmp(ref->domain, "docker.io") ? ref->domain : docker_hub_key;
	const char *helper = helper_for(config, ref);
	if (!helper)
		helper = json_str(config, "credsStore");
	if (!str_empty(helper) && ask_helper(helper, server, out) == CREDENTIALS_FOUND)
		return CREDENTIALS_FOUND;
	return credentials_from_auths(json_at(config, "auths"), ref, out);
}

/* A missing file is CREDENTIALS_NONE unless the user named it. */
static int find_in_file(const char *path, bool must_exist, const struct reference *ref,
	struct credentials *out, struct err *e)
{
	auto_buf text = BUF_INIT;
	struct err file_error = {0};
	if (read_file(path, FILE_MAX, &text, &file_error) < 0) {
		if (must_exist) {
			*e = file_error;
			return err_hint(e, "--authfile and REGISTRY_AUTH_FILE must name a file of "
					   "credentials as `docker login` writes it");
		}
		if (file_error.code != ENOENT && file_error.code != ENOTDIR)
			log_warn("%s", file_error.msg);
		return CREDENTIALS_NONE;
	}
	if (buf_is_blank(&text))
		return CREDENTIALS_NONE;
	auto_json config = json_parse_secret(text.data, text.len, path, &file_error);
	explicit_bzero(text.data, text.len);
	if (!config) {
		*e = file_error;
		return err_ctx(e, "cannot use the credentials");
	}
	return find_in_config(config, ref, out);
}

static int find_in_environment(const struct reference *ref, struct credentials *out)
{
	const char *text = getenv("DOCKER_AUTH_CONFIG");
	struct err e = {0};
	if (str_empty(text))
		return CREDENTIALS_NONE;
	auto_json config = json_parse_secret(text, strlen(text), "DOCKER_AUTH_CONFIG", &e);
	if (!config) {
		log_warn("%s", e.msg);
		return CREDENTIALS_NONE;
	}
	return credentials_from_auths(json_at(config, "auths"), ref, out);
}

/* "$VARIABLE/fallback..." as a path, or NULL where nothing is known. Owned. */
static char *below(const char *variable, const char *home_fallback, const char *rest)
{
	const char *base = getenv(variable);
	if (!str_empty(base))
		return path_join(base, rest);
	const char *home = getenv("HOME");
	if (!home_fallback || str_empty(home))
		return NULL;
	auto_free char *dir = path_join(home, home_fallback);
	return path_join(dir, rest);
}

static int find_in_files(const char *config_dir, const char *authfile, const struct reference *ref,
	struct credentials *out, struct err *e)
{
	if (str_empty(authfile))
		authfile = getenv("REGISTRY_AUTH_FILE");
	if (!str_empty(authfile))
		return find_in_file(authfile, true, ref, out, e);
	if (find_in_environment(ref, out) == CREDENTIALS_FOUND)
		return CREDENTIALS_FOUND;
	char *const files[] = {
		config_dir ? path_join(config_dir, "config.json")
			   : below("DOCKER_CONFIG", ".docker", "config.json"),
		below("XDG_RUNTIME_DIR", NULL, "containers/auth.json"),
		below("XDG_CONFIG_HOME", ".config", "containers/auth.json"),
	};
	int r = CREDENTIALS_NONE;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (files[i] && r == CREDENTIALS_NONE)
			r = find_in_file(files[i], false, ref, out, e);
		free(files[i]);
	}
	return r;
}

int credentials_find(const char *config_dir, const char *authfile, const struct reference *ref,
	struct credentials *out, struct err *e)
{
	struct err first = {0};
	*out = (struct credentials){0};
	auto_registries conf = registries_load(e);
	if (!conf)
		return -e->code;
	if (!conf->credential_helpers.n)
		return find_in_files(config_dir, authfile, ref, out, e);
	for (size_t i = 0; i < conf->credential_helpers.n; i++) {
		const char *helper = conf->credential_helpers.v[i];
		struct err failure = {0};
		int r = strcmp(helper, CREDENTIALS_FILES)
				? credential_helper_get(helper, ref->domain, out, &failure)
				: find_in_files(config_dir, authfile, ref, out, &failure);
		if (r == CREDENTIALS_FOUND)
			return r;
		if (r < 0 && !first.code)
			first = failure;
	}
	if (!first.code)
		return CREDENTIALS_NONE;
	*e = first;
	return err_ctx(e, "cannot look up the credentials for %s", ref->domain);
}
