#include "engine/log.h"
#include "base/err.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* go-units' RAMInBytes, as far as people write it: "10m", "1.5g", "100kb", "4096". */
static bool parse_size(const char *s, int64_t *out)
{
	char *end;
	if (*s < '0' || *s > '9')
		return false;
	double v = strtod(s, &end);
	if (*end == ' ')
		end++;
	static const char units[] = "bkmgtp";
	if (*end) {
		const char *u = strchr(units, *end | 32);
		if (!u)
			return false;
		for (const char *p = units; p < u; p++)
			v *= 1024;
		end++;
		if (*u != 'b' && *end == 'i')
			end++;
		if (*u != 'b' && (*end | 32) == 'b')
			end++;
	}
	if (*end || v > 9e18)
		return false;
	*out = (int64_t)v;
	return true;
}

static int parse_option(const char *key, const char *value, struct log_config *out, struct err *e)
{
	if (!strcmp(key, "max-size")) {
		if (!strcmp(value, "-1"))
			return 0;
		if (!parse_size(value, &out->max_size))
			return err_set(e, EINVAL, "invalid size: '%s'", value);
		if (out->max_size <= 0)
			return err_set(e, EINVAL, "max-size should be a positive number");
		return 0;
	}
	if (!strcmp(key, "max-file")) {
		if (!parse_i64(value, &out->max_files))
			return err_set(
				e, EINVAL, "strconv.Atoi: parsing \"%s\": invalid syntax", value);
		if (out->max_files < 1)
			return err_set(e, EINVAL, "max-file cannot be less than 1");
		return 0;
	}
	if (!strcmp(key, "compress") || !strcmp(key, "mode") || !strcmp(key, "max-buffer-size")) {
		if (!strcmp(value, "false") || !strcmp(value, "blocking"))
			return 0;
		return err_set(e, ENOTSUP, "log option %s=%s is not supported yet", key, value);
	}
	if (!strcmp(key, "labels") || !strcmp(key, "labels-regex") || !strcmp(key, "env") ||
		!strcmp(key, "env-regex") || !strcmp(key, "tag"))
		return *value ? err_set(e, ENOTSUP, "log option %s is not supported yet", key) : 0;
	return err_set(e, EINVAL, "unknown log opt '%s' for json-file log driver", key);
}

int log_config_parse(const struct json_t *host_config, struct log_config *out, struct err *e)
{
	*out = (struct log_config){.max_files = 0};
	const char *type = json_str_or(host_config, "LogConfig/Type", "json-file");
	if (!strcmp(type, "none")) {
		out->none = true;
		return 0;
	}
	if (*type && strcmp(type, "json-file"))
		return err_set(e, ENOTSUP, "logging driver %s is not supported yet", type);
	const char *key;
	json_t *value;
	json_object_foreach (json_at(host_config, "LogConfig/Config"), key, value) {
		int r = parse_option(
			key, json_is_string(value) ? json_string_value(value) : "", out, e);
		if (r < 0)
			return r;
	}
	/* Asked for a size only: one file, as Docker. */
	if (out->max_size && !out->max_files)
		out->max_files = 1;
	return 0;
}
