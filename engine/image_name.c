#include "engine/image_name.h"

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/event_row.h"
#include "storage/image.h"
#include "storage/image_manifest.h"
#include "storage/store.h"

#include <string.h>

enum { EVENTS_AT_ONCE = 256 };

/* What cannot be removed now is removed by a later command. */
static void purge(struct store *s)
{
	struct err ignored = {0};
	if (s->needs_purge && store_purge(s, enter_remove, &ignored) < 0)
		log_debug("%s", ignored.msg);
}

/* Commits where r >= 0. */
static int conclude(struct store *s, int r, struct err *e)
{
	int committed = r < 0 ? r : db_commit(s->db, e);
	if (r < 0)
		db_rollback(s->db);
	store_settle(s);
	return committed < 0 ? committed : r;
}

int image_name_add(
	struct store *s, const struct image *image, const struct reference *ref, struct err *e)
{
	auto_free char *name = reference_full(ref);
	auto_free char *shown = reference_familiar(ref);
	int r = db_begin(s->db, DB_FULL, e);
	if (r < 0)
		return r;
	r = image_tag(s, image->id, name, image->manifest_digest, e);
	if (r >= 0)
		r = image_set_tagged(s, image->id, e);
	if (r >= 0)
		r = event_image(s, "tag", image->id, shown, image->config, e);
	r = conclude(s, r, e);
	purge(s);
	return r;
}

int image_name_drop(struct store *s, const struct image *image, const char *name, struct err *e)
{
	int r = db_begin(s->db, DB_FULL, e);
	if (r < 0)
		return r;
	r = image_untag(s, name, e);
	if (r == ROW_OK)
		r = event_image(s, "untag", image->id, image->id, image->config, e);
	return conclude(s, r, e);
}

int image_names_settle(struct store *s, struct err *e)
{
	int r = image_manifests_settle(s, e);
	purge(s);
	return r;
}

static void take_name(const struct event_row *row, const char *id, struct strv *names)
{
	struct err ignored;
	if (strcmp(row->type, "image") != 0 || strcmp(row->action, "tag") != 0 ||
		strcmp(row->actor, id) != 0 || !row->attributes)
		return;
	auto_json attributes =
		json_parse(row->attributes, strlen(row->attributes), "event", &ignored);
	const char *name = json_str(attributes, "name");
	if (name && !strv_has(names, name))
		strv_add(names, name);
}

void image_names_past(struct store *s, const char *id, struct strv *names)
{
	struct event_row rows[EVENTS_AT_ONCE];
	struct err e;
	int64_t after = 0;
	int n;
	while ((n = event_row_list(s->db, after, rows, EVENTS_AT_ONCE, &e)) > 0) {
		after = rows[n - 1].id;
		for (int i = 0; i < n; i++) {
			take_name(&rows[i], id, names);
			event_row_deinit(&rows[i]);
		}
	}
	if (n < 0)
		log_debug("%s", e.msg);
}
