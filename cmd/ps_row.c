#include "cmd/ps.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/human.h"
#include "cmd/format/utf8.h"
#include "engine/health.h"
#include "engine/state.h"
#include "registry/reference.h"

enum { ID_WIDTH = 12, COMMAND_WIDTH = 20, MOUNT_WIDTH = 15 };

static json_t *parsed(const char *text, const char *what)
{
	struct err ignored;
	json_t *j = str_empty(text) ? NULL : json_parse(text, strlen(text), what, &ignored);
	return j ? j : json_object();
}

const json_t *ps_config(struct ps_container *c)
{
	if (!c->config)
		c->config = ps_scan(c->row->config);
	if (!c->config)
		c->config = parsed(c->row->config, "config");
	return c->config;
}

const json_t *ps_network(struct ps_container *c)
{
	bool alive = state_is_live(state_parse(c->row->state));
	if (!c->network)
		c->network = parsed(alive ? c->row->network : NULL, "network");
	return c->network;
}

void ps_container_deinit(struct ps_container *c)
{
	json_decref(c->config);
	json_decref(c->network);
}

static char *short_id(const char *id)
{
	const char *hex = str_after(id, "sha256:");
	return xstrndup(hex ? hex : id, ID_WIDTH);
}

/* The image as it was named; its id where that name stands for another image by now. Owned. */
static char *image_text(
	const struct ps_container *c, const struct ps_options *o, const json_t *image_ids)
{
	const char *name = c->row->image_name;
	const char *now = json_string_value(json_object_get(image_ids, name));
	if (!now || strcmp(now, c->row->image_id) != 0)
		name = c->row->image_id;
	if (str_empty(name))
		return xstrdup("<no image>");
	if (o->no_trunc)
		return xstrdup(name);
	auto_free char *id = short_id(c->row->image_id);
	auto_free char *id_of_name = short_id(name);
	if (strcmp(id, id_of_name) == 0)
		return take_ptr(id);
	auto_reference ref = {.domain = NULL};
	struct err ignored;
	if (reference_parse(name, false, &ref, &ignored) < 0)
		return xstrdup(name);
	if (!ref.digest)
		return reference_familiar(&ref);
	free(take_ptr(ref.digest));
	return reference_familiar(&ref);
}

static char *command_text(struct ps_container *c, const struct ps_options *o)
{
	auto_buf b = BUF_INIT;
	auto_buf quoted = BUF_INIT;
	size_t i;
	json_t *arg;
	buf_puts(&b, json_str_or(ps_config(c), "Path", ""));
	json_array_foreach (json_at(ps_config(c), "Args"), i, arg) {
		const char *text = json_string_value(arg);
		buf_printf(&b, text && strchr(text, ' ') ? " '%s'" : " %s", text ? text : "");
	}
	auto_free char *cut = o->no_trunc ? xstrdup(b.data) : human_ellipsis(b.data, COMMAND_WIDTH);
	go_quote(&quoted, cut, strlen(cut), '"', false);
	return buf_take(&quoted);
}

/* time.Time's String, in the local zone. */
static char *created_text(int64_t ns)
{
	time_t t = (time_t)(ns / NS_PER_S);
	struct tm tm;
	char text[80] = "";
	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return xstrdup(text);
}

const char *ps_health(const struct container_row *row)
{
	return health_status_text(health_status(row->health));
}

/* What is running, with what its health check says. Owned. */
static char *up_text(const struct container_row *row, const char *up)
{
	const char *health = ps_health(row);
	if (strcmp(health, "none") == 0)
		return xasprintf("Up %s", up);
	bool is_starting = strcmp(health, "starting") == 0;
	return xasprintf("Up %s (%s%s)", up, is_starting ? "health: " : "", health);
}

char *ps_status(const struct container_row *row, int64_t now_ns)
{
	auto_free char *up = human_duration(now_ns - row->started_ns);
	auto_free char *ended = human_duration(now_ns - row->finished_ns);
	const char *state = row->state;
	if (strcmp(state, "running") == 0)
		return up_text(row, up);
	if (strcmp(state, "paused") == 0)
		return xasprintf("Up %s (Paused)", up);
	if (strcmp(state, "restarting") == 0)
		return xasprintf("Restarting (%d) %s ago", row->exit_code, ended);
	if (strcmp(state, "removing") == 0)
		return xstrdup("Removal In Progress");
	if (strcmp(state, "dead") == 0)
		return xstrdup("Dead");
	if (strcmp(state, "initialized") == 0)
		return xstrdup("Initialized");
	if (strcmp(state, "created") == 0 || (!row->started_ns && !row->finished_ns))
		return xstrdup("Created");
	if (!row->finished_ns)
		return xstrdup("");
	return xasprintf("Exited (%d) %s ago", row->exit_code, ended);
}

static void add_part(struct buf *b, const char *text)
{
	if (b->len)
		buf_putc(b, ',');
	buf_puts(b, text);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void set_labels(json_t *o, const json_t *labels)
{
	auto_strv parts = STRV_INIT;
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)labels, key, value) {
		const char *text = json_string_value(value);
		strv_addf(&parts, "%s=%s", key, text ? text : "");
	}
	if (parts.n)
		qsort(parts.v, parts.n, sizeof(*parts.v), compare_texts);
	auto_free char *joined = parts.n ? strv_join(&parts, ",") : xstrdup("");
	json_set_str(o, "Labels", joined);
	if (labels)
		json_object_set(o, "Label", (json_t *)labels);
}

static void set_mounts(json_t *o, struct ps_container *c, const struct ps_options *options)
{
	auto_buf names = BUF_INIT;
	int local = 0;
	size_t i;
	json_t *m;
	json_array_foreach (json_at(ps_config(c), "Mounts"), i, m) {
		const char *name = json_str_or(m, "Name", "");
		if (!*name)
			name = json_str_or(m, "Source", "");
		auto_free char *cut =
			options->no_trunc ? xstrdup(name) : human_ellipsis(name, MOUNT_WIDTH);
		add_part(&names, cut);
		local += strcmp(json_str_or(m, "Driver", ""), "local") == 0;
	}
	auto_free char *count = xasprintf("%d", local);
	json_set_str(o, "Mounts", names.len ? names.data : "");
	json_set_str(o, "LocalVolumes", count);
}

static void set_networks(json_t *o, struct ps_container *c)
{
	auto_buf names = BUF_INIT;
	const char *key;
	json_t *value;
	json_object_foreach (json_at(ps_network(c), "Networks"), key, value)
		add_part(&names, key);
	if (!names.len) {
		const char *mode = json_str_or(ps_config(c), "HostConfig/NetworkMode", "bridge");
		bool is_bridge = !*mode || strcmp(mode, "default") == 0;
		if (!str_starts(mode, "container:"))
			add_part(&names, is_bridge ? "bridge" : mode);
	}
	json_set_str(o, "Networks", names.len ? names.data : "");
}

static void set_size(json_t *o, const struct ps_container *c, const struct ps_options *options)
{
	auto_free char *size = human_size(c->size);
	auto_free char *all = human_size(c->size + c->image_size);
	auto_free char *text = options->with_size && c->size + c->image_size > 0
				       ? xasprintf("%s (virtual %s)", size, all)
				       : xstrdup(size);
	json_set_str(o, "Size", text);
}

/* Podman's fields. */
static void set_extra(
	json_t *o, struct ps_container *c, const struct ps_options *options, const char *age)
{
	const struct container_row *row = c->row;
	bool alive = state_is_live(state_parse(row->state));
	auto_free char *image =
		options->no_trunc ? xstrdup(row->image_id) : short_id(row->image_id);
	auto_free char *ago = xasprintf("%s ago", age);
	json_set_bool(o, "AutoRemove", row->auto_remove);
	json_set_str(o, "Created", ago);
	json_set_str(o, "CreatedHuman", ago);
	json_set_int(o, "ExitCode", alive ? 0 : row->exit_code);
	json_set_bool(o, "Exited", strcmp(row->state, "exited") == 0);
	json_set_int(o, "ExitedAt", row->finished_ns / NS_PER_S);
	json_set_str(o, "HealthStatus", ps_health(row));
	json_set_str(o, "ImageID", image);
	json_set_int(o, "Pid", alive ? row->init.pid : 0);
	json_set_int(o, "Restarts", row->restart_count);
	json_set_int(o, "StartedAt", row->started_ns / NS_PER_S);
}

/* Takes the text. */
static void set_text(json_t *o, const char *key, char *text)
{
	json_set_str(o, key, text);
	free(text);
}

json_t *ps_row(struct ps_container *c, const struct ps_options *options, const json_t *image_ids,
	int64_t now_ns)
{
	const struct container_row *row = c->row;
	json_t *o = json_object();
	set_text(o, "ID", options->no_trunc ? xstrdup(row->id) : short_id(row->id));
	auto_free char *age = human_duration(now_ns - row->created_ns);
	json_set_str(o, "Names", row->name);
	set_text(o, "Image", image_text(c, options, image_ids));
	set_text(o, "CreatedAt", created_text(row->created_ns));
	set_text(o, "RunningFor", xasprintf("%s ago", age));
	json_set_int(o, PS_CREATED_NS, row->created_ns);
	json_set_int(o, PS_SIZE_BYTES, c->size);
	json_set_str(o, "State", row->state);
	set_text(o, "Status", ps_status(row, now_ns));
	set_size(o, c, options);
	if (options->with_extra)
		set_extra(o, c, options, age);
	if (options->only_row)
		return o;
	auto_json ports = ps_ports(c);
	set_text(o, "Ports", ps_ports_text(ports));
	set_text(o, "Command", command_text(c, options));
	set_labels(o, json_at(ps_config(c), "Config/Labels"));
	set_mounts(o, c, options);
	set_networks(o, c);
	return o;
}
