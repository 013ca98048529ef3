#include "engine/idmap.h"
#include "base/err.h"
#include "base/scope.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void id_ranges_deinit(struct id_ranges *r)
{
	free(r->v);
	*r = (struct id_ranges){0};
}

static void add(struct id_ranges *r, uint32_t inside, uint32_t outside, uint32_t count)
{
	if (!count)
		return;
	r->v = xrealloc(r->v, (r->n + 1) * sizeof(*r->v));
	r->v[r->n++] = (struct id_range){inside, outside, count};
}

/* ---- --userns ---- */

void idmap_mode_deinit(struct idmap_mode *m)
{
	strv_free(&m->uid_extra);
	strv_free(&m->gid_extra);
	*m = (struct idmap_mode){0};
}

/* Podman's words are those of Go's parser. */
static int parse_id(const char *text, uint32_t *out, struct err *e)
{
	if (parse_u32(text, out) && *out < UINT32_MAX)
		return 0;
	bool is_number = *text && !text[strspn(text, "0123456789")];
	return err_set(e, EINVAL, "strconv.ParseUint: parsing \"%s\": %s", text,
		is_number ? "value out of range" : "invalid syntax");
}

static int parse_option(struct idmap_mode *m, const char *option, struct err *e)
{
	const char *v;
	bool is_keep = m->kind == IDMAP_KEEP_ID, is_auto = m->kind == IDMAP_AUTO;
	if (is_keep && (v = str_after(option, "uid="))) {
		m->has_uid = true;
		return parse_id(v, &m->uid, e);
	}
	if (is_keep && (v = str_after(option, "gid="))) {
		m->has_gid = true;
		return parse_id(v, &m->gid, e);
	}
	if ((v = str_after(option, "size=")))
		return parse_id(v, &m->size, e);
	if (is_auto && (v = str_after(option, "uidmapping="))) {
		strv_add(&m->uid_extra, v);
		return 0;
	}
	if (is_auto && (v = str_after(option, "gidmapping="))) {
		strv_add(&m->gid_extra, v);
		return 0;
	}
	return err_set(
		e, EINVAL, "unknown option specified: \"%.*s\"", (int)strcspn(option, "="), option);
}

static int parse_options(struct idmap_mode *m, const char *text, struct err *e)
{
	auto_strv options = STRV_INIT;
	int r = 0;
	strv_split(&options, text, ',');
	for (size_t i = 0; *text && r == 0 && i < options.n; i++)
		r = parse_option(m, options.v[i], e);
	return r;
}

static const char *mode_options(const char *text, const char *name)
{
	const char *rest = str_after(text, name);
	if (rest && !*rest)
		return rest;
	return rest && *rest == ':' ? rest + 1 : NULL;
}

int idmap_mode_parse(const char *text, struct idmap_mode *m, struct err *e)
{
	const char *options;
	*m = (struct idmap_mode){0};
	if (str_empty(text) || strcmp(text, "host") == 0)
		return 0;
	if (strcmp(text, "nomap") == 0) {
		m->kind = IDMAP_NOMAP;
		return 0;
	}
	if ((options = mode_options(text, "keep-id"))) {
		m->kind = IDMAP_KEEP_ID;
		return parse_options(m, options, e);
	}
	if ((options = mode_options(text, "auto"))) {
		m->kind = IDMAP_AUTO;
		return parse_options(m, options, e);
	}
	if (strcmp(text, "private") == 0)
		return err_set(e, EINVAL,
			"must provide at least one UID or GID mapping to "
			"configure a user namespace");
	if (str_starts(text, "ns:") || str_starts(text, "container:"))
		return err_set(e, ENOTSUP,
			"--userns %s is not supported: give both containers the same --uidmap",
			text);
	err_set(e, EINVAL, "--userns: invalid USER mode");
	return err_status(e, 125);
}

/* ---- whole maps ---- */

void idmap_keep(uint32_t total, uint32_t id, uint32_t size, struct id_ranges *out)
{
	uint32_t n = size && size < total ? size : total;
	uint32_t below = id < n - 1 ? id : n - 1;
	add(out, 0, 1, below);
	add(out, id, 0, 1);
	if (n - 1 > id)
		add(out, id + 1, id + 1, n - 1 - id);
}

void idmap_nomap(uint32_t total, struct id_ranges *out) { add(out, 0, 1, total - 1); }

static int by_inside(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;
	return (x->inside > y->inside) - (x->inside < y->inside);
}

static int by_outside(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;
	return (x->outside > y->outside) - (x->outside < y->outside);
}

static struct id_ranges sorted(const struct id_ranges *r, int (*order)(const void *, const void *))
{
	struct id_ranges copy = {0};
	for (size_t i = 0; i < r->n; i++)
		add(&copy, r->v[i].inside, r->v[i].outside, r->v[i].count);
	if (copy.n)
		qsort(copy.v, copy.n, sizeof(*copy.v), order);
	return copy;
}

/* What is left of 0..total-1, on one side, in order: ranges of {first, first, count}. */
static struct id_ranges gaps(const struct id_ranges *r, bool inside, uint32_t total)
{
	struct id_ranges in_order = sorted(r, inside ? by_inside : by_outside), left = {0};
	uint32_t next = 0;
	for (size_t i = 0; i < in_order.n && next < total; i++) {
		uint32_t first = inside ? in_order.v[i].inside : in_order.v[i].outside;
		uint32_t stop = first < total ? first : total;
		if (stop > next)
			add(&left, next, next, stop - next);
		if (first + in_order.v[i].count > next)
			next = first + in_order.v[i].count;
	}
	if (next < total)
		add(&left, next, next, total - next);
	id_ranges_deinit(&in_order);
	return left;
}

void idmap_auto(uint32_t size, uint32_t start, const struct id_ranges *extra, struct id_ranges *out)
{
	struct id_ranges left = gaps(extra, true, size);
	for (size_t i = 0; i < left.n; i++) {
		add(out, left.v[i].inside, start, left.v[i].count);
		start += left.v[i].count;
	}
	for (size_t i = 0; i < extra->n; i++)
		add(out, extra->v[i].inside, extra->v[i].outside, extra->v[i].count);
	id_ranges_deinit(&left);
}

/* Ids that are not named on either side are mapped to each other in order. */
static void fill(struct id_ranges *r, uint32_t total)
{
	struct id_ranges in = gaps(r, true, total), out = gaps(r, false, total);
	size_t i = 0, k = 0;
	while (i < in.n && k < out.n) {
		struct id_range *a = &in.v[i], *b = &out.v[k];
		uint32_t n = a->count < b->count ? a->count : b->count;
		add(r, a->inside, b->outside, n);
		a->inside += n;
		b->outside += n;
		i += (a->count -= n) == 0;
		k += (b->count -= n) == 0;
	}
	id_ranges_deinit(&in);
	id_ranges_deinit(&out);
}

/* ---- --uidmap and --gidmap ---- */

struct entry {
	bool extends, for_uids, for_gids;
	struct id_range range;
};

static int malformed(bool is_gids, const char *syntax, const char *text, struct err *e)
{
	return err_set(e, EINVAL,
		"initializing ID mappings: %s setting is malformed expected [\"%s\"] : [\"%s\"]",
		is_gids ? "GID" : "UID", syntax, text);
}

/* An id of the machine as one of the shared namespace. */
static int own_id(uint32_t id, bool is_gids, const struct id_range *own, size_t n, uint32_t *out,
	struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (id >= own[i].outside && id - own[i].outside < own[i].count) {
			*out = own[i].inside + (id - own[i].outside);
			return 0;
		}
	return err_set(
		e, EINVAL, "parent ID %s %u is not mapped/delegated", is_gids ? "GID" : "UID", id);
}

static int parse_flags(struct entry *x, const char **text, bool is_gids, struct err *e)
{
	const char *p = *text;
	for (; *p && !isdigit((unsigned char)*p) && *p != ':'; p++) {
		if (*p == '+')
			x->extends = true;
		else if (*p == 'u')
			x->for_uids = true;
		else if (*p == 'g')
			x->for_gids = true;
		else
			return err_set(
				e, EINVAL, "invalid mapping: %s. Unknown flag %d", *text, *p);
	}
	(void)is_gids;
	*text = p;
	return 0;
}

static int parse_entry(struct entry *x, const char *text, bool is_gids, bool with_flags,
	const struct id_range *own, size_t n_own, struct err *e)
{
	const char *syntax =
		with_flags ? "[+ug]uint32:[@]uint32[:uint32]" : "uint32:[@]uint32[:uint32]";
	const char *at = text;
	auto_strv parts = STRV_INIT;
	*x = (struct entry){.range.count = 1};
	int r = with_flags ? parse_flags(x, &at, is_gids, e) : 0;
	if (r < 0)
		return r;
	strv_split(&parts, at, ':');
	if (parts.n < 2 || parts.n > 3)
		return malformed(is_gids, syntax, text, e);
	bool is_machines = parts.v[1][0] == '@';
	if (!parse_u32(parts.v[0], &x->range.inside) ||
		!parse_u32(parts.v[1] + is_machines, &x->range.outside) ||
		(parts.n == 3 && !parse_u32(parts.v[2], &x->range.count)) ||
		x->range.inside > UINT32_MAX - x->range.count ||
		x->range.outside > UINT32_MAX - x->range.count)
		return malformed(is_gids, syntax, text, e);
	if (!is_machines)
		return 0;
	return own_id(x->range.outside, is_gids, own, n_own, &x->range.outside, e);
}

/* The entries of one list that are for the wanted kind of ids. */
static int take_list(const struct strv *list, bool is_gids, bool is_only, bool for_gids,
	const struct id_range *own, size_t n_own, struct id_ranges *out, bool *extends, bool *any,
	struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		struct entry x;
		int r = parse_entry(&x, list->v[i], is_gids, true, own, n_own, e);
		if (r < 0)
			return r;
		if (!x.for_uids && !x.for_gids) {
			x.for_uids = !is_gids || is_only;
			x.for_gids = is_gids || is_only;
		}
		if (for_gids ? !x.for_gids : !x.for_uids)
			continue;
		add(out, x.range.inside, x.range.outside, x.range.count);
		*extends |= x.extends;
		*any = true;
	}
	return 0;
}

static uint32_t total_of(const struct id_range *own, size_t n)
{
	return n ? own[n - 1].inside + own[n - 1].count : 0;
}

int idmap_parse(const struct idmap_lists *l, bool for_gids, const struct id_range *own,
	size_t n_own, struct id_ranges *out, struct err *e)
{
	bool extends = false, any = false;
	int r = take_list(
		l->uids, false, !l->gids->n, for_gids, own, n_own, out, &extends, &any, e);
	if (r == 0)
		r = take_list(
			l->gids, true, !l->uids->n, for_gids, own, n_own, out, &extends, &any, e);
	if (r < 0)
		return r;
	if (any && !out->n)
		return err_set(e, EINVAL,
			"must provide at least one UID or GID mapping to "
			"configure a user namespace");
	if (!any || extends)
		fill(out, total_of(own, n_own));
	return 0;
}

int idmap_parse_extra(const struct strv *list, bool for_gids, const struct id_range *own,
	size_t n_own, struct id_ranges *out, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		struct entry x;
		int r = parse_entry(&x, list->v[i], for_gids, false, own, n_own, e);
		if (r < 0)
			return r;
		add(out, x.range.inside, x.range.outside, x.range.count);
	}
	return 0;
}

/* ---- the result ---- */

static bool overlaps(const struct id_range *a, const struct id_range *b)
{
	return (a->inside < b->inside + b->count && b->inside < a->inside + a->count) ||
	       (a->outside < b->outside + b->count && b->outside < a->outside + a->count);
}

int idmap_check(const struct id_ranges *r, bool is_gids, const struct id_range *own, size_t n_own,
	struct err *e)
{
	auto_free struct id_range *split = NULL;
	size_t n_split;
	bool has_root = false;
	for (size_t i = 0; i < r->n; i++) {
		const struct id_range *x = &r->v[i];
		has_root |= x->inside == 0;
		for (size_t k = 0; k < i; k++)
			if (overlaps(x, &r->v[k]))
				return err_set(e, EINVAL,
					"the specified UID and/or GID mapping %u:%u:%u conflicts "
					"with other mappings: invalid mappings specified",
					x->inside, x->outside, x->count);
	}
	int rc = userns_ranges_split(r->v, r->n, own, n_own, &split, &n_split, e);
	if (rc < 0) {
		(void)err_ctx(
			e, "potentially insufficient UIDs or GIDs available in user namespace");
		return err_hint(e,
			"the user has %u ids: more of them are a matter of /etc/subuid "
			"and /etc/subgid (as root: usermod --add-subuids)",
			total_of(own, n_own));
	}
	if (has_root)
		return 0;
	return err_set(e, EINVAL, "container uses ID mappings, but doesn't map %s 0",
		is_gids ? "GID" : "UID");
}
