#include "engine/transfer/unpack_select.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/manifest.h"
#include "registry/reference.h"

enum { HINT_NAMES_MAX = 8 };

#define REF_NAME "org.opencontainers.image.ref.name"
/* What containerd and Docker call an image, whole: their ref.name is the tag alone. */
#define IMAGE_NAME "io.containerd.image.name"

void selection_read(const json_t *job, struct selection *out)
{
	const json_t *j = json_object_get(job, "select");
	const char *name = json_str_or(j, "transport", "");
	*out = (struct selection){.index = json_int_or(j, "index", -1), .ref = json_str(j, "ref")};
	out->is_one = transport_find(name, &out->kind);
}

static const char *annotation(const json_t *entry, const char *key)
{
	return json_string_value(json_object_get(json_object_get(entry, "annotations"), key));
}

static bool same_name(const char *a, const char *b)
{
	auto_reference x = {0}, y = {0};
	struct err ignored;
	if (reference_parse(a, true, &x, &ignored) < 0 ||
		reference_parse(b, true, &y, &ignored) < 0)
		return false;
	auto_free char *full = reference_full(&x);
	auto_free char *other = reference_full(&y);
	return !strcmp(full, other);
}

/* ---- errors that say what there is ---- */

static void add_found(struct strv *found, const char *name)
{
	if (name && found->n <= HINT_NAMES_MAX && !strv_has(found, name))
		strv_add(found, name);
}

/* "there are a, b, ..." */
static int hint_found(struct strv *found, struct err *e)
{
	if (!found->n)
		return err_hint(e, "its images have no names: choose one with :@0, :@1 and so on");
	bool is_cut = found->n > HINT_NAMES_MAX;
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < found->n && i < HINT_NAMES_MAX; i++)
		buf_printf(&text, "%s%.100s", i ? ", " : "", found->v[i]);
	return err_hint(e, "in it: %s%s", text.data, is_cut ? ", ..." : "");
}

static const char *place(const struct selection *s)
{
	return s->kind == TRANSPORT_OCI ? "image layout" : "archive";
}

static int bad_index(const struct selection *s, size_t n, struct err *e)
{
	return err_set(e, ENOENT, "no image @%lld: this %s has %zu, counted from @0",
		(long long)s->index, place(s), n);
}

/* ---- docker-archive ---- */

static bool has_tag(const json_t *entry, const char *full)
{
	size_t i;
	json_t *tag;
	json_array_foreach (json_object_get(entry, "RepoTags"), i, tag)
		if (json_is_string(tag) && same_name(json_string_value(tag), full))
			return true;
	return false;
}

static void found_in_docker(const json_t *list, struct strv *found)
{
	size_t i, k;
	json_t *entry, *tag;
	json_array_foreach ((json_t *)list, i, entry)
		json_array_foreach (json_object_get(entry, "RepoTags"), k, tag)
			add_found(found, json_string_value(tag));
}

int selection_in_docker(const struct selection *s, const json_t *list, size_t *out, struct err *e)
{
	size_t n = json_array_size(list);
	auto_strv found = STRV_INIT;
	if (s->index >= 0) {
		*out = (size_t)s->index;
		return *out < n ? 0 : bad_index(s, n, e);
	}
	for (size_t i = 0; i < n; i++)
		if (s->ref ? has_tag(json_array_get(list, i), s->ref) : n == 1) {
			*out = i;
			return 0;
		}
	found_in_docker(list, &found);
	if (s->ref)
		(void)err_set(e, ENOENT, "no image %s in this archive", s->ref);
	else
		(void)err_set(e, EINVAL, "more than one image in this archive: choose one");
	return n ? hint_found(&found, e) : err_set(e, ENOENT, "no image in this archive");
}

/* ---- image layouts ---- */

/* As the annotation stands there; or, where nobody is called so, another form of the same name. */
static bool is_called(const json_t *entry, const char *ref, bool is_exact)
{
	const char *name = annotation(entry, REF_NAME), *whole = annotation(entry, IMAGE_NAME);
	if (is_exact)
		return name && !strcmp(name, ref);
	return (name && strpbrk(name, ":/") && same_name(name, ref)) ||
	       (whole && same_name(whole, ref));
}

static bool is_same_image(const struct manifest *index, size_t a, size_t b)
{
	return !strcmp(index->entries[a].digest, index->entries[b].digest);
}

/* The first of those that are asked for; *n: how many different images these are. */
static size_t count(const struct selection *s, const struct manifest *index, const json_t *list,
	const bool *wanted, bool is_exact, size_t *n)
{
	size_t first = 0;
	*n = 0;
	for (size_t i = 0; i < index->n_entries; i++) {
		if (!wanted[i] || (s->ref && !is_called(json_array_get(list, i), s->ref, is_exact)))
			continue;
		if (*n && is_same_image(index, first, i))
			continue;
		if (!(*n)++)
			first = i;
	}
	return first;
}

static int find_in_layout(const struct selection *s, const struct manifest *index,
	const json_t *list, const bool *wanted, size_t *out, struct err *e)
{
	size_t n = 0;
	auto_strv found = STRV_INIT;
	*out = count(s, index, list, wanted, true, &n);
	if (!n && s->ref)
		*out = count(s, index, list, wanted, false, &n);
	if (n == 1 || (n && s->ref))
		return 0;
	for (size_t i = 0; i < index->n_entries; i++)
		if (wanted[i])
			add_found(&found, annotation(json_array_get(list, i), REF_NAME));
	if (n)
		(void)err_set(e, EINVAL, "more than one image in this %s: choose one", place(s));
	else if (s->ref)
		(void)err_set(e, ENOENT, "no image \"%s\" in this %s", s->ref, place(s));
	else
		return err_set(e, ENOENT, "no image for this platform in this %s", place(s));
	return hint_found(&found, e);
}

static void add_name(struct strv *names, const char *name)
{
	if (!str_empty(name) && !strv_has(names, name))
		strv_add(names, name);
}

/* A folder's image is called what was typed; an archive's what stands in it. */
static void name_from_layout(const struct selection *s, const struct manifest *index,
	const json_t *list, size_t chosen, struct strv *names)
{
	if (s->kind == TRANSPORT_OCI) {
		add_name(names, s->ref);
		return;
	}
	for (size_t i = 0; i < index->n_entries; i++) {
		const json_t *entry = json_array_get(list, i);
		const char *whole = annotation(entry, IMAGE_NAME);
		bool is_it =
			s->ref || s->index >= 0 ? i == chosen : is_same_image(index, i, chosen);
		if (is_it)
			add_name(names, str_empty(whole) ? annotation(entry, REF_NAME) : whole);
	}
}

int selection_in_layout(const struct selection *s, const struct manifest *index, const json_t *json,
	const bool *wanted, size_t *out, struct strv *image_names, struct err *e)
{
	const json_t *list = json_object_get(json, "manifests");
	if (json_array_size(list) != index->n_entries)
		return err_set(e, EBADMSG, "invalid index.json");
	if (s->index >= 0) {
		*out = (size_t)s->index;
		if (*out >= index->n_entries)
			return bad_index(s, index->n_entries, e);
	} else if (find_in_layout(s, index, list, wanted, out, e) < 0) {
		return -e->code;
	}
	name_from_layout(s, index, list, *out, image_names);
	return 0;
}
