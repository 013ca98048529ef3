#include "engine/transfer/member_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/manifest.h"
#include "registry/transport.h"
#include "storage/image.h"

bool member_transport(const json_t *entry, struct transport *out)
{
	const json_t *source = json_object_get(entry, "source");
	*out = (struct transport){.index = -1};
	if (!transport_find(json_str_or(source, "transport", ""), &out->kind))
		return false;
	out->path = xstrdup(json_str_or(source, "path", ""));
	return true;
}

void member_set_transport(json_t *entry, const struct transport *t)
{
	auto_free char *path = path_abs(t->path);
	json_t *source = json_object();
	json_set_str(source, "transport", transport_name(t->kind));
	json_set_str(source, "path", path);
	json_set(entry, "source", source);
}

void member_choose_manifest(const json_t *entry, struct image *image)
{
	const char *added = json_str(entry, "digest");
	for (char **has = image->manifests; added && *has; has++)
		if (!strcmp(*has, added)) {
			free(image->manifest_digest);
			image->manifest_digest = xstrdup(added);
			return;
		}
}

const json_t *member_blob(const json_t *entry, size_t k)
{
	const json_t *doc = json_object_get(entry, "document");
	const json_t *layers = json_object_get(doc, "layers");
	size_t n = json_array_size(layers);
	return k < n ? json_array_get(layers, k) : k == n ? json_object_get(doc, "config") : NULL;
}

static struct push_item item_of(const json_t *descriptor)
{
	return (struct push_item){.digest = (char *)json_str_or(descriptor, "digest", ""),
		.size = json_int_or(descriptor, "size", 0),
		.compression = compression_of_type(json_str_or(descriptor, "mediaType", ""))};
}

/* Made anew, a manifest has of a layer its digest and compression only. */
static int check_plain(const json_t *doc, struct err *e)
{
	const json_t *layers = json_object_get(doc, "layers");
	int r = manifest_check_image(json_str_or(doc, "config/mediaType", ""), e);
	for (size_t k = 0; k < json_array_size(layers) && r == 0; k++) {
		const char *type = json_str_or(json_array_get(layers, k), "mediaType", "");
		if (!layer_type_is_plain(type))
			r = err_set(e, ENOTSUP, "its layer of type %s has no other format", type);
	}
	if (r < 0)
		(void)err_hint(e, "it stays as it is in a registry, or in dir: without --format");
	return r;
}

int member_manifest(
	const json_t *entry, enum manifest_format format, struct push_manifest *out, struct err *e)
{
	const json_t *doc = json_object_get(entry, "document");
	size_t n = json_array_size(json_object_get(doc, "layers"));
	auto_buf bytes = BUF_INIT;
	auto_free char *raw = base64_decode_text(json_str_or(entry, "raw", ""));
	if (!raw || !*raw)
		return err_set(e, EBADMSG, "the list holds no manifest of it");
	buf_puts(&bytes, raw);
	auto_free struct push_item *items = xcalloc(n + 1, sizeof(*items));
	auto_free const struct push_item **layers = xcalloc(n + 1, sizeof(*layers));
	for (size_t k = 0; k <= n; k++) {
		items[k] = item_of(member_blob(entry, k));
		layers[k] = &items[k];
	}
	int r = push_manifest_make(doc, &bytes, json_str_or(entry, "mediaType", ""), format, layers,
		n, &items[n], out, e);
	if (r == 0 && !out->is_own && (r = check_plain(doc, e)) < 0)
		push_manifest_deinit(out);
	return r;
}
