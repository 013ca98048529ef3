#include "engine/transfer/save_internal.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/transfer/fetcher.h"
#include "engine/manifest_list.h"
#include "engine/transfer/member_source.h"
#include "engine/transfer/own_manifest.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/push_manifest.h"
#include "registry/reference.h"
#include "storage/image.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_docker(const struct save *v, const struct save_item *item)
{
	enum manifest_format f =
		item->manifest != FORMAT_AS_IS ? item->manifest : v->options->manifest;
	return f == FORMAT_DOCKER || (f == FORMAT_AS_IS && v->options->format == TRANSPORT_DIR);
}

static const char *layer_type(const struct save *v, const struct save_item *item)
{
	return push_manifest_layer_type(save_compression(v->options), !is_docker(v, item));
}

static const char *manifest_type(const struct save *v, const struct save_item *item)
{
	return is_docker(v, item) ? MANIFEST_DOCKER : MANIFEST_OCI;
}

static char *manifest_text(const struct save *v, const struct save_item *item, int64_t config_size)
{
	const struct image *image = item->image;
	auto_free struct push_blob *layers = xcalloc(image->n_layers + 1, sizeof(*layers));
	for (size_t i = 0; i < image->n_layers; i++) {
		const struct save_blob *b = save_find_layer(v, image->diff_ids[i]);
		layers[i] = (struct push_blob){
			.media_type = layer_type(v, item), .digest = b->digest, .size = b->size};
	}
	auto_json m = push_manifest_new(
		!is_docker(v, item), image->id, config_size, layers, image->n_layers);
	return json_text(m);
}

/* Its digest, of an unpacker that reads it as it would one from a registry. */
static int manifest_digest(struct save *v, const void *bytes, size_t n, const char *type,
	char digest[72], struct err *e)
{
	auto_document d = {0};
	if (document_of_bytes(&v->reader, bytes, n, type, NULL, &d, e) < 0)
		return -e->code;
	snprintf(digest, 72, "%s", d.digest);
	return 0;
}

/* Whoever wants to know of the manifest gets the image's own, to the byte, where its blobs are what
 * is written. *text NULL: another must be made. */
static int own_manifest(struct save *v, const struct save_item *item, char **text, struct err *e)
{
	const struct image *image = item->image;
	auto_document d = {0};
	bool found = false;
	auto_free const char **layers = xcalloc(image->n_layers + 1, sizeof(*layers));
	*text = NULL;
	if (!v->options->manifests)
		return 0;
	for (size_t i = 0; i < image->n_layers; i++)
		layers[i] = save_find_layer(v, image->diff_ids[i])->digest;
	if (own_manifest_read(v->store, image, &d, &found, e) < 0)
		return -e->code;
	if (found && own_manifest_fits(&d, manifest_type(v, item), image, layers))
		*text = buf_take(&d.bytes);
	return 0;
}

static int read_config(struct save *v, const struct image *image, struct buf *out, struct err *e)
{
	auto_free char *path =
		store_path(v->store, "blobs/sha256/%s", image->id + strlen("sha256:"));
	int r = read_file(path, CONFIG_MAX, out, e);
	return r < 0 ? err_ctx(e, "image %s", image->id) : 0;
}

/* A manifest that is written: m gets what is said of it. */
static int add_manifest(struct save *v, struct save_manifest *m, const char *type,
	struct buf *bytes, const char *known_digest, struct err *e)
{
	if (known_digest)
		snprintf(m->digest, sizeof(m->digest), "%s", known_digest);
	else if (manifest_digest(v, bytes->data, bytes->len, type, m->digest, e) < 0)
		return -e->code;
	m->size = (int64_t)bytes->len;
	m->media_type = type;
	save_add_blob(v, m->digest, m->size, 0, buf_take(bytes))->is_manifest = true;
	return 0;
}

static int add_image_documents(struct save *v, size_t i, struct err *e)
{
	const struct save_item *item = &v->items[i];
	const struct image *image = item->image;
	auto_buf config = BUF_INIT, bytes = BUF_INIT;
	auto_free char *text = NULL;
	if (read_config(v, image, &config, e) < 0 || own_manifest(v, item, &text, e) < 0)
		return -e->code;
	int64_t size = (int64_t)config.len;
	if (!text)
		text = manifest_text(v, item, size);
	buf_puts(&bytes, text);
	save_add_blob(v, image->id, size, image_created_s(image), buf_take(&config));
	return add_manifest(v, &v->manifests[i], manifest_type(v, item), &bytes, NULL, e);
}

/* The manifest of a member that is elsewhere, as it is where its format may stay. */
static int add_member_manifest(struct save *v, size_t i, struct err *e)
{
	const struct save_item *item = &v->items[i];
	auto_push_manifest m = {0};
	if (member_manifest(item->entry,
		    item->manifest != FORMAT_AS_IS ? item->manifest : v->options->manifest, &m,
		    e) < 0)
		return -e->code;
	const char *type = push_manifest_is_oci(m.media_type) ? MANIFEST_OCI : MANIFEST_DOCKER;
	return add_manifest(v, &v->manifests[i], type, &m.bytes,
		m.is_own ? json_str(item->entry, "digest") : NULL, e);
}

int save_add_documents(struct save *v, size_t i, struct err *e)
{
	const struct save_item *item = &v->items[i];
	const struct save_manifest *m = &v->manifests[i];
	int r = item->image ? add_image_documents(v, i, e) : add_member_manifest(v, i, e);
	if (r < 0)
		return item->entry ? err_ctx(e, "%s", json_str_or(item->entry, "ref", "")) : r;
	if (item->entry) {
		json_set_str(item->entry, "mediaType", m->media_type);
		json_set_str(item->entry, "digest", m->digest);
		json_set_int(item->entry, "size", m->size);
	} else if (v->options->manifests) {
		v->options->manifests[i] = *m;
	}
	return 0;
}

int save_add_list(struct save *v, struct err *e)
{
	const struct save_list *l = v->options->list;
	struct save_manifest *m = &v->manifests[v->n_items];
	auto_push_manifest index = {0};
	const char *type;
	auto_json doc = manifest_list_index(l->list, l->media_type, &type);
	push_manifest_write(doc, true, type, &index);
	if (add_manifest(v, m, type, &index.bytes, NULL, e) < 0)
		return -e->code;
	if (v->options->manifests)
		v->options->manifests[0] = *m;
	return 0;
}

const struct save_manifest *save_top(const struct save *v)
{
	return &v->manifests[v->options->list ? v->n_items : 0];
}

/* ---- index.json ---- */

static json_t *index_entry(const struct save *v, const struct save_manifest *m, const char *name)
{
	json_t *entry = json_object();
	json_set_str(entry, "mediaType", m->media_type);
	json_set_str(entry, "digest", m->digest);
	json_set_int(entry, "size", m->size);
	auto_reference ref = {0};
	struct err ignored;
	bool is_docker_archive = v->options->format == TRANSPORT_DOCKER_ARCHIVE;
	if (!name || (is_docker_archive && reference_parse(name, false, &ref, &ignored) < 0))
		return entry;
	json_t *notes = json_object();
	if (is_docker_archive) {
		json_set_str(notes, "io.containerd.image.name", name);
		json_set_str(notes, "org.opencontainers.image.ref.name", ref.tag);
	} else {
		json_set_str(notes, "org.opencontainers.image.ref.name", name);
	}
	json_set(entry, "annotations", notes);
	return entry;
}

static void add_entries(
	const struct save *v, const struct save_manifest *m, const struct strv *names, json_t *list)
{
	for (size_t k = 0; k < names->n; k++)
		json_array_append_new(list, index_entry(v, m, names->v[k]));
	if (!names->n)
		json_array_append_new(list, index_entry(v, m, NULL));
}

char *save_index_json(const struct save *v)
{
	auto_json index = json_object();
	json_t *list = json_array();
	if (v->options->list)
		add_entries(v, save_top(v), &v->options->list->names, list);
	for (size_t i = 0; i < v->n_items && !v->options->list; i++)
		add_entries(v, &v->manifests[i], &v->items[i].names, list);
	json_set_int(index, "schemaVersion", 2);
	json_set_str(index, "mediaType", "application/vnd.oci.image.index.v1+json");
	json_set(index, "manifests", list);
	return json_text(index);
}

/* ---- Docker's own two ---- */

static char *blob_path(const char *digest)
{
	return xasprintf("blobs/sha256/%s", digest + strlen("sha256:"));
}

static json_t *manifest_entry(const struct save *v, const struct save_item *item)
{
	json_t *entry = json_object(), *tags = NULL, *layers = json_array(),
	       *sources = json_object();
	const struct image *image = item->image;
	auto_free char *config = blob_path(image->id);
	for (size_t i = 0; i < item->names.n; i++) {
		auto_reference ref = {0};
		struct err ignored;
		if (reference_parse(item->names.v[i], false, &ref, &ignored) < 0)
			continue;
		auto_free char *shown = reference_familiar(&ref);
		tags = tags ? tags : json_array();
		json_array_append_new(tags, json_string(shown));
	}
	for (size_t i = 0; i < image->n_layers; i++) {
		const struct save_blob *b = save_find_layer(v, image->diff_ids[i]);
		auto_free char *path = blob_path(b->digest);
		json_array_append_new(layers, json_string(path));
		json_set(sources, image->diff_ids[i],
			json_pack("{s:s, s:I, s:s}", "mediaType", layer_type(v, item), "size",
				(json_int_t)b->size, "digest", b->digest));
	}
	json_set_str(entry, "Config", config);
	json_set(entry, "RepoTags", tags ? tags : json_null());
	json_set(entry, "Layers", layers);
	json_set(entry, "LayerSources", json_sorted(sources));
	return entry;
}

char *save_manifest_json(const struct save *v)
{
	auto_json list = json_array();
	for (size_t i = 0; i < v->n_items; i++)
		json_array_append_new(list, manifest_entry(v, &v->items[i]));
	auto_free char *text = json_text(list);
	return xasprintf("%s\n", text);
}

static void add_repository(json_t *all, const struct image *image, const char *name)
{
	auto_reference ref = {0};
	struct err ignored;
	if (reference_parse(name, false, &ref, &ignored) < 0 || !ref.tag)
		return;
	auto_free char *repository = reference_familiar_name(&ref);
	json_t *tags = json_object_get(all, repository);
	if (!tags) {
		tags = json_object();
		json_set(all, repository, tags);
	}
	const char *top = image->n_layers ? image->diff_ids[image->n_layers - 1] : "sha256:";
	json_set_str(tags, ref.tag, top + strlen("sha256:"));
}

char *save_repositories(const struct save *v)
{
	json_t *all = json_object();
	auto_json sorted = NULL;
	for (size_t i = 0; i < v->n_items; i++)
		for (size_t k = 0; k < v->items[i].names.n; k++)
			add_repository(all, v->items[i].image, v->items[i].names.v[k]);
	const char *name;
	json_t *tags;
	sorted = json_sorted(all);
	json_object_foreach (sorted, name, tags)
		json_object_set_new(sorted, name, json_sorted(json_incref(tags)));
	if (!json_object_size(sorted))
		return NULL;
	auto_free char *text = json_text(sorted);
	return xasprintf("%s\n", text);
}
