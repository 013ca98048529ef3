/* The front's part of --log-opt labels, env and tag: what goes with every record of a container. */
#include "engine/log.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/goregex.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "storage/db/container_row.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int (*log_tag_render)(const char *text, const struct json_t *info, struct buf *out, struct err *e);

static const char *option(const json_t *config, const char *name)
{
	return json_string_value(
		json_object_get(json_at(config, "HostConfig/LogConfig/Config"), name));
}

/* {"A":"b"} of ["A=b"]; names alone are passed over. */
static json_t *env_map(const json_t *config)
{
	json_t *map = json_object(), *v;
	size_t i;
	json_array_foreach (json_at(config, "Config/Env"), i, v) {
		const char *text = json_is_string(v) ? json_string_value(v) : "";
		size_t n = strcspn(text, "=");
		auto_free char *key = xstrndup(text, n);
		if (text[n])
			json_set_str(map, key, text + n + 1);
	}
	return map;
}

/* The journal's names: upper case, no other signs than "_", and none of those in front. */
static char *journal_key(const char *name)
{
	auto_buf key = BUF_INIT;
	for (; *name; name++) {
		char c = isalnum((unsigned char)*name) ? (char)toupper((unsigned char)*name) : '_';
		if (c != '_' || key.len > 0)
			buf_putc(&key, c);
	}
	return buf_take(&key);
}

static void add(json_t *attrs, const char *name, json_t *value, bool for_journal)
{
	auto_free char *key = for_journal ? journal_key(name) : xstrdup(name);
	if (*key && json_is_string(value))
		json_object_set(attrs, key, value);
}

/* The members of map that `names` (a list with commas) or `pattern` choose. */
static int choose(json_t *attrs, json_t *map, const char *names, const char *pattern,
	bool for_journal, struct err *e)
{
	auto_strv list = STRV_INIT;
	struct goregex *re = NULL;
	const char *key;
	json_t *value;
	strv_split(&list, names ? names : "", ',');
	int r = str_empty(pattern) ? 0 : goregex_compile(pattern, &re, e);
	json_object_foreach (map, key, value) {
		if (strv_has(&list, key) || (re && goregex_match(re, key)))
			add(attrs, key, value, for_journal);
	}
	goregex_free(re);
	return r;
}

/* Docker's logger.Info, and its methods. */
static json_t *tag_info(const struct container_row *row, const json_t *config, const char *path)
{
	json_t *info = json_object(), *args = json_at(config, "Args"), *v;
	const char *entrypoint = json_str_or(config, "Path", "");
	auto_free char *created = clock_rfc3339(row->created_ns);
	auto_free char *name = xasprintf("/%s", row->name);
	auto_free char *short_id = xstrndup(row->id, 12);
	auto_free char *short_image = xstrndup(row->image_id, 12);
	auto_buf command = BUF_INIT;
	char host[256] = "";
	size_t i;
	(void)gethostname(host, sizeof(host) - 1);
	buf_puts(&command, entrypoint);
	json_array_foreach (args, i, v)
		buf_printf(&command, " %s", json_is_string(v) ? json_string_value(v) : "");
	json_set(info, "Config", json_incref(json_at(config, "HostConfig/LogConfig/Config")));
	json_set_str(info, "ContainerID", row->id);
	json_set_str(info, "ContainerName", name);
	json_set_str(info, "ContainerEntrypoint", entrypoint);
	json_set(info, "ContainerArgs", args ? json_incref(args) : json_array());
	json_set_str(info, "ContainerImageID", row->image_id);
	json_set_str(info, "ContainerImageName", row->image_name);
	json_set_str(info, "ContainerCreated", created);
	json_t *env = json_at(config, "Config/Env"), *labels = json_at(config, "Config/Labels");
	json_set(info, "ContainerEnv", env ? json_incref(env) : json_null());
	json_set(info, "ContainerLabels", labels ? json_incref(labels) : json_object());
	json_set_str(info, "LogPath", path);
	json_set_str(info, "ID", short_id);
	json_set_str(info, "FullID", row->id);
	json_set_str(info, "Name", row->name);
	json_set_str(info, "Command", command.data ? command.data : "");
	json_set_str(info, "Hostname", host);
	json_set_str(info, "ImageID", short_image);
	json_set_str(info, "ImageFullID", row->image_id);
	json_set_str(info, "ImageName", row->image_name);
	json_set_str(info, "DaemonName", "docker");
	return info;
}

static int render_tag(const struct container_row *row, const json_t *config,
	const struct log_config *c, const char *dir, char **tag, struct err *e)
{
	const char *text = option(config, "tag");
	auto_free char *file = log_file_name(c->driver, row->id);
	auto_free char *path = *file ? path_join(dir, file) : xstrdup("");
	if (str_empty(text) && c->driver == LOG_JOURNALD)
		text = "{{.ID}}";
	*tag = NULL;
	if (str_empty(text) || !log_tag_render)
		return str_empty(text) ? 0
				       : err_set(e, ENOTSUP, "log option tag: no templates here");
	auto_json info = tag_info(row, config, path);
	auto_buf out = BUF_INIT;
	int r = log_tag_render(text, info, &out, e);
	if (r == 0 && out.len > 0)
		*tag = buf_take(&out);
	return r;
}

static void add_journal_names(json_t *attrs, const struct container_row *row, const char *tag)
{
	auto_free char *short_id = xstrndup(row->id, 12);
	json_set_str(attrs, "CONTAINER_ID", short_id);
	json_set_str(attrs, "CONTAINER_ID_FULL", row->id);
	json_set_str(attrs, "CONTAINER_NAME", row->name);
	json_set_str(attrs, "CONTAINER_TAG", tag ? tag : "");
	json_set_str(attrs, "IMAGE_NAME", row->image_name);
	json_set_str(attrs, "SYSLOG_IDENTIFIER", tag ? tag : "");
}

static int collect(const struct container_row *row, const json_t *config,
	const struct log_config *c, const char *dir, json_t *attrs, struct err *e)
{
	bool for_journal = c->driver == LOG_JOURNALD;
	auto_free char *tag = NULL;
	auto_json env = env_map(config);
	if (for_journal)
		add_journal_names(attrs, row, NULL);
	int r = choose(attrs, json_at(config, "Config/Labels"), option(config, "labels"),
		option(config, "labels-regex"), for_journal, e);
	if (r == 0)
		r = choose(attrs, env, option(config, "env"), option(config, "env-regex"),
			for_journal, e);
	if (r == 0)
		r = render_tag(row, config, c, dir, &tag, e);
	if (r == 0 && tag && for_journal)
		add_journal_names(attrs, row, tag);
	else if (r == 0 && tag)
		json_set_str(attrs, "tag", tag);
	return r;
}

int log_attrs_write(const struct container_row *row, const json_t *config,
	const struct log_config *c, const char *dir, struct err *e)
{
	static const char *const names[] = {"labels", "labels-regex", "env", "env-regex", "tag"};
	bool is_asked = c->driver == LOG_JOURNALD;
	for (size_t i = 0; i < ARRAY_LEN(names) && c->driver != LOG_NONE; i++)
		is_asked |= option(config, names[i]) != NULL;
	if (!is_asked)
		return 0;
	json_t *attrs = json_object(), *v;
	const char *key;
	auto_buf text = BUF_INIT;
	int r = collect(row, config, c, dir, attrs, e);
	auto_json sorted = json_sorted(attrs);
	json_object_foreach (sorted, key, v) {
		buf_printf(&text, "%s=%s", key, json_string_value(v));
		buf_putc(&text, '\0');
	}
	auto_fd dir_fd = r < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r < 0)
		return r;
	if (dir_fd < 0)
		return err_sys(e, "cannot open %s", dir);
	return write_file_at(
		dir_fd, "log-attrs", text.data ? text.data : "", text.len, 0600, false, e);
}
