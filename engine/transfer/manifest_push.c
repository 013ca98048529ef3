#include "engine/transfer/manifest_push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/manifest_list.h"
#include "engine/transfer/push_internal.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

static bool has_item(const struct push *p, const char *digest)
{
	for (size_t k = 0; k < p->items.n; k++)
		if (!strcmp(p->items.v[k].forms[0].digest, digest))
			return true;
	return false;
}

/* The blobs of a member that only a registry has. */
static void add_remote_items(struct push *p, const json_t *entry)
{
	const json_t *doc = json_object_get(entry, "document");
	const json_t *layers = json_object_get(doc, "layers");
	for (size_t k = 0; k <= json_array_size(layers); k++) {
		const json_t *d = k < json_array_size(layers) ? json_array_get(layers, k)
							      : json_object_get(doc, "config");
		if (has_item(p, json_str_or(d, "digest", "")))
			continue;
		struct push_item *i = push_items_add(&p->items);
		push_item_add_form(i, json_str_or(d, "digest", ""), json_int_or(d, "size", 0),
			json_str_or(d, "mediaType", ""), NULL);
		strv_add(&i->repositories, json_str_or(entry, "repository", ""));
	}
}

static int push_remote(struct push *p, const json_t *entry, struct err *e)
{
	struct push_compression wanted = p->items.compression;
	/* What is not ours is sent as it is. */
	p->items.compression = (struct push_compression){0};
	add_remote_items(p, entry);
	int r = push_items_run(&p->items, e);
	push_items_clear(&p->items);
	p->items.compression = wanted;
	if (r < 0)
		return r;
	auto_push_manifest m = {.media_type = xstrdup(json_str_or(entry, "mediaType", ""))};
	auto_free char *raw = base64_decode_text(json_str_or(entry, "raw", ""));
	if (!raw)
		return err_set(e, EBADMSG, "the list holds no manifest of %s",
			json_str_or(entry, "ref", ""));
	buf_puts(&m.bytes, raw);
	auto_free char *ref =
		xasprintf("%s/%s@%s", p->domain, p->path, json_str_or(entry, "digest", ""));
	return push_put(p, ref, &m, e);
}

static int push_local(struct push *p, const struct image *image, json_t *entry, struct err *e)
{
	struct reference to = {.domain = p->domain, .path = p->path};
	auto_push_manifest m = {0};
	const char *manifest = image->manifest_digest, *added = json_str(entry, "digest");
	for (char **has = image->manifests; added && *has; has++)
		if (!strcmp(*has, added))
			manifest = added;
	int r = push_image(p, image, manifest, &to, &m, e);
	if (r < 0)
		return r;
	json_set_str(entry, "mediaType", m.media_type);
	json_set_str(entry, "digest", m.digest);
	json_set_int(entry, "size", (int64_t)m.bytes.len);
	return 0;
}

static int push_member(struct push *p, json_t *entry, struct strv *lines, struct err *e)
{
	struct image image = {0};
	const char *id = json_str(entry, "image");
	int r = id ? image_find(p->store, id, NULL, &image, e) : ROW_ABSENT;
	if (r == ROW_OK)
		r = push_local(p, &image, entry, e);
	else if (r >= 0)
		r = push_remote(p, entry, e);
	image_deinit(&image);
	if (r < 0)
		return err_ctx(e, "%s", json_str_or(entry, "ref", ""));
	const char *digest = json_str_or(entry, "digest", "");
	strv_addf(lines, "Pushed ref %s/%s@%s with digest: %s", p->domain, p->path, digest, digest);
	return 0;
}

static int put_list(struct push *p, const struct manifest_list *l, const struct reference *to,
	char **digest, struct err *e)
{
	enum manifest_format f = p->options->format;
	auto_push_manifest m = {0};
	const char *type;
	auto_json doc = manifest_list_index(l,
		f == FORMAT_OCI      ? INDEX_OCI
		: f == FORMAT_DOCKER ? INDEX_DOCKER
				     : NULL,
		&type);
	auto_free char *ref = reference_full(to);
	push_manifest_write(doc, true, type, &m);
	int r = push_manifest_digest(p, &m, e);
	if (r == 0)
		r = push_put(p, ref, &m, e);
	if (r == 0)
		*digest = take_ptr(m.digest);
	return r;
}

int manifest_push(struct store *s, struct manifest_list *l, const struct reference *to,
	const struct manifest_push_options *o, struct strv *lines, char **digest, struct err *e)
{
	auto_strv repositories = STRV_INIT;
	struct push p;
	size_t i;
	json_t *entry;
	*digest = NULL;
	json_array_foreach (manifest_list_entries(l), i, entry) {
		const char *name = json_str_or(entry, "repository", "");
		if (!strv_has(&repositories, name))
			strv_add(&repositories, name);
	}
	int r = push_open(&p, s, to, o->push, &repositories, e);
	json_array_foreach (manifest_list_entries(l), i, entry) {
		if (r == 0 && !o->list_only)
			r = push_member(&p, entry, lines, e);
	}
	if (r == 0)
		r = put_list(&p, l, to, digest, e);
	push_close(&p);
	return r;
}
