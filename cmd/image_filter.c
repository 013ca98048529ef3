#include "cmd/image_filter.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/gomatch.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/filter.h"
#include "cmd/image_names.h"
#include "registry/reference.h"
#include "storage/image.h"

static const char known[] = "after before containers dangling digest digest! id id! intermediate "
			    "label label! manifest readonly reference reference! since until";

static int parse_containers(
	const struct strv *given, bool *has, bool *containers, bool *external, struct err *e)
{
	auto_strv others = STRV_INIT;
	for (size_t i = 0; i < given->n; i++) {
		const char *v = filter_value(given->v[i], "containers");
		if (v && !strcmp(v, "external"))
			*external = true;
		else if (v)
			strv_add(&others, given->v[i]);
	}
	return filter_bool(&others, "containers", has, containers, e);
}

static int parse_bools(const struct strv *g, struct image_filter *f, struct err *e)
{
	bool external = false;
	int r;
	if ((r = filter_bool(g, "dangling", &f->has_dangling, &f->dangling, e)) < 0 ||
		(r = filter_bool(g, "intermediate", &f->has_intermediate, &f->intermediate, e)) <
			0 ||
		(r = filter_bool(g, "manifest", &f->has_manifest, &f->manifest, e)) < 0 ||
		(r = filter_bool(g, "readonly", &f->has_readonly, &f->readonly, e)) < 0 ||
		(r = parse_containers(g, &f->has_containers, &f->containers, &external, e)) < 0)
		return r;
	if (!external)
		return 0;
	/* Containers of other tools on the same store: there are none. */
	err_set(e, ENOTSUP,
		"filter containers=external: no other tool keeps containers in a store "
		"of moss");
	return err_status(e, 125);
}

/* The time of the image that a filter names. */
static int time_of(struct store *s, const char *name, int64_t *ns, struct err *e)
{
	struct image image = {0};
	int r = image_named(s, name, &image, e);
	*ns = image.created_ns;
	image_deinit(&image);
	return r;
}

static void narrow_before(struct image_filter *f, int64_t ns)
{
	if (!f->has_before || ns < f->before_ns)
		f->before_ns = ns;
	f->has_before = true;
}

static void narrow_since(struct image_filter *f, int64_t ns)
{
	if (!f->has_since || ns > f->since_ns)
		f->since_ns = ns;
	f->has_since = true;
}

static int parse_one(struct store *s, const char *text, struct image_filter *f, struct err *e)
{
	const char *v;
	int64_t ns;
	int r = 0;
	if ((v = filter_value(text, "reference")) || filter_value(text, "reference!")) {
		f->has_reference |= v != NULL;
		v = strchr(text, '=') + 1;
		return gomatch_valid(v) ? 0 : err_set(e, EINVAL, "syntax error in pattern");
	}
	if ((v = filter_value(text, "until"))) {
		if ((r = filter_time(v, &ns, e)) == 0)
			narrow_before(f, ns);
	} else if ((v = filter_value(text, "before"))) {
		if ((r = time_of(s, v, &ns, e)) == 0)
			narrow_before(f, ns);
	} else if ((v = filter_value(text, "since")) || (v = filter_value(text, "after"))) {
		if ((r = time_of(s, v, &ns, e)) == 0)
			narrow_since(f, ns);
	}
	return r;
}

int image_filter_parse(
	struct store *s, const struct strv *given, struct image_filter *f, struct err *e)
{
	*f = (struct image_filter){.given = given};
	int r = filter_check(given, known, e);
	if (r == 0)
		r = parse_bools(given, f, e);
	for (size_t i = 0; i < given->n && r >= 0; i++)
		r = parse_one(s, given->v[i], f, e);
	return r;
}

static bool begins_id(const char *id, const char *typed)
{
	const char *hex = str_after(id, "sha256:");
	return str_starts(id, typed) || (hex && str_starts(hex, typed));
}

static bool has_digest(const struct image *i, const char *typed)
{
	for (char **m = i->manifests; *m; m++)
		if (str_starts(*m, typed))
			return true;
	for (char **d = i->digests; *d; d++) {
		const char *at = strchr(*d, '@');
		if (at && str_starts(at + 1, typed))
			return true;
	}
	return false;
}

/* Several of a key: one of them must match; of a negated key: none may. */
static bool matches_ids(const struct image_filter *f, const struct image *i)
{
	bool wants_id = false, wants_digest = false, is_id = false, is_digest = false;
	for (size_t k = 0; k < f->given->n; k++) {
		const char *text = f->given->v[k], *v;
		if ((v = filter_value(text, "id"))) {
			wants_id = true;
			is_id |= begins_id(i->id, v);
		} else if ((v = filter_value(text, "digest"))) {
			wants_digest = true;
			is_digest |= has_digest(i, v);
		} else if (((v = filter_value(text, "id!")) && begins_id(i->id, v)) ||
			   ((v = filter_value(text, "digest!")) && has_digest(i, v))) {
			return false;
		}
	}
	return (!wants_id || is_id) && (!wants_digest || is_digest);
}

static bool matches_labels(const struct image_filter *f, const struct image *i)
{
	bool asks = false;
	for (size_t k = 0; k < f->given->n; k++)
		asks |= filter_value(f->given->v[k], "label") ||
			filter_value(f->given->v[k], "label!");
	if (!asks)
		return true;
	struct err ignored;
	auto_json config = json_parse(i->config, strlen(i->config), "image config", &ignored);
	return filter_labels(f->given, json_at(config, "config/Labels"));
}

bool image_filter_match(
	const struct image_filter *f, const struct image *i, const struct image *list, size_t n)
{
	bool has_name = i->names[0] || i->digests[0];
	if (!has_name && ((f->has_dangling && !f->dangling) || f->has_reference))
		return false;
	if (f->has_dangling && f->dangling &&
		(i->names[0] || (!has_name && image_has_children(list, n, i->id))))
		return false;
	if (f->has_intermediate &&
		f->intermediate != (!has_name && image_has_children(list, n, i->id)))
		return false;
	/* Lists of manifests are no images here, and no store of images is only read. */
	if ((f->has_manifest && f->manifest) || (f->has_readonly && f->readonly))
		return false;
	if (f->has_containers && f->containers != (i->n_containers > 0))
		return false;
	if ((f->has_before && i->created_ns >= f->before_ns) ||
		(f->has_since && i->created_ns <= f->since_ns))
		return false;
	return matches_ids(f, i) && matches_labels(f, i);
}

/* A pattern is for the name as it is shown, with or without its tag. */
static bool name_matches(const char *pattern, const char *shown, const char *bare)
{
	return gomatch(pattern, shown) || gomatch(pattern, bare);
}

bool image_filter_name(const struct image_filter *f, const char *full)
{
	bool found = !f->has_reference;
	struct err ignored = {0};
	auto_reference ref = {0};
	if (reference_parse(full, false, &ref, &ignored) < 0)
		return found;
	auto_free char *shown = reference_familiar(&ref), *bare = reference_familiar_name(&ref);
	for (size_t k = 0; k < f->given->n; k++) {
		const char *v = filter_value(f->given->v[k], "reference");
		const char *not_v = filter_value(f->given->v[k], "reference!");
		if (not_v && name_matches(not_v, shown, bare))
			return false;
		found |= v && name_matches(v, shown, bare);
	}
	return found;
}
