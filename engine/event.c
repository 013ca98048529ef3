#include "engine/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/monitor.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/event_row.h"
#include "storage/image.h"
#include "storage/store.h"

/* One row, in a transaction. */
static int add(struct store *s, const char *type, const char *action, const char *actor,
	json_t *attributes, const char *const *more, struct err *e)
{
	for (; more && more[0]; more += 2)
		json_set_str(attributes, more[0], more[1]);
	auto_free char *text = json_text(attributes);
	int r = db_begin(s->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	r = event_row_add(s->db, clock_now_ns(), type, action, actor, text, e);
	if (r >= 0)
		return db_commit(s->db, e);
	db_rollback(s->db);
	return r;
}

/* The object `key` of a JSON text, which is parsed only where that can be found in it: quotes in
 * JSON's strings are escaped, so they never look like a key. New reference or NULL. */
static json_t *member(const char *text, const char *pattern, const char *key)
{
	struct err ignored;
	if (!text || !strstr(text, pattern))
		return NULL;
	auto_json all = json_parse(text, strlen(text), "configuration", &ignored);
	json_t *found = json_at(all, key);
	return found ? json_incref(found) : NULL;
}

static json_t *with_labels(const char *config, const char *key)
{
	json_t *o = json_object();
	auto_json labels = member(config, "\"Labels\":{\"", key);
	const char *name;
	json_t *value;
	json_object_foreach (labels, name, value) {
		json_object_set(o, name, value);
	}
	return o;
}

int event_container(struct store *s, const struct container_row *row, const char *action,
	const char *const *more, struct err *e)
{
	auto_json o = with_labels(row->config, "Config/Labels");
	json_set_str(o, "image", row->image_name);
	json_set_str(o, "name", row->name);
	return add(s, "container", action, row->id, o, more, e);
}

void event_container_resize(
	struct store *s, const struct container_row *row, unsigned rows, unsigned cols)
{
	struct err e;
	char height[16], width[16];
	snprintf(height, sizeof(height), "%u", rows);
	snprintf(width, sizeof(width), "%u", cols);
	if (event_container(s, row, "resize", EVENT_WITH("height", height, "width", width), &e) < 0)
		log_debug("resize is not recorded: %s", e.msg);
}

void event_container_detach(struct store *s, const struct container_row *row)
{
	struct err e;
	if (event_container(s, row, "detach", NULL, &e) < 0)
		log_debug("detach is not recorded: %s", e.msg);
}

/* What happens to each volume of a container. */
static int each_volume(
	struct store *s, const struct container_row *row, const char *action, struct err *e)
{
	auto_json mounts = member(row->config, "\"Type\":\"volume\"", "Mounts");
	int r = 0;
	size_t i;
	json_t *m;
	json_array_foreach (mounts, i, m) {
		const char *name = json_str(m, "Name");
		if (strcmp(json_str_or(m, "Type", ""), "volume") != 0 || !name || r < 0)
			continue;
		const char *driver = json_str_or(m, "Driver", "local");
		if (strcmp(action, "mount") == 0)
			r = event_volume(s, action, name, driver,
				EVENT_WITH("read/write",
					json_bool_or(m, "RW", true) ? "true" : "false", "container",
					row->id, "destination", json_str_or(m, "Destination", ""),
					"propagation", json_str_or(m, "Propagation", "")),
				e);
		else
			r = event_volume(
				s, action, name, driver, EVENT_WITH("container", row->id), e);
	}
	return r;
}

int event_container_start(struct store *s, const struct container_row *row, struct err *e)
{
	int r = each_volume(s, row, "mount", e);
	return r < 0 ? r : event_container(s, row, "start", NULL, e);
}

int event_container_die(struct store *s, const struct container_row *row,
	const struct attach_ended *ended, struct err *e)
{
	char code[16], seconds[24];
	int64_t lived = row->started_ns ? (ended->finished_ns - row->started_ns) / NS_PER_S : 0;
	snprintf(code, sizeof(code), "%d", (int)ended->exit_code);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(lived > 0 ? lived : 0));
	int r = ended->oom_killed ? event_container(s, row, "oom", NULL, e) : 0;
	if (r >= 0)
		r = each_volume(s, row, "unmount", e);
	if (r < 0)
		return r;
	return event_container(
		s, row, "die", EVENT_WITH("execDuration", seconds, "exitCode", code), e);
}

int event_image(struct store *s, const char *action, const char *id, const char *name,
	const char *config, struct err *e)
{
	struct image image = {.id = NULL};
	if (!config) {
		int r = image_find(s, id, NULL, &image, e);
		if (r < 0)
			return r;
		config = r == ROW_OK ? image.config : NULL;
	}
	auto_json o = with_labels(config, "config/Labels");
	json_set_str(o, "name", name);
	int r = add(s, "image", action, id, o, NULL, e);
	image_deinit(&image);
	return r;
}

int event_volume(struct store *s, const char *action, const char *name, const char *driver,
	const char *const *more, struct err *e)
{
	auto_json o = json_object();
	json_set_str(o, "driver", driver);
	return add(s, "volume", action, name, o, more, e);
}

int event_prune(struct store *s, const char *type, int64_t reclaimed, struct err *e)
{
	char bytes[24];
	auto_json o = json_object();
	snprintf(bytes, sizeof(bytes), "%lld", (long long)reclaimed);
	return add(s, type, "prune", "", o, EVENT_WITH("reclaimed", bytes), e);
}
