/* Which files there are, and in which order they count (registry/registries.h). */
#include "registry/registries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/toml.h"

static const char system_file[] = "/etc/containers/registries.conf";
static const char system_docker_file[] = "/etc/docker/daemon.json";

void registry_rule_deinit(struct registry_rule *rule)
{
	for (size_t i = 0; i < rule->n_mirrors; i++)
		free(rule->mirrors[i].location);
	free(rule->mirrors);
	free(rule->prefix);
	free(rule->location);
	free(rule->file);
	*rule = (struct registry_rule){0};
}

void registries_free(struct registries *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_rules; i++)
		registry_rule_deinit(&r->rules[i]);
	free(r->rules);
	free(r->file);
	free(r->docker_file);
	strv_free(&r->search);
	strv_free(&r->credential_helpers);
	strv_free(&r->docker_mirrors);
	strv_free(&r->docker_insecure);
	json_decref(r->aliases);
	free(r);
}

void registries_drop(struct registries **r) { registries_free(*r); }

void endpoints_deinit(struct endpoints *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	*l = (struct endpoints){0};
}

/* 1 where it was read, 0 where there is none. */
static int read_text(const char *path, struct buf *text, struct err *e)
{
	struct err failure = {0};
	int r = read_file(path, TOML_MAX, text, &failure);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0) {
		*e = failure;
		return r;
	}
	buf_puts(text, "");
	return 1;
}

static int add_conf(struct registries *r, const char *path, struct err *e)
{
	auto_buf text = BUF_INIT;
	int found = read_text(path, &text, e);
	if (found <= 0)
		return found;
	auto_json conf = toml_parse(text.data, text.len, path, e);
	int n = conf ? registries_add(r, conf, path, e) : -e->code;
	return n < 0 ? n : 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_folder(struct registries *r, const char *folder, struct err *e)
{
	auto_dir dir = opendir(folder);
	auto_strv names = STRV_INIT;
	const struct dirent *d;
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.' && str_ends(d->d_name, ".conf"))
			strv_add(&names, d->d_name);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = path_join(folder, names.v[i]);
		int n = add_conf(r, path, e);
		if (n < 0)
			return n;
	}
	return 0;
}

static int missing_file(const char *path, struct err *e)
{
	return err_set(e, ENOENT, "open %s: no such file or directory", path);
}

static int add_files(struct registries *r, struct err *e)
{
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
	if (str_empty(named))
		named = getenv("REGISTRIES_CONFIG_PATH");
	auto_free char *user =
		path_of_user("XDG_CONFIG_HOME", ".config", "containers/registries.conf");
	auto_free char *user_folder = user ? xasprintf("%s.d", user) : NULL;
	auto_free char *system_folder = xasprintf("%s.d", system_file);
	bool is_users = false;
	int found = 0;
	if (!str_empty(named)) {
		r->file = xstrdup(named);
		found = add_conf(r, named, e);
		if (found == 0)
			return missing_file(named, e);
	} else if (user && access(user, F_OK) == 0) {
		r->file = xstrdup(user);
		is_users = true;
		found = add_conf(r, user, e);
	} else {
		found = add_conf(r, system_file, e);
		if (found > 0)
			r->file = xstrdup(system_file);
	}
	if (found >= 0 && !is_users)
		found = add_folder(r, system_folder, e);
	if (found >= 0 && user_folder)
		found = add_folder(r, user_folder, e);
	return found < 0 ? found : 0;
}

static char *alias_cache(void)
{
	return path_of_user("XDG_CACHE_HOME", ".cache", "containers/short-name-aliases.conf");
}

/* What the user once answered counts above the files. A broken one is not worth a failed pull. */
static void add_cached_aliases(struct registries *r)
{
	auto_free char *path = alias_cache();
	struct err failure = {0};
	auto_buf text = BUF_INIT;
	int found = path ? read_text(path, &text, &failure) : 0;
	if (found == 0)
		return;
	auto_json conf = found < 0 ? NULL : toml_parse(text.data, text.len, path, &failure);
	auto_json only = json_object();
	if (conf && json_object_get(conf, "aliases"))
		json_set(only, "aliases", json_incref(json_object_get(conf, "aliases")));
	if (!conf || registries_add(r, only, path, &failure) < 0)
		log_warn("%s: not used", failure.msg);
}

static int add_docker_file(struct registries *r, const char *path, struct err *e)
{
	auto_buf text = BUF_INIT;
	int found = path ? read_text(path, &text, e) : 0;
	if (found <= 0)
		return found;
	auto_json conf = json_parse(text.data, text.len, path, e);
	int n = conf ? registries_add_docker(r, conf, path, e) : -e->code;
	return n < 0 ? n : 1;
}

struct registries *registries_load(struct err *e)
{
	struct registries *r = xcalloc(1, sizeof(*r));
	auto_free char *docker = path_of_user("XDG_CONFIG_HOME", ".config", "docker/daemon.json");
	r->aliases = json_object();
	int n = add_files(r, e);
	if (n >= 0) {
		add_cached_aliases(r);
		n = add_docker_file(r, docker, e);
		if (n == 0)
			n = add_docker_file(r, system_docker_file, e);
	}
	if (n >= 0)
		return r;
	registries_free(r);
	return NULL;
}

/* ---- the cache of answers ---- */

/* The file as it was, with the one line more. Names hold nothing that TOML would have to escape. */
static int write_aliases(const char *folder, const char *path, const char *name,
	const char *repository, struct err *e)
{
	auto_buf old = BUF_INIT, text = BUF_INIT;
	auto_fd dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open %s", folder);
	int found = read_text(path, &old, e);
	if (found < 0)
		return found;
	auto_json conf = found ? toml_parse(old.data, old.len, path, e) : json_object();
	if (!conf)
		return -e->code;
	auto_json aliases = json_incref(json_object_get(conf, "aliases"));
	if (!json_is_object(aliases)) {
		json_decref(aliases);
		aliases = json_object();
	}
	json_set_str(aliases, name, repository);
	buf_puts(&text, "[aliases]\n");
	const char *key;
	json_t *value;
	json_object_foreach (aliases, key, value)
		if (json_is_string(value) && !strpbrk(key, "\"\\\n") &&
			!strpbrk(json_string_value(value), "\"\\\n"))
			buf_printf(&text, "  \"%s\" = \"%s\"\n", key, json_string_value(value));
	return write_file_at(dir, path_base(path), text.data, text.len, 0600, false, e);
}

int short_name_remember(const char *typed, const char *repository, struct err *e)
{
	auto_free char *path = alias_cache();
	auto_free char *name = xstrndup(typed, strcspn(typed, ":@"));
	if (!path)
		return err_set(e, ENOENT, "no home folder");
	auto_free char *folder = path_dir(path);
	auto_free char *lock_path = xasprintf("%s.lock", path);
	int r = path_mkdirs(folder, 0700, e);
	if (r < 0)
		return r;
	/* Podman's lock, too. */
	auto_fd lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0)
		return err_sys(e, "cannot open %s", lock_path);
	if ((r = lock_take(lock, true)) < 0)
		return err_sysn(e, -r, "cannot lock %s", lock_path);
	return write_aliases(folder, path, name, repository, e);
}
