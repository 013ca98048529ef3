#include "base/user_config.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <stdlib.h>

enum { CONFIG_FILE_MAX = 1 << 20 };

int user_config_read(json_t **config, struct err *e)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	bool has_base = base && *base == '/';
	*config = NULL;
	if (!has_base && (!home || *home != '/'))
		return 0;
	auto_free char *path = has_base ? path_join(base, "moss/config.json")
					: path_join(home, ".config/moss/config.json");
	auto_buf text = BUF_INIT;
	struct err failure = {0};
	int r = read_file(path, CONFIG_FILE_MAX, &text, &failure);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0) {
		*e = failure;
		return r;
	}
	*config = json_parse(text.data ? text.data : "", text.len, path, e);
	return *config ? 0 : -e->code;
}
