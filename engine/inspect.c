/* What docker inspect shows of a container, in Docker's field order. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/exec_record.h"
#include "engine/log.h"
#include "engine/network.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/store.h"

static void set_time(json_t *o, const char *key, int64_t ns)
{
	auto_free char *text = clock_rfc3339(ns);
	json_set_str(o, key, text);
}

static bool is_state(const struct container_row *row, const char *state)
{
	return strcmp(row->state, state) == 0;
}

static bool is_alive(const struct container_row *row)
{
	return is_state(row, "running") || is_state(row, "paused");
}

/* Its processes and namespaces are there. */
static bool has_process(const struct container_row *row)
{
	return is_alive(row) || is_state(row, "initialized");
}

static json_t *state(const struct container_row *row)
{
	struct err ignored;
	json_t *o = json_object();
	json_set_str(o, "Status", row->state);
	json_set_bool(o, "Running", state_is_started(state_parse(row->state)));
	json_set_bool(o, "Paused", is_state(row, "paused"));
	json_set_bool(o, "Restarting", is_state(row, "restarting"));
	json_set_bool(o, "OOMKilled", row->oom_killed);
	json_set_bool(o, "Dead", is_state(row, "dead"));
	json_set_int(o, "Pid", has_process(row) ? row->init.pid : 0);
	json_set_int(o, "ExitCode", has_process(row) ? 0 : row->exit_code);
	json_set_str(o, "Error", row->error ? row->error : "");
	set_time(o, "StartedAt", row->started_ns);
	set_time(o, "FinishedAt", row->finished_ns);
	json_t *health = row->health
				 ? json_parse(row->health, strlen(row->health), "health", &ignored)
				 : NULL;
	if (health)
		json_set(o, "Health", health);
	return o;
}

/* Takes value; null where it is missing. */
static void set_or_null(json_t *o, const char *key, json_t *value)
{
	json_set(o, key, value ? json_incref(value) : json_null());
}

/* Paths below the container's folder; "" before the first start, as Docker has it. */
static void set_paths(
	struct store *s, const struct container_row *row, const json_t *config, json_t *o)
{
	bool was_started = row->started_ns != 0;
	const char *other =
		str_after(json_str_or(config, "HostConfig/NetworkMode", ""), "container:");
	auto_free char *dir = store_path(s, "containers/%s", row->id);
	/* With another container's network they are that one's. */
	auto_free char *names = store_path(s, "containers/%s", other ? other : row->id);
	const struct {
		const char *key, *name;
	} files[] = {{"ResolvConfPath", "resolv.conf"}, {"HostnamePath", "hostname"},
		{"HostsPath", "hosts"}};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_free char *path = path_join(names, files[i].name);
		json_set_str(o, files[i].key, was_started ? path : "");
	}
	struct log_config log = {.driver = LOG_JSON_FILE};
	(void)log_driver_parse(json_str_or(config, "HostConfig/LogConfig/Type", ""), &log.driver);
	/* Of json-file only, as Docker. */
	auto_free char *name = log_file_name(LOG_JSON_FILE, row->id);
	auto_free char *path = path_join(dir, name);
	json_set_str(o, "LogPath", was_started && log.driver == LOG_JSON_FILE ? path : "");
}

static json_t *graph_driver(struct store *s, const struct container_row *row)
{
	char **layers = NULL;
	size_t n = 0;
	struct err ignored;
	auto_buf lower = BUF_INIT;
	json_t *data = json_object();
	auto_free char *dir = store_path(s, "containers/%s", row->id);
	static const struct {
		const char *key, *name;
	} parts[] = {{"MergedDir", "merged"}, {"UpperDir", "upper"}, {"WorkDir", "work"}};
	if (container_row_layers(s->db, row->id, &layers, &n, &ignored) < 0)
		n = 0;
	for (size_t i = n; i-- > 0;) {
		buf_printf(&lower, "%s%s/layers/%s/diff", lower.len ? ":" : "", s->root, layers[i]);
		free(layers[i]);
	}
	free(layers);
	auto_free char *text = buf_take(&lower);
	json_set_str(data, "LowerDir", text);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		auto_free char *path = path_join(dir, parts[i].name);
		json_set_str(data, parts[i].key, path);
	}
	return json_pack("{s:o, s:s}", "Data", data, "Name", row->driver);
}

static json_t *network_settings(const struct container_row *row, const json_t *config)
{
	struct err ignored;
	if (has_process(row) && row->network && *row->network) {
		json_t *j = json_parse(row->network, strlen(row->network), "network", &ignored);
		if (j) {
			auto_free char *key = xasprintf("/proc/%d/ns/net", (int)row->init.pid);
			if (json_object_size(json_at(j, "Networks")))
				json_set_str(j, "SandboxKey", key);
			return j;
		}
	}
	return network_settings_idle(json_str_or(config, "HostConfig/NetworkMode", "bridge"));
}

static json_t *exec_ids(struct store *s, const struct container_row *row)
{
	auto_strv ids = STRV_INIT;
	if (is_alive(row))
		exec_record_live(s, row, &ids);
	return ids.n ? json_from_strv(&ids) : json_null();
}

/* What --mac-address asked for is shown with the network, as Docker 26 does. */
static void move_mac_address(json_t *config, json_t *settings)
{
	const char *mac = json_str(config, "Config/MacAddress"), *name;
	json_t *endpoint;
	json_object_foreach (json_at(settings, "Networks"), name, endpoint) {
		if (mac && !*json_str_or(endpoint, "MacAddress", ""))
			json_set_str(endpoint, "MacAddress", mac);
	}
	json_object_del(json_object_get(config, "Config"), "MacAddress");
}

json_t *container_inspect(struct store *s, const struct container_row *row)
{
	struct err ignored;
	auto_json config = json_parse(row->config, strlen(row->config), "config", &ignored);
	json_t *o = json_object(), *settings = network_settings(row, config);
	move_mac_address(config, settings);
	auto_free char *name = xasprintf("/%s", row->name);
	json_set_str(o, "Id", row->id);
	set_time(o, "Created", row->created_ns);
	json_set_str(o, "Path", json_str_or(config, "Path", ""));
	set_or_null(o, "Args", json_at(config, "Args"));
	json_set(o, "State", state(row));
	json_set_str(o, "Image", row->image_id);
	set_paths(s, row, config, o);
	json_set_str(o, "Name", name);
	json_set_int(o, "RestartCount", row->restart_count);
	json_set_str(o, "Driver", row->driver);
	json_set_str(o, "Platform", json_str_or(config, "Platform", "linux"));
	json_set_str(o, "MountLabel", "");
	json_set_str(o, "ProcessLabel", "");
	json_set_str(o, "AppArmorProfile", "");
	json_set(o, "ExecIDs", exec_ids(s, row));
	set_or_null(o, "HostConfig", json_at(config, "HostConfig"));
	json_set(o, "GraphDriver", graph_driver(s, row));
	set_or_null(o, "Mounts", json_at(config, "Mounts"));
	set_or_null(o, "Config", json_at(config, "Config"));
	json_set(o, "NetworkSettings", settings);
	return o;
}
