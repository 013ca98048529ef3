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

static json_t *descriptor(const struct push_blob *b, bool is_oci)
{
	json_t *d = json_object();
	json_set_str(d, "mediaType", b->media_type);
	if (is_oci)
		json_set_str(d, "digest", b->digest);
	json_set_int(d, "size", b->size);
	if (!is_oci)
		json_set_str(d, "digest", b->digest);
	if (is_oci && json_object_size(b->annotations))
		json_set(d, "annotations", json_incref((json_t *)b->annotations));
	return d;
}

json_t *push_manifest_new(bool is_oci, const char *config_digest, int64_t config_size,
	const struct push_blob *layers, size_t n)
{
	json_t *doc = json_object(), *list = json_array();
	const struct push_blob config = {.media_type = is_oci ? CONFIG_OCI : CONFIG_DOCKER,
		.digest = config_digest,
		.size = config_size};
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, descriptor(&layers[i], is_oci));
	json_set_int(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", is_oci ? MANIFEST_OCI : MANIFEST_DOCKER);
	json_set(doc, "config", descriptor(&config, is_oci));
	json_set(doc, "layers", list);
	return doc;
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

/* Does an annotation say where in the bytes of a compressed layer something is? */
static bool is_of_bytes(const char *key)
{
	static const char *const prefixes[] = {"io.github.containers.zstd-chunked.",
		"io.containers.zstd-chunked.", "io.containers.estargz.",
		"containerd.io/snapshot/stargz/"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(key, prefixes[i]))
			return true;
	return false;
}

/* What was said of a layer is true of its new form, too, but for places in the old one's bytes. New
 * reference; may be NULL. */
static json_t *layer_notes(const json_t *before, const char *digest)
{
	json_t *notes = json_copy(json_at(before, "annotations")), *value;
	const char *key;
	void *next;
	if (!notes || !strcmp(json_str_or(before, "digest", ""), digest))
		return notes;
	json_object_foreach_safe(notes, next, key, value)
	{
		if (is_of_bytes(key))
			json_object_del(notes, key);
	}
	return notes;
}

static void make(const json_t *original, bool is_oci, const struct push_item *const *layers,
	size_t n, const struct push_item *config, struct push_manifest *out)
{
	auto_free struct push_blob *blobs = xcalloc(n + 1, sizeof(*blobs));
	auto_json all_notes = json_array(); /* owns what the blobs borrow */
	for (size_t i = 0; i < n; i++) {
		json_t *notes = layer_notes(
			json_array_get(json_at(original, "layers"), i), layers[i]->digest);
		blobs[i] = (struct push_blob){
			.media_type = push_manifest_layer_type(layers[i]->compression, is_oci),
			.digest = layers[i]->digest,
			.size = layers[i]->size,
			.annotations = notes,
		};
		if (notes)
			json_array_append_new(all_notes, notes);
	}
	auto_json doc = push_manifest_new(is_oci, config->digest, config->size, blobs, n);
	static const char *const kept[] = {"artifactType", "subject", "annotations"};
	for (size_t i = 0; i < ARRAY_LEN(kept) && is_oci; i++)
		if (json_at(original, kept[i]))
			json_set(doc, kept[i], json_incref(json_at(original, kept[i])));
	push_manifest_write(doc, !is_oci, is_oci ? MANIFEST_OCI : MANIFEST_DOCKER, out);
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
	make(original, is_oci, layers, n, config, out);
	return 0;
}
