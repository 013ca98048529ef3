#include "registry/credentials_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/credential_helper.h"
#include "registry/credentials.h"
#include "registry/reference.h"

enum { CREDENTIALS_FILE_MAX = 4 * 1024 * 1024 };

static const char docker_hub_key[] = "https://index.docker.io/v1/";

void credentials_server_deinit(struct credentials_server *s)
{
	free(s->key);
	free(s->host);
	*s = (struct credentials_server){0};
}

static bool is_docker_hub(const char *host)
{
	return !*host || !strcmp(host, "docker.io") || !strcmp(host, "index.docker.io") ||
	       !strcmp(host, "registry-1.docker.io");
}

/* The host is one that may stand in an image's name. */
static bool is_host(const char *host)
{
	auto_free char *name =
		xasprintf("%s%s/x", host, strchr(host, ':') || strchr(host, '.') ? "" : ":443");
	struct err ignored;
	auto_reference ref = {0};
	return reference_parse(name, false, &ref, &ignored) == 0 && !strcmp(ref.path, "x");
}

int credentials_server_parse(
	const char *typed, bool keeps_path, struct credentials_server *s, struct err *e)
{
	*s = (struct credentials_server){0};
	const char *rest = str_after(typed, "https://");
	if (!rest)
		rest = str_after(typed, "http://");
	bool is_url = rest != NULL;
	if (!rest)
		rest = typed;
	size_t n = strlen(rest);
	while (n && rest[n - 1] == '/')
		n--;
	auto_free char *name = xstrndup(rest, n);
	auto_free char *host = xstrndup(name, strcspn(name, "/"));
	if (is_docker_hub(host)) {
		s->key = xstrdup(docker_hub_key);
		s->host = xstrdup("docker.io");
		return 0;
	}
	if (!is_host(host))
		return err_set(e, EINVAL, "\"%s\" is not the name of a registry", typed);
	s->is_namespace = keeps_path && !is_url && strcmp(name, host) != 0;
	s->key = s->is_namespace ? take_ptr(name) : xstrdup(host);
	s->host = take_ptr(host);
	return 0;
}

char *credentials_file_path(
	const char *config_dir, const char *authfile, bool *is_authfile, struct err *e)
{
	if (str_empty(authfile))
		authfile = getenv("REGISTRY_AUTH_FILE");
	*is_authfile = !str_empty(authfile);
	if (*is_authfile)
		return path_abs(authfile);
	if (!config_dir)
		config_dir = getenv("DOCKER_CONFIG");
	if (str_empty(config_dir)) {
		const char *home = getenv("HOME");
		if (str_empty(home)) {
			err_set(e, ENOENT, "HOME is not set: where are the credentials?");
			err_hint(e, "name a folder with --config or DOCKER_CONFIG");
			return NULL;
		}
		auto_free char *dir = path_join(home, ".docker");
		return path_join(dir, "config.json");
	}
	auto_free char *dir = path_abs(config_dir);
	return path_join(dir, "config.json");
}

/* ---- the file ---- */

struct file {
	char *dir, *name; /* of what is replaced: links resolved */
	int lock_fd; /* the folder, locked */
	json_t *json;
};

static void file_close(struct file *f)
{
	free(f->dir);
	free(f->name);
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	json_decref(f->json);
	*f = (struct file){.lock_fd = -1};
}
#define auto_config __attribute__((cleanup(file_close))) struct file
#define FILE_INIT ((struct file){.lock_fd = -1})

/* An empty object for a missing or empty file. */
static int file_read(const char *path, json_t **json, struct err *e)
{
	auto_buf text = BUF_INIT;
	struct err cause = {0};
	*json = NULL;
	if (read_file(path, CREDENTIALS_FILE_MAX, &text, &cause) < 0 && cause.code != ENOENT &&
		cause.code != ENOTDIR) {
		*e = cause;
		return -e->code;
	}
	if (buf_is_blank(&text)) {
		*json = json_object();
		return 0;
	}
	*json = json_parse_secret(text.data, text.len, path, e);
	explicit_bzero(text.data, text.len);
	if (*json && !json_is_object(*json)) {
		json_decref(take_ptr(*json));
		err_set(e, EBADMSG, "%s: not a JSON object", path);
	}
	return *json ? 0 : err_hint(e, "correct the file, or remove it");
}

static int file_open(const char *path, struct file *f, struct err *e)
{
	char target[PATH_MAX];
	*f = FILE_INIT;
	const char *real = realpath(path, target) ? target : path;
	f->dir = path_dir(real);
	f->name = xstrdup(path_base(real));
	int r = path_mkdirs(f->dir, 0700, e);
	if (r < 0)
		return r;
	f->lock_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->lock_fd < 0)
		return err_sys(e, "cannot open %s", f->dir);
	while (flock(f->lock_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot lock %s", f->dir);
	return file_read(real, &f->json, e);
}

/* Docker writes this file with tabs. */
static int file_write(struct file *f, struct err *e)
{
	auto_free char *text = json_pretty(f->json, "\t");
	size_t n = strlen(text);
	int r = write_file_at(f->lock_fd, f->name, text, n, 0600, true, e);
	explicit_bzero(text, n);
	if (r == 0 && fsync(f->lock_fd) < 0)
		r = err_sys(e, "cannot sync %s", f->dir);
	return r < 0 ? err_ctx(e, "cannot save credentials in %s", f->dir) : 0;
}

static json_t *auths_of(struct file *f)
{
	json_t *auths = json_object_get(f->json, "auths");
	if (json_is_object(auths))
		return auths;
	json_set(f->json, "auths", json_object());
	return json_object_get(f->json, "auths");
}

static const char *helper_of(const json_t *config, const char *key)
{
	const json_t *helpers = json_object_get(config, "credHelpers");
	const char *own = json_string_value(json_object_get(helpers, key));
	if (!own && !strcmp(key, docker_hub_key))
		own = json_string_value(json_object_get(helpers, "docker.io"));
	return own ? own : json_string_value(json_object_get(config, "credsStore"));
}

/* ---- what login and logout do ---- */

/* The entry of the key; also of one that is a URL of it. */
static bool is_entry_of(const char *entry, const char *key)
{
	auto_free char *its = credentials_key(entry), *wanted = credentials_key(key);
	return !strcmp(its, wanted);
}

static const json_t *find_entry(const json_t *config, const char *key)
{
	json_t *auths = json_object_get(config, "auths"), *entry = json_object_get(auths, key);
	const char *other;
	json_t *its;
	if (entry)
		return entry;
	json_object_foreach (auths, other, its)
		if (is_entry_of(other, key))
			return its;
	return NULL;
}

int credentials_file_get(const char *path, const char *key, struct credentials *out, struct err *e)
{
	*out = (struct credentials){0};
	auto_json config = NULL;
	int r = file_read(path, &config, e);
	if (r < 0)
		return r;
	const char *helper = helper_of(config, key);
	if (!str_empty(helper)) {
		r = credential_helper_get(helper, key, out, e);
		if (r != CREDENTIALS_NONE)
			return r;
	}
	const json_t *entry = find_entry(config, key);
	return entry ? credentials_from_entry(entry, out) : CREDENTIALS_NONE;
}

/* Other keys of the entry (Docker's "email") stay. */
static void fill_entry(json_t *entry, const struct credentials *c)
{
	/* With an identity token the password is not kept at all. */
	auto_free char *plain = xasprintf(
		"%s:%s", c->username ? c->username : "", c->identity_token ? "" : c->password);
	auto_free char *coded = base64_encode(plain, strlen(plain));
	json_set_str(entry, "auth", coded);
	if (c->identity_token)
		json_set_str(entry, "identitytoken", c->identity_token);
	explicit_bzero(plain, strlen(plain));
	explicit_bzero(coded, strlen(coded));
}

static void clear_entry(json_t *entry)
{
	static const char *const secrets[] = {
		"auth", "identitytoken", "registrytoken", "username", "password"};
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		(void)json_object_del(entry, secrets[i]);
}

int credentials_file_store(const char *path, const char *key, const struct credentials *c,
	bool *in_helper, struct err *e)
{
	auto_config f = FILE_INIT;
	int r = file_open(path, &f, e);
	if (r < 0)
		return r;
	const char *helper = helper_of(f.json, key);
	*in_helper = !str_empty(helper);
	if (*in_helper && credential_helper_store(helper, key, c, e) < 0)
		return err_ctx(e, "Error saving credentials");
	json_t *auths = auths_of(&f);
	if (!json_is_object(json_object_get(auths, key)))
		json_set(auths, key, json_object());
	json_t *entry = json_object_get(auths, key);
	clear_entry(entry);
	if (!*in_helper)
		fill_entry(entry, c);
	return file_write(&f, e);
}

/* Whether there was one. */
static bool drop_entries(json_t *auths, const char *key)
{
	bool had = false;
	const char *other;
	json_t *entry;
	void *next;
	json_object_foreach_safe(auths, next, other, entry)
	{
		if (is_entry_of(other, key))
			had |= json_object_del(auths, other) == 0;
	}
	return had;
}

static void erase_in_helper(
	const char *helper, const struct credentials_server *s, struct err *failure)
{
	/* Older clients gave whole URLs to it. */
	char *const keys[] = {
		xstrdup(s->key), xasprintf("http://%s", s->host), xasprintf("https://%s", s->host)};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!failure->code)
			(void)credential_helper_erase(helper, keys[i], failure);
		free(keys[i]);
	}
}

int credentials_file_erase(
	const char *path, const struct credentials_server *s, bool *had, struct err *e)
{
	auto_config f = FILE_INIT;
	struct err late = {0};
	*had = false;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	int r = file_open(path, &f, e);
	if (r < 0)
		return r;
	const char *helper = helper_of(f.json, s->key);
	*had = drop_entries(json_object_get(f.json, "auths"), s->key);
	if (!str_empty(helper))
		erase_in_helper(helper, s, &late);
	if (*had)
		r = file_write(&f, e);
	*had = *had || !str_empty(helper);
	if (r == 0 && late.code) {
		*e = late;
		r = err_ctx(e, "could not erase credentials");
	}
	return r;
}

int credentials_file_erase_all(const char *path, struct err *e)
{
	auto_config f = FILE_INIT;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	int r = file_open(path, &f, e);
	if (r < 0)
		return r;
	struct err late = {0};
	const char *key;
	json_t *entry;
	json_object_foreach (json_object_get(f.json, "auths"), key, entry) {
		const char *helper = helper_of(f.json, key);
		if (!str_empty(helper) && !late.code)
			(void)credential_helper_erase(helper, key, &late);
	}
	json_set(f.json, "auths", json_object());
	r = file_write(&f, e);
	if (r == 0 && late.code) {
		*e = late;
		r = err_ctx(e, "could not erase credentials");
	}
	return r;
}
