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

char *client_config_text(const struct globals *g, const char *key)
{
	struct err ignored;
	auto_buf text = BUF_INIT;
	auto_free char *path = config_path(g);
	if (!path || read_file(path, CONFIG_MAX, &text, &ignored) < 0)
		return NULL;
	auto_json config = text.len ? json_parse(text.data, text.len, path, &ignored) : NULL;
	const char *value = json_str(config, key);
	return value ? xstrdup(value) : NULL;
}
