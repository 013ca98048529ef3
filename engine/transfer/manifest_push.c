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
#include "engine/transfer/member_source.h"
#include "engine/transfer/push_internal.h"
#include "engine/transfer/transport_blobs.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

static bool has_item(const struct push *p, const char *digest)
{
	for (size_t k = 0; k < p->items.n; k++)
		if (!strcmp(p->items.v[k].forms[0].digest, digest))
			return true;
	return false;
}

/* The blobs of a member that is not in the store. */
static void add_items(struct push *p, const json_t *entry)
{
	const json_t *d;
	for (size_t k = 0; (d = member_blob(entry, k)); k++) {
		if (has_item(p, json_str_or(d, "digest", "")))
			continue;
		struct push_item *i = push_items_add(&p->items);
		push_item_add_form(i, json_str_or(d, "digest", ""), json_int_or(d, "size", 0),
			json_str_or(d, "mediaType", ""), NULL);
		if (json_str(entry, "repository"))
			strv_add(&i->repositories, json_str(entry, "repository"));
	}
}

static int open_blobs(
	struct push *p, struct transport_stage *st, const struct transport *t, struct err *e)
{
	size_t n = p->items.n;
	auto_free struct transport_blob *want = xcalloc(n + 1, sizeof(*want));
	for (size_t k = 0; k < n; k++)
		want[k] = (struct transport_blob){.digest = p->items.v[k].forms[0].digest,
			.size = p->items.v[k].forms[0].size};
	if (n > TRANSPORT_BLOBS_MAX)
		return err_set(e, EFBIG, "an image of %zu blobs", n);
	int r = transport_blobs(st, t, want, n, e);
	for (size_t k = 0; k < n && r == 0; k++) {
		p->items.v[k].file = transport_blob_open(st, k, e);
		r = p->items.v[k].file < 0 ? -e->code : 0;
	}
	return r;
}

/* Sent from files, which no name leads to when that is done. */
static int push_transport_blobs(struct push *p, const struct transport *t, struct err *e)
{
	struct transport_stage stage;
	int r = transport_stage_open(p->store, &stage, e);
	if (r == 0)
		r = open_blobs(p, &stage, t, e);
	if (r == 0)
		r = push_items_run(&p->items, e);
	transport_stage_close(&stage);
	return r;
}

static int push_blobs(struct push *p, const json_t *entry, struct err *e)
{
	auto_transport t;
	bool is_transport = member_transport(entry, &t);
	add_items(p, entry);
	return is_transport ? push_transport_blobs(p, &t, e) : push_items_run(&p->items, e);
}

static int push_remote(struct push *p, const json_t *entry, struct err *e)
{
	struct push_compression wanted = p->items.compression;
	/* What is not ours is sent as it is. */
	p->items.compression = (struct push_compression){0};
	int r = push_blobs(p, entry, e);
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

static int push_local(struct push *p, struct image *image, json_t *entry, struct err *e)
{
	struct reference to = {.domain = p->domain, .path = p->path};
	auto_push_manifest m = {0};
	member_choose_manifest(entry, image);
	int r = push_image(p, image, image->manifest_digest, &to, &m, e);
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
		const char *name = json_str(entry, "repository");
		if (name && !strv_has(&repositories, name))
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
