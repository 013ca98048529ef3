#include "storage/volume_options.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

static bool is_known(const char *key)
{
	return !strcmp(key, "type") || !strcmp(key, "device") || !strcmp(key, "o") ||
	       !strcmp(key, "uid") || !strcmp(key, "gid");
}

static int missing(const char *name, const char *what, struct err *e)
{
	return err_set(e, EINVAL, "create %s: missing required option: \"%s\"", name, what);
}

int volume_options_check(const char *name, const json_t *options, struct err *e)
{
	const char *key;
	json_t *value;
	if (json_object_get(options, "size"))
		return err_set(
			e, EINVAL, "create %s: quota size requested but no quota support", name);
	json_object_foreach ((json_t *)options, key, value) {
		if (!is_known(key))
			return err_set(e, EINVAL, "create %s: invalid option: \"%s\"", name, key);
	}
	bool has_type = json_object_get(options, "type");
	bool has_device = json_object_get(options, "device");
	if (!has_device && (has_type || json_object_get(options, "o")))
		return missing(name, "device", e);
	if (has_device && !has_type)
		return missing(name, "type", e);
	return 0;
}

bool volume_options_have_device(const json_t *options)
{
	return !str_empty(json_str(options, "device"));
}

bool volume_options_keep_files(const json_t *options)
{
	const char *type = json_str_or(options, "type", "");
	return !volume_options_have_device(options) || !strcmp(type, "none") ||
	       !strcmp(type, "bind");
}
