/* The container's ids: --userns, --uidmap, --gidmap, and who it is in /etc/passwd. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/idmap_auto.h"
#include "storage/image.h"
#include "storage/store.h"

static uint32_t total(const struct id_range *r, size_t n)
{
	return r[n - 1].inside + r[n - 1].count;
}

static int check_exclusive(const struct create_request *r, struct err *e)
{
	if (!str_empty(r->userns) && r->uidmap.n + r->gidmap.n)
		return err_set(e, EINVAL,
			"--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually "
			"exclusive");
	return 0;
}

int create_check_userns(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	int rc = check_exclusive(r, e);
	if (rc == 0)
		rc = idmap_mode_parse(r->userns, &p->userns, e);
	p->has_idmap = p->userns.kind != IDMAP_NONE || r->uidmap.n + r->gidmap.n;
	return rc;
}

static int fill_auto(struct store *s, struct create_plan *p, const struct userns_map *own,
	struct id_ranges extra[2], struct id_ranges out[2], struct err *e)
{
	const struct idmap_mode *m = &p->userns;
	uint32_t ids[2] = {total(own->uids, own->n_uids), total(own->gids, own->n_gids)};
	uint32_t size = m->size ? m->size : idmap_image_size(s, p->image, p->user), first;
	struct id_ranges avoid = {0};
	int r = idmap_parse_extra(&m->uid_extra, false, own->uids, own->n_uids, &extra[0], e);
	if (r == 0)
		r = idmap_parse_extra(&m->gid_extra, true, own->gids, own->n_gids, &extra[1], e);
	for (int i = 0; r == 0 && i < 2; i++)
		for (size_t k = 0; k < extra[i].n; k++) {
			avoid.v = xrealloc(avoid.v, (avoid.n + 1) * sizeof(*avoid.v));
			avoid.v[avoid.n++] = extra[i].v[k];
		}
	if (r == 0)
		r = idmap_auto_take(s, p->id, size, ids[0] < ids[1] ? ids[0] : ids[1], avoid.v,
			avoid.n, &first, e);
	for (int i = 0; r == 0 && i < 2; i++)
		idmap_auto(size, first, &extra[i], &out[i]);
	id_ranges_deinit(&avoid);
	return r;
}

static void fill_keep(struct create_plan *p, const struct userns_map *own, struct id_ranges out[2])
{
	const struct idmap_mode *m = &p->userns;
	p->keep_uid = m->has_uid ? m->uid : geteuid();
	p->keep_gid = m->has_gid ? m->gid : getegid();
	idmap_keep(total(own->uids, own->n_uids), p->keep_uid, m->size, &out[0]);
	idmap_keep(total(own->gids, own->n_gids), p->keep_gid, m->size, &out[1]);
	if (!*p->user) {
		free(p->user);
		p->user = xasprintf("%u:%u", p->keep_uid, p->keep_gid);
	}
}

static int fill_maps(
	struct store *s, struct create_plan *p, const struct userns_map *own, struct err *e)
{
	const struct idmap_lists lists = {&p->r->uidmap, &p->r->gidmap};
	struct id_ranges out[2] = {{0}, {0}}, extra[2] = {{0}, {0}};
	int r = 0;
	if (p->userns.kind == IDMAP_KEEP_ID) {
		fill_keep(p, own, out);
	} else if (p->userns.kind == IDMAP_NOMAP) {
		idmap_nomap(total(own->uids, own->n_uids), &out[0]);
		idmap_nomap(total(own->gids, own->n_gids), &out[1]);
	} else if (p->userns.kind == IDMAP_AUTO) {
		r = fill_auto(s, p, own, extra, out, e);
	} else {
		r = idmap_parse(&lists, false, own->uids, own->n_uids, &out[0], e);
		if (r == 0)
			r = idmap_parse(&lists, true, own->gids, own->n_gids, &out[1], e);
	}
	if (r == 0)
		r = idmap_check(&out[0], false, own->uids, own->n_uids, e);
	if (r == 0)
		r = idmap_check(&out[1], true, own->gids, own->n_gids, e);
	p->uid_map = out[0];
	p->gid_map = out[1];
	id_ranges_deinit(&extra[0]);
	id_ranges_deinit(&extra[1]);
	return r;
}

static bool has_id(const struct id_ranges *r, uint32_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (id >= r->v[i].inside && id - r->v[i].inside < r->v[i].count)
			return true;
	return false;
}

/* Of a user that is given by number. */
static int check_user(const struct create_plan *p, struct err *e)
{
	const struct id_ranges *const maps[] = {&p->uid_map, &p->gid_map};
	auto_strv parts = STRV_INIT;
	uint32_t id;
	strv_split(&parts, p->user, ':');
	for (size_t i = 0; i < parts.n && i < 2; i++) {
		if (!parse_u32(parts.v[i], &id) || has_id(maps[i], id))
			continue;
		err_set(e, EINVAL, "container uses ID mappings, but doesn't map %s %u",
			i ? "GID" : "UID", id);
		return err_hint(e, "with --userns=auto give more ids with size=, with --uidmap map "
				   "this one, too");
	}
	return 0;
}

int create_userns(struct store *s, struct create_plan *p, struct err *e)
{
	struct userns_map own;
	if (!p->has_idmap)
		return 0;
	int r = userns_map_load(&own, e);
	if (r == 0)
		r = fill_maps(s, p, &own, e);
	if (r == 0)
		r = check_user(p, e);
	if (r < 0 && own.is_single)
		err_hint(e, "there are no ranges for this user in /etc/subuid and /etc/subgid: as "
			    "root, usermod --add-subuids 100000-165535 --add-subgids "
			    "100000-165535 USER");
	userns_map_deinit(&own);
	return r;
}

json_t *create_id_mappings(const struct id_ranges *r)
{
	json_t *a = json_array();
	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(
			a, json_pack("{s:I, s:I, s:I}", "containerID", (json_int_t)r->v[i].inside,
				   "hostID", (json_int_t)r->v[i].outside, "size",
				   (json_int_t)r->v[i].count));
	return a;
}

json_t *create_id_texts(const struct id_ranges *r)
{
	json_t *a = json_array();
	for (size_t i = 0; i < r->n; i++) {
		auto_free char *text =
			xasprintf("%u:%u:%u", r->v[i].inside, r->v[i].outside, r->v[i].count);
		json_array_append_new(a, json_string(text));
	}
	return a;
}
