#include "engine/image_name.h"

#include "base/err.h"
#include "base/scope.h"
#include "engine/event.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/image.h"
#include "storage/store.h"

/* Commits where r >= 0. */
static int conclude(struct store *s, int r, struct err *e)
{
	if (r < 0) {
		db_rollback(s->db);
		return r;
	}
	int committed = db_commit(s->db, e);
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
	r = image_tag(s, image->id, name, e);
	if (r >= 0)
		r = image_set_tagged(s, image->id, e);
	if (r >= 0)
		r = event_image(s, "tag", image->id, shown, image->config, e);
	return conclude(s, r, e);
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
