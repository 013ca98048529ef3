#include "cmd/client_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"

enum { CONFIG_MAX = 1 << 20 };

static char *config_path(const struct globals *g)
{
	const char *dir = g->config_dir ? g->config_dir : getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");
	if (!str_empty(dir))
		return path_join(dir, "config.json");
	return home ? path_join(home, ".docker/config.json") : NULL;
}

json_t *client_config_load(const struct globals *g)
{
	static bool is_told;
	struct err ignored, broken;
	auto_buf text = BUF_INIT;
	auto_free char *path = config_path(g);
	if (!path || read_file(path, CONFIG_MAX, &text, &ignored) < 0 || buf_is_blank(&text))
		return NULL;
	json_t *config = json_parse_secret(text.data, text.len, path, &broken);
	if (!config && !is_told)
		log_warn("%s", broken.msg);
	is_told |= !config;
	return config;
}

char *client_config_text(const struct globals *g, const char *key)
{
	auto_json config = client_config_load(g);
	const char *value = json_str(config, key);
	return value ? xstrdup(value) : NULL;
}

static bool is_named(const struct strv *env, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, len) == 0 &&
			(env->v[i][len] == '=' || !env->v[i][len]))
			return true;
	return false;
}

void client_config_proxies(const json_t *config, struct strv *env)
{
	static const struct {
		const char *key, *names[2];
	} all[] = {
		{"httpProxy", {"HTTP_PROXY", "http_proxy"}},
		{"httpsProxy", {"HTTPS_PROXY", "https_proxy"}},
		{"noProxy", {"NO_PROXY", "no_proxy"}},
		{"ftpProxy", {"FTP_PROXY", "ftp_proxy"}},
		{"allProxy", {"ALL_PROXY", "all_proxy"}},
	};
	const json_t *proxies = json_at(config, "proxies/default");
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *value = json_str(proxies, all[i].key);
		for (size_t k = 0; !str_empty(value) && k < ARRAY_LEN(all[i].names); k++)
			if (!is_named(env, all[i].names[k]))
				strv_addf(env, "%s=%s", all[i].names[k], value);
	}
}
