/* registries.d: are signatures kept beside the image looked for (registry/policy.h)? */
#include "registry/policy.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"

enum { YAML_MAX = 1 << 20, DEPTH_MAX = 3 };

static const char system_folder[] = "/etc/containers/registries.d";

/* A quoted word, or a plain one up to `stop`; *p goes behind it. Owned; NULL where it is of a kind
 * that is not understood. */
static char *word(const char **p, const char *stop)
{
	if (**p == '"' || **p == '\'') {
		char quote = *(*p)++;
		size_t n = strcspn(*p, quote == '"' ? "\"\\" : "'");
		if ((*p)[n] != quote)
			return NULL;
		char *text = xstrndup(*p, n);
		*p += n + 1;
		return text;
	}
	if (!**p || strchr("\t{}[]&*!|>%@`#,?-", **p))
		return NULL;
	const char *end = strstr(*p, stop);
	size_t n = end ? (size_t)(end - *p) : strlen(*p);
	char *text = xstrndup(*p, n);
	*p += n;
	for (size_t k = n; k && (text[k - 1] == ' ' || text[k - 1] == '\t'); k--)
		text[k - 1] = '\0';
	return text;
}

/* One line's "key: value"; both owned, value NULL where there is none. False where it is something
 * else. */
static bool read_pair(const char *line, char **key, char **value)
{
	auto_free char *spaced = xasprintf("%s ", line);
	const char *p = spaced;
	*value = NULL;
	*key = word(&p, ": ");
	if (!*key || *p != ':' || p[1] != ' ')
		return false;
	p += 1 + strspn(p + 1, " \t");
	if (*p && *p != '#') {
		*value = word(&p, " #");
		p += strspn(p, " \t");
		if (!*value || (*p && *p != '#'))
			return false;
	}
	return true;
}

struct level {
	json_t *map;
	size_t indent;
};

/* Puts one line's pair into the map that its indentation says. */
static int add_line(struct level *levels, size_t *depth, const char *line, struct err *e)
{
	size_t indent = strspn(line, " ");
	auto_free char *key = NULL, *value = NULL;
	if (!read_pair(line + indent, &key, &value))
		return err_set(e, EINVAL, "neither \"key:\" nor \"key: value\"");
	while (*depth > 0 && levels[*depth].indent != SIZE_MAX && indent < levels[*depth].indent)
		--*depth;
	struct level *at = &levels[*depth];
	/* The first line of a map says how far it is indented. */
	if (at->indent == SIZE_MAX && *depth > 0) {
		if (indent <= levels[*depth - 1].indent) {
			--*depth;
			return add_line(levels, depth, line, e);
		}
		at->indent = indent;
	}
	if (indent != at->indent)
		return err_set(e, EINVAL, "indented like none of the lines above");
	if (json_object_get(at->map, key))
		return err_set(e, EINVAL, "%s is given twice", key);
	if (value) {
		json_set_str(at->map, key, value);
		return 0;
	}
	if (*depth + 1 == DEPTH_MAX)
		return err_set(e, EINVAL, "maps more than %d deep", DEPTH_MAX);
	json_t *map = json_object();
	json_set(at->map, key, map);
	levels[++*depth] = (struct level){map, SIZE_MAX};
	return 0;
}

int policy_read_yaml(const char *text, const char *file, json_t *config, struct err *e)
{
	auto_strv lines = STRV_INIT;
	auto_json one = json_object();
	struct level levels[DEPTH_MAX] = {{one, 0}};
	size_t depth = 0;
	const char *section;
	json_t *map;
	/* JSON cannot hold anything else. */
	auto_json probe = json_string(text);
	if (!probe)
		return err_set(e, EINVAL, "%s: no UTF-8", file);
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *line = lines.v[i];
		size_t n = strlen(line);
		if (n && line[n - 1] == '\r')
			line[n - 1] = '\0';
		const char *first = line + strspn(line, " ");
		if (!*first || *first == '#' || !strcmp(line, "---"))
			continue;
		struct err why = {0};
		if (add_line(levels, &depth, line, &why) < 0)
			return err_set(e, EINVAL, "%s:%zu: %s", file, i + 1, why.msg);
	}
	json_object_foreach (one, section, map) {
		json_t *all = json_object_get(config, section);
		const char *key;
		json_t *value;
		if (!json_is_object(map))
			return err_set(e, EINVAL, "%s: %s is no map", file, section);
		if (!all) {
			all = json_object();
			json_set(config, section, all);
		}
		json_object_foreach (map, key, value) {
			if (json_object_get(all, key))
				return err_set(e, EINVAL, "%s: %s is given in another file, too",
					file, key);
			json_set(all, key, json_incref(value));
		}
	}
	return 0;
}

static int read_folder(const char *folder, json_t *config, struct err *e)
{
	auto_dir dir = opendir(folder);
	const struct dirent *d;
	while (dir && (d = readdir(dir))) {
		auto_buf text = BUF_INIT;
		if (d->d_name[0] == '.' || !str_ends(d->d_name, ".yaml"))
			continue;
		auto_free char *path = path_join(folder, d->d_name);
		int r = read_file(path, YAML_MAX, &text, e);
		if (r < 0)
			return r;
		buf_puts(&text, "");
		r = policy_read_yaml(text.data, path, config, e);
		if (r < 0)
			return r;
	}
	return dir ? 1 : 0;
}

/* -1: it is not said here. */
static int says(const json_t *map, struct err *e)
{
	static const char *const yes[] = {"true", "True", "TRUE"};
	static const char *const no[] = {"false", "False", "FALSE"};
	const char *word = json_str(map, "use-sigstore-attachments");
	for (size_t i = 0; word && i < ARRAY_LEN(yes); i++) {
		if (!strcmp(word, yes[i]))
			return 1;
		if (!strcmp(word, no[i]))
			return 0;
	}
	if (word)
		return err_set(e, EINVAL,
			"registries.d: use-sigstore-attachments is neither true nor false: %s",
			word);
	return -1;
}

int policy_uses_attachments(const struct strv *scopes, struct err *e)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	auto_json config = json_object();
	auto_free char *user = NULL;
	if (base && *base == '/')
		user = path_join(base, "containers/registries.d");
	else if (home && *home == '/')
		user = path_join(home, ".config/containers/registries.d");
	int r = user ? read_folder(user, config, e) : 0;
	if (r == 0)
		r = read_folder(system_folder, config, e);
	if (r < 0)
		return r;
	const json_t *docker = json_object_get(config, "docker");
	for (size_t i = 0; i < scopes->n; i++) {
		const json_t *map = json_object_get(docker, scopes->v[i]);
		r = map ? says(map, e) : -1;
		if (r != -1)
			return r;
	}
	r = says(json_object_get(config, "default-docker"), e);
	return r == -1 ? 0 : r;
}
