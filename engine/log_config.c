/* Two checks, as in Docker: what `create` refuses (names) and what `start` does (values). The words
 * are Docker's, also where the drivers' differ for the same mistake. */
#include "engine/log.h"
#include "base/err.h"
#include "base/goregex.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/user_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Options that several drivers share, and whose they are. */
enum { JSON = 1, LOCAL = 2, JOURNAL = 4, ALL = 7 };
static const struct {
	const char *name;
	unsigned drivers;
} options[] = {
	{"max-size", JSON | LOCAL},
	{"max-file", JSON | LOCAL},
	{"compress", JSON | LOCAL},
	{"labels", JSON | JOURNAL},
	{"labels-regex", JSON | JOURNAL},
	{"env", JSON | JOURNAL},
	{"env-regex", JSON | JOURNAL},
	{"tag", JSON | JOURNAL},
	{"mode", ALL},
	{"max-buffer-size", ALL},
};

static const struct {
	const char *name;
	enum log_driver driver;
	unsigned bit;
} drivers[] = {
	{"json-file", LOG_JSON_FILE, JSON},
	{"k8s-file", LOG_JSON_FILE, JSON},
	{"local", LOG_LOCAL, LOCAL},
	{"journald", LOG_JOURNALD, JOURNAL},
	{"none", LOG_NONE, 0},
};

/* What Docker and Podman have besides. */
static const char *const not_ours[] = {
	"syslog", "gelf", "fluentd", "awslogs", "splunk", "gcplogs", "etwlogs", "passthrough"};

bool log_driver_parse(const char *name, enum log_driver *out)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		if (strcmp(drivers[i].name, name))
			continue;
		*out = drivers[i].driver;
		return true;
	}
	return false;
}

const char *log_driver_name(enum log_driver d)
{
	size_t i = 0;
	while (drivers[i].driver != d)
		i++;
	return drivers[i].name;
}

char *log_file_name(enum log_driver d, const char *id)
{
	return d == LOG_JSON_FILE ? xasprintf("%s-json.log", id)
	       : d == LOG_LOCAL   ? xstrdup("local-logs/container.log")
				  : xstrdup("");
}

static int refuse_driver(const char *type, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(not_ours); i++) {
		if (strcmp(not_ours[i], type))
			continue;
		err_set(e, ENOTSUP, "the logging driver %s is not supported", type);
		return err_hint(e, "use json-file, local, journald or none");
	}
	return err_set(e, EINVAL, "error looking up logging plugin %s: plugin \"%s\" not found",
		type, type);
}

static const char *option(const json_t *config, const char *name)
{
	return json_string_value(json_object_get(config, name));
}

/* go-units' FromHumanSize: "10m" is ten million, "1.5k", "100KB", "1 kib", "4096". */
static bool parse_size(const char *s, int64_t *out)
{
	static const char units[] = "kmgtp";
	size_t digits = strspn(s, "0123456789"), frac = 0;
	if (digits == 0)
		return false;
	if (s[digits] == '.' && (frac = strspn(s + digits + 1, "0123456789")) == 0)
		return false;
	double v = strtod(s, NULL);
	s += digits + (frac ? frac + 1 : 0);
	if (*s == ' ')
		s++;
	const char *u = *s ? strchr(units, *s | 32) : NULL;
	if (u) {
		for (const char *p = units; p <= u; p++)
			v *= 1000;
		s++;
		if ((*s | 32) == 'i' && (s[1] | 32) == 'b')
			s++;
	}
	if ((*s | 32) == 'b')
		s++;
	if (*s)
		return false;
	*out = v >= 9.2e18 ? INT64_MIN : (int64_t)v; /* as Go's conversion overflows */
	return true;
}

static bool is_in_range(const char *value)
{
	errno = 0;
	(void)strtoll(value, NULL, 10);
	return errno != ERANGE;
}

static int parse_count(const char *value, int64_t *out, struct err *e)
{
	if (parse_i64(*value == '+' ? value + 1 : value, out))
		return 0;
	return err_set(e, EINVAL, "strconv.Atoi: parsing \"%s\": %s", value,
		is_in_range(value) ? "invalid syntax" : "value out of range");
}

/* strconv.ParseBool */
static int parse_bool(const char *value, bool *out, struct err *e)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		*out = !strcmp(value, yes[i]);
		if (*out || !strcmp(value, no[i]))
			return 0;
	}
	return err_set(e, EINVAL, "strconv.ParseBool: parsing \"%s\": invalid syntax", value);
}

static int check_mode(const json_t *config, struct err *e)
{
	const char *mode = option(config, "mode"), *size = option(config, "max-buffer-size");
	int64_t bytes;
	if (!str_empty(mode) && strcmp(mode, "blocking") && strcmp(mode, "non-blocking"))
		return err_set(e, EINVAL, "logger: logging mode not supported: %s", mode);
	if (!size)
		return 0;
	if (str_empty(mode) || strcmp(mode, "non-blocking"))
		return err_set(e, EINVAL,
			"logger: max-buffer-size option is only supported with "
			"'mode=non-blocking'");
	if (!parse_size(size, &bytes))
		return err_set(e, EINVAL,
			"error parsing option max-buffer-size: invalid size: '%s'", size);
	return 0;
}

static int check_name(const char *type, unsigned bit, const char *key, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if ((options[i].drivers & bit) && !strcmp(options[i].name, key))
			return 0;
	if (bit == LOCAL)
		return err_set(e, EINVAL, "unknown log opt '%s' for log driver local", key);
	return err_set(e, EINVAL, "unknown log opt '%s' for %s log driver", key, type);
}

int log_config_check(const json_t *log_config, struct err *e)
{
	const char *type = json_str_or(log_config, "Type", "json-file"), *key;
	json_t *config = json_at(log_config, "Config"), *value;
	size_t i = 0;
	while (i < ARRAY_LEN(drivers) && strcmp(drivers[i].name, type))
		i++;
	if (i == ARRAY_LEN(drivers))
		return refuse_driver(type, e);
	if (drivers[i].driver == LOG_NONE)
		return json_object_size(config) == 0
			       ? 0
			       : err_set(e, EINVAL, "invalid logging opts for driver none");
	int r = check_mode(config, e);
	json_object_foreach (config, key, value) {
		if (r == 0)
			r = check_name(type, drivers[i].bit, key, e);
	}
	return r;
}

static int parse_json_file(const json_t *config, struct log_config *c, struct err *e)
{
	const char *size = option(config, "max-size"), *files = option(config, "max-file"),
		   *compress = option(config, "compress");
	int r = 0;
	c->max_size = LOG_JSON_MAX_SIZE;
	/* Asked for a size only: one file, as Docker. */
	c->max_files = size ? 1 : LOG_JSON_MAX_FILES;
	if (size && !parse_size(size, &c->max_size))
		return err_set(e, EINVAL, "invalid size: '%s'", size);
	if (size && c->max_size <= 0)
		return err_set(e, EINVAL, "max-size must be a positive number");
	if (files && (r = parse_count(files, &c->max_files, e)) < 0)
		return r;
	if (c->max_files < 1)
		return err_set(e, EINVAL, "max-file cannot be less than 1");
	if (compress && (r = parse_bool(compress, &c->compress, e)) < 0)
		return r;
	if (c->compress && (c->max_files < 2 || !size))
		return err_set(e, EINVAL,
			"compress cannot be true when max-file is less than 2 or max-size is not "
			"set");
	return 0;
}

static int parse_local(const json_t *config, struct log_config *c, struct err *e)
{
	const char *size = option(config, "max-size"), *files = option(config, "max-file"),
		   *compress = option(config, "compress");
	c->max_size = LOG_LOCAL_MAX_SIZE;
	c->max_files = LOG_LOCAL_MAX_FILES;
	c->compress = true;
	if (size && !parse_size(size, &c->max_size))
		return err_set(e, EINVAL, "invalid value for max-size: %s: invalid size: '%s'",
			size, size);
	if (c->max_size < 0)
		return err_set(e, EINVAL, "max size should be a positive number");
	if (c->max_size == 0)
		c->max_size = LOG_LOCAL_MAX_SIZE;
	if (files && parse_count(files, &c->max_files, e) < 0)
		return err_ctx(e, "invalid value for max-file: %s", files);
	if (c->max_files < 0)
		return err_set(e, EINVAL, "max file count cannot be less than 0");
	if (compress && parse_bool(compress, &c->compress, e) < 0)
		return err_ctx(e, "error reading compress log option");
	if (c->compress && c->max_files < 2)
		return err_set(e, EINVAL, "compression cannot be enabled when max file count is 1");
	if (c->max_files < 1)
		c->max_files = 1;
	return 0;
}

static int check_regex(const char *text, struct err *e)
{
	struct goregex *re = NULL;
	int r = text ? goregex_compile(text, &re, e) : 0;
	goregex_free(re);
	return r;
}

int log_config_parse(const json_t *host_config, struct log_config *out, struct err *e)
{
	const char *type = json_str_or(host_config, "LogConfig/Type", "json-file");
	json_t *config = json_at(host_config, "LogConfig/Config");
	int r = 0;
	*out = (struct log_config){.max_files = 1};
	if (!log_driver_parse(*type ? type : "json-file", &out->driver))
		return refuse_driver(type, e);
	if (out->driver == LOG_JSON_FILE)
		r = parse_json_file(config, out, e);
	else if (out->driver == LOG_LOCAL)
		r = parse_local(config, out, e);
	const char *mode = option(config, "mode"), *size = option(config, "max-buffer-size");
	if (mode && !strcmp(mode, "non-blocking")) {
		out->buffer = 1 << 20;
		if (size && (!parse_size(size, &out->buffer) || out->buffer < 1))
			out->buffer = 1 << 20;
	}
	if (r == 0)
		r = check_regex(option(config, "labels-regex"), e);
	return r < 0 ? r : check_regex(option(config, "env-regex"), e);
}

/* As dockerd merges its own configuration: its options go with its driver only. */
int log_config_defaults(json_t *log_config, struct err *e)
{
	auto_free char *type = xstrdup(json_str_or(log_config, "Type", ""));
	const char *key;
	auto_json user = NULL;
	json_t *value, *config = json_at(log_config, "Config");
	int r = user_config_read(&user, e);
	if (r < 0)
		return r;
	const char *driver = json_str_or(user, "log-driver", "");
	if (!*driver)
		driver = "json-file";
	if (!*type)
		json_set_str(log_config, "Type", driver);
	if (*type && strcmp(type, driver))
		return 0;
	json_object_foreach (json_at(user, "log-opts"), key, value) {
		if (!json_is_string(value))
			return err_set(
				e, EINVAL, "the log option %s of config.json is not a string", key);
		if (!json_object_get(config, key))
			json_object_set(config, key, value);
	}
	json_set(log_config, "Config", json_sorted(json_incref(config)));
	return 0;
}
