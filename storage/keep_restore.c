/* Bringing back, and what of an object's row stands in the trash. */
#include "storage/keep.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/image_manifest_row.h"
#include "storage/db/image_row.h"
#include "storage/db/volume_row.h"
#include "storage/intent.h"
#include "storage/keep_internal.h"
#include "storage/store.h"
#include "storage/volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *dup_in(const json_t *j, const char *key)
{
	const char *s = json_str(j, key);
	return s ? xstrdup(s) : NULL;
}

/* ---- containers ---- */

/* Everything that says what it is; not what says how it ran: processes, cgroup, boot. */
char *keep_container_text(const struct container_row *r, const char *volumes)
{
	struct err ignored;
	auto_json o = json_object();
	json_t *names = volumes ? json_parse(volumes, strlen(volumes), "volumes", &ignored) : NULL;
	bool has_ended = r->finished_ns >= r->started_ns;
	json_set_str(o, "name", r->name);
	json_set_str(o, "image_id", r->image_id);
	json_set_str(o, "image_name", r->image_name);
	json_set_str(o, "config", r->config);
	json_set_str(o, "driver", r->driver);
	json_set_int(o, "created", r->created_ns);
	json_set_int(o, "started", r->started_ns);
	json_set_int(o, "finished", has_ended ? r->finished_ns : clock_now_ns());
	/* Removed by force while it ran. */
	json_set_int(o, "exit_code", has_ended ? r->exit_code : 137);
	json_set_bool(o, "oom_killed", r->oom_killed);
	json_set_str(o, "error", r->error);
	json_set_int(o, "restart_count", r->restart_count);
	json_set_str(o, "network", r->network);
	json_set_str(o, "restart_policy", r->restart_policy);
	json_set_str(o, "health", r->health);
	json_set(o, "volumes", names ? names : json_array());
	return json_text(o);
}

static void container_of(
	const struct trash_row *t, const json_t *o, const char *name, struct container_row *r)
{
	*r = (struct container_row){
		.name = xstrdup(name ? name : t->name),
		.image_id = dup_in(o, "image_id"),
		.image_name = dup_in(o, "image_name"),
		.config = dup_in(o, "config"),
		.driver = dup_in(o, "driver"),
		.created_ns = json_int_or(o, "created", 0),
		.started_ns = json_int_or(o, "started", 0),
		.finished_ns = json_int_or(o, "finished", 0),
		.exit_code = (int)json_int_or(o, "exit_code", 0),
		.oom_killed = json_bool_or(o, "oom_killed", false),
		.error = dup_in(o, "error"),
		.restart_count = (int)json_int_or(o, "restart_count", 0),
		.network = dup_in(o, "network"),
		.restart_policy = dup_in(o, "restart_policy"),
		.health = dup_in(o, "health"),
		.is_stopped = true,
	};
	strncpy(r->id, t->id, sizeof(r->id) - 1);
	r->state = xstrdup(r->started_ns ? "exited" : "created");
	if (!r->started_ns)
		r->finished_ns = 0;
	if (!r->config)
		r->config = xstrdup("{}");
	if (!r->driver)
		r->driver = xstrdup("overlay");
}

static bool is_nameless(const char *volume) { return strlen(volume) == 64 && is_hex(volume, 64); }

/* Those without a name are made again where they are gone. */
static int make_nameless(struct store *s, const struct trash_row *t, struct err *e)
{
	auto_strv names = STRV_INIT;
	if (strcmp(t->kind, keep_is_container) != 0)
		return 0;
	auto_json o = json_parse(t->content, strlen(t->content), "a row of the trash", e);
	if (!o)
		return -e->code;
	json_to_strv(json_object_get(o, "volumes"), &names);
	for (size_t i = 0; i < names.n; i++) {
		int r = is_nameless(names.v[i]) ? volume_row_exists(s->db, names.v[i], e) : 1;
		if (r == 0 && (r = volume_create_nameless(s, names.v[i], e)) == 0)
			log_warn("a nameless volume of the container was removed with it: it has a "
				 "new, empty one");
		if (r < 0)
			return r;
	}
	return 0;
}

static int find_volumes(struct store *s, const struct strv *names, char **missing, struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		int r = volume_row_exists(s->db, names->v[i], e);
		if (r < 0)
			return r;
		if (r)
			continue;
		*missing = xstrdup(names->v[i]);
		return err_set(e, ENOENT, "its volume %s was removed, too", names->v[i]);
	}
	return 0;
}

static int restore_container(struct store *s, const struct trash_row *t, const json_t *o,
	const char *name, char **missing, struct err *e)
{
	struct container_row row;
	auto_strv volumes = STRV_INIT;
	auto_free char *other = NULL;
	auto_free char *from = xasprintf("undo/%s", t->id);
	auto_free char *to = xasprintf("containers/%s", t->id);
	json_to_strv(json_object_get(o, "volumes"), &volumes);
	int r = find_volumes(s, &volumes, missing, e);
	if (r < 0)
		return r;
	container_of(t, o, name, &row);
	r = container_row_insert(
		s->db, &row, NULL, 0, (const char *const *)volumes.v, volumes.n, &other, e);
	if (r == ROW_CONFLICT)
		r = err_set(e, EEXIST, "the name %s is in use by container %.12s", row.name,
			other ? other : "");
	if (r >= 0)
		r = trash_row_give_container(s->db, t->id, t->id, e);
	container_row_deinit(&row);
	return r < 0 ? r : keep_move(s, from, to, e);
}

/* ---- images ---- */

void keep_add_manifests(const json_t *content, struct strv *paths)
{
	const char *name;
	json_t *digest;
	store_add_blob_path(paths, json_str(content, "manifest_digest"));
	json_object_foreach (json_object_get(content, "manifests"), name, digest)
		store_add_blob_path(paths, json_string_value(digest));
}

/* manifest: NULL = the image's own. A name that leads to the image (it has come again meanwhile)
 * keeps what it leads to. */
static int give_name(
	struct store *s, const char *id, const char *name, const char *manifest, struct err *e)
{
	char *owner = NULL;
	int r = image_row_by_name(s->db, name, &owner, e);
	bool is_other = r == ROW_OK && strcmp(owner, id) != 0;
	free(owner);
	if (r < 0 || (r == ROW_OK && !is_other))
		return r < 0 ? r : 0;
	if (is_other)
		return err_set(e, EEXIST, "the name %s is in use by another image", name);
	r = manifest ? image_manifest_row_add(s->db, id, manifest, e) : 0;
	if (r < 0)
		return r;
	return image_row_set_name(s->db, id, name, strchr(name, '@') != NULL, manifest, e);
}

/* Under another name it has its own manifest; the others go. */
static int restore_image(struct store *s, const char *stage, const struct trash_row *t,
	const json_t *o, const char *name, struct err *e)
{
	auto_strv names = STRV_INIT, paths = STRV_INIT;
	const json_t *manifests = name ? NULL : json_object_get(o, "manifests");
	auto_free char *id = xasprintf("sha256:%s", t->id);
	auto_free char *config = json_text(json_object_get(o, "config"));
	auto_free char *mark = xasprintf("undo/%s", t->id);
	int r = image_row_insert(s->db, id, config, json_str(o, "manifest_digest"),
		json_int_or(o, "size", 0), json_int_or(o, "created", 0), clock_now_ns(), e);
	if (r >= 0)
		r = trash_row_give_image(s->db, t->id, id, e);
	if (name)
		strv_add(&names, name);
	else
		json_to_strv(json_object_get(o, "names"), &names);
	for (size_t i = 0; i < names.n && r >= 0; i++)
		r = give_name(s, id, names.v[i],
			json_string_value(json_object_get(manifests, names.v[i])), e);
	keep_add_manifests(o, &paths);
	if (r >= 0)
		r = intent_write(s, stage, &paths, e);
	return r < 0 ? r : store_trash(s, mark, e);
}

/* ---- volumes ---- */

char *keep_volume_text(const struct volume *v)
{
	auto_json o = json_object();
	json_set_str(o, "driver", v->driver);
	json_set_str(o, "labels", v->labels);
	json_set_str(o, "options", v->options);
	json_set_bool(o, "is_anonymous", v->is_anonymous);
	json_set_bool(o, "needs_copy_up", v->needs_copy_up);
	json_set_int(o, "created", v->created_ns);
	return json_text(o);
}

static int restore_volume(struct store *s, const char *stage, const struct trash_row *t,
	const json_t *o, const char *name, struct err *e)
{
	auto_strv lines = STRV_INIT;
	struct volume v = {
		.name = (char *)(name ? name : t->name),
		.driver = (char *)json_str_or(o, "driver", "local"),
		.labels = (char *)json_str(o, "labels"),
		.options = (char *)json_str(o, "options"),
		.is_anonymous = json_bool_or(o, "is_anonymous", false) && !name,
		.needs_copy_up = json_bool_or(o, "needs_copy_up", false),
		.created_ns = json_int_or(o, "created", 0),
	};
	auto_free char *from = xasprintf("undo/%s", t->id);
	auto_free char *to = xasprintf("volumes/%s", v.name);
	strv_addf(&lines, "keep %s %s", t->id, to);
	int r = volume_row_insert(s->db, &v, e);
	if (r == 0)
		return err_set(e, EEXIST, "there is a volume %s", v.name);
	if (r >= 0)
		r = intent_write(s, stage, &lines, e);
	/* A folder without a row is nobody's (storage/volume.c). */
	if (r >= 0)
		r = store_trash(s, to, e);
	return r < 0 ? r : keep_move(s, from, to, e);
}

/* ---- all of them ---- */

static int restore(struct store *s, const char *stage, const struct trash_row *t, const char *name,
	char **missing, struct err *e)
{
	auto_json o = json_parse(t->content, strlen(t->content), "a row of the trash", e);
	if (!o)
		return -e->code;
	int r = trash_row_exists(s->db, t->id, e);
	if (r <= 0)
		return r < 0 ? r : err_set(e, ENOENT, "it is not in the trash any more");
	if (!strcmp(t->kind, keep_is_container))
		r = restore_container(s, t, o, name, missing, e);
	else if (!strcmp(t->kind, keep_is_image))
		r = restore_image(s, stage, t, o, name, e);
	else
		r = restore_volume(s, stage, t, o, name, e);
	if (r >= 0)
		r = trash_row_delete(s->db, t->id, e);
	return r < 0 ? r : 0;
}

int keep_restore(
	struct store *s, const struct trash_row *t, const char *name, char **missing, struct err *e)
{
	auto_free char *stage = NULL;
	int lock_fd = -1;
	*missing = NULL;
	int r = make_nameless(s, t, e);
	if (r < 0 || (r = store_stage(s, &stage, &lock_fd, e)) < 0)
		return r;
	r = db_begin(s->db, DB_FULL, e);
	if (r == 0) {
		r = restore(s, stage, t, name, missing, e);
		if (r < 0)
			db_rollback(s->db);
		else
			r = db_commit(s->db, e);
	}
	intent_end(s, stage, lock_fd);
	/* Of a container the folder is back in undo/, where the transaction was not to be. */
	if (r < 0 && !strcmp(t->kind, keep_is_container)) {
		struct err ignored;
		struct container_row row = {0};
		auto_free char *there = xasprintf("containers/%s", t->id);
		auto_free char *kept = xasprintf("undo/%s", t->id);
		if (container_row_find(s->db, t->id, &row, &ignored) == ROW_ABSENT)
			(void)keep_move(s, there, kept, &ignored);
		container_row_deinit(&row);
	}
	return r;
}
