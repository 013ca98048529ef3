#include "engine/transfer/push_manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/transfer/push_items.h"

#define CONFIG_DOCKER "application/vnd.docker.container.image.v1+json"
#define CONFIG_OCI "application/vnd.oci.image.config.v1+json"

void push_manifest_deinit(struct push_manifest *m)
{
	buf_free(&m->bytes);
	free(m->media_type);
	free(m->digest);
	*m = (struct push_manifest){0};
}

bool push_manifest_is_oci(const char *media_type)
{
	return media_type && str_starts(media_type, "application/vnd.oci.");
}

const char *push_manifest_layer_type(enum compression c, bool is_oci)
{
	static const char *const oci[] = {"application/vnd.oci.image.layer.v1.tar",
		"application/vnd.oci.image.layer.v1.tar+gzip",
		"application/vnd.oci.image.layer.v1.tar+zstd"};
	static const char *const docker[] = {"application/vnd.docker.image.rootfs.diff.tar",
		"application/vnd.docker.image.rootfs.diff.tar.gzip", NULL};
	return is_oci ? oci[c] : docker[c];
}

/* The order of keys is the one that each format's own tools write. */
static json_t *descriptor(
	const char *type, const char *digest, int64_t size, bool is_oci, const json_t *annotations)
{
	json_t *d = json_object();
	json_set_str(d, "mediaType", type);
	if (is_oci)
		json_set_str(d, "digest", digest);
	json_set_int(d, "size", size);
	if (!is_oci)
		json_set_str(d, "digest", digest);
	if (is_oci && json_object_size(annotations))
		json_set(d, "annotations", json_incref((json_t *)annotations));
	return d;
}

void push_manifest_write(
	const json_t *doc, bool is_docker, const char *media_type, struct push_manifest *out)
{
	char *text = is_docker ? json_pretty(doc, "   ") : json_text(doc);
	buf_puts(&out->bytes, text);
	free(text);
	out->media_type = xstrdup(media_type);
}

static bool is_as_original(const json_t *original, const struct push_item *const *layers, size_t n)
{
	const json_t *list = json_at(original, "layers");
	if (json_array_size(list) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *digest = json_str(json_array_get(list, i), "digest");
		if (!digest || strcmp(digest, layers[i]->digest) != 0)
			return false;
	}
	return true;
}

static bool has_zstd(const struct push_item *const *layers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (layers[i]->compression == COMPRESSION_ZSTD)
			return true;
	return false;
}

/* What is said of a layer is said of its new form, too, but for where in the bytes of the old one its
 * table of contents is. New reference; may be NULL. */
static json_t *layer_notes(const json_t *before, const char *digest)
{
	static const char *const of_bytes[] = {"io.github.containers.zstd-chunked.",
		"io.containers.zstd-chunked.", "io.containers.estargz.",
		"containerd.io/snapshot/stargz/"};
	json_t *notes = json_copy(json_at(before, "annotations")), *value;
	const char *key;
	void *next;
	if (!notes || !strcmp(json_str_or(before, "digest", ""), digest))
		return notes;
	json_object_foreach_safe(notes, next, key, value)
		for (size_t i = 0; i < ARRAY_LEN(of_bytes); i++)
			if (str_starts(key, of_bytes[i])) {
				json_object_del(notes, key);
				break;
			}
	return notes;
}

static int make(const json_t *original, bool is_oci, const struct push_item *const *layers,
	size_t n, const struct push_item *config, struct push_manifest *out)
{
	auto_json doc = json_object();
	json_t *list = json_array();
	const char *type = is_oci ? MANIFEST_OCI : MANIFEST_DOCKER;
	for (size_t i = 0; i < n; i++) {
		const json_t *before = json_array_get(json_at(original, "layers"), i);
		auto_json notes = layer_notes(before, layers[i]->digest);
		json_array_append_new(
			list, descriptor(push_manifest_layer_type(layers[i]->compression, is_oci),
				      layers[i]->digest, layers[i]->size, is_oci,
				      notes));
	}
	json_set_int(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", type);
	json_set(doc, "config",
		descriptor(is_oci ? CONFIG_OCI : CONFIG_DOCKER, config->digest, config->size,
			is_oci, NULL));
	json_set(doc, "layers", list);
	static const char *const kept[] = {"subject", "annotations"};
	for (size_t i = 0; i < ARRAY_LEN(kept) && is_oci; i++)
		if (json_at(original, kept[i]))
			json_set(doc, kept[i], json_incref(json_at(original, kept[i])));
	push_manifest_write(doc, !is_oci, type, out);
	return 0;
}

int push_manifest_make(const json_t *original, const struct buf *original_bytes,
	const char *original_type, enum manifest_format format,
	const struct push_item *const *layers, size_t n, const struct push_item *config,
	struct push_manifest *out, struct err *e)
{
	*out = (struct push_manifest){0};
	bool was_oci = original && push_manifest_is_oci(original_type);
	bool zstd = has_zstd(layers, n);
	if (format == FORMAT_DOCKER && zstd)
		return err_set(
			e, EINVAL, "layers compressed with zstd need the OCI format: --format oci");
	bool is_oci = format == FORMAT_OCI || (format == FORMAT_AS_IS && (was_oci || zstd));
	if (original && is_oci == was_oci && is_as_original(original, layers, n)) {
		buf_add(&out->bytes, original_bytes->data, original_bytes->len);
		out->media_type = xstrdup(original_type);
		out->is_own = true;
		return 0;
	}
	return make(original, is_oci, layers, n, config, out);
}
