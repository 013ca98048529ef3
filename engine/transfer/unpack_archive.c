/* The archive job of moss-unpack: docker-archive (`docker save`, `podman save`) and
 * oci-archive, or a folder of the same files (oci-dir), or docker-dir. A docker-archive that holds
 * an OCI layout too, as newer `docker save` writes, is read as the former: that is where the names
 * are. A transport ("select") says which it is, and which image. Its layers are unpacked by
 * unpack_archive_layers.c. */
#include "engine/transfer/unpack_archive_layers.h"
#include "engine/transfer/unpack_role.h"
#include "engine/transfer/unpack_select.h"
#include "engine/transfer/unpack_spool.h"
#include "engine/transfer/proto.h"
#include "registry/manifest.h"
#include "storage/unpack.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARCHIVE_IMAGES_MAX = 256 };

struct archive_job {
	const struct unpack_request *q;
	struct selection select;
	int stage_fd;
	struct spool spool;
	struct archive_layers layers;
	int images;
	bool is_flat; /* docker-dir: blobs at the top, under their hashes */
};

/* One image of the archive: where its parts are. */
struct archive_image {
	char *config_name; /* file in the archive */
	struct strv layer_names;
	struct strv names;
	struct manifest manifest; /* oci-archive only */
	char *manifest_name;
	char manifest_digest[72];
};

static void archive_image_deinit(struct archive_image *i)
{
	free(i->config_name);
	free(i->manifest_name);
	strv_free(&i->layer_names);
	strv_free(&i->names);
	manifest_deinit(&i->manifest);
}
#define auto_archive_image __attribute__((cleanup(archive_image_deinit))) struct archive_image

static int invalid(struct err *e, const char *what)
{
	return err_set(e, EBADMSG, "invalid archive: %s", what);
}

/* ---- results ---- */

static int put_file(
	struct archive_job *a, const char *prefix, int n, const void *p, size_t len, struct err *e)
{
	auto_free char *name = xasprintf("%s-%d", prefix, n);
	auto_fd fd = openat(a->stage_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_all(fd, p, len);
	return r < 0 ? err_sysn(e, -r, "cannot write %s", name) : 0;
}

/* The layers of one image: those that moss lacks and that no earlier image brought. */
static json_t *unpack_layers(
	struct archive_job *a, const struct archive_image *im, const json_t *config, struct err *e)
{
	json_t *v, *diff_ids = json_at(config, "rootfs/diff_ids");
	auto_strv have = STRV_INIT;
	auto_json layers = json_array();
	size_t i;
	if (archive_layers_ask(&a->layers, diff_ids, &have, e) < 0)
		return NULL;
	json_array_foreach (diff_ids, i, v) {
		if (!strv_has(&have, json_string_value(v)))
			archive_layer_announce(
				&a->layers, &a->spool, im->layer_names.v[i], json_string_value(v));
	}
	json_array_foreach (diff_ids, i, v) {
		const char *id = json_string_value(v);
		json_t *layer = json_object();
		struct unpack_job job = {.size = -1, .diff_id = id};
		json_array_append_new(layers, layer);
		json_set_str(layer, "diff_id", id);
		json_set_int(layer, "dir", -1);
		if (strv_has(&have, id))
			continue;
		if (im->manifest_name) {
			job.digest = im->manifest.layers[i].digest;
			job.size = im->manifest.layers[i].size;
			json_set_str(layer, "media_type", im->manifest.layers[i].media_type);
		}
		int dir = archive_layer_get(
			&a->layers, &a->spool, im->layer_names.v[i], &job, layer, e);
		if (dir < 0)
			return NULL;
		json_set_int(layer, "dir", dir);
	}
	return take_ptr(layers);
}

static int report_image(struct archive_job *a, const struct archive_image *im, const char *id,
	json_t *taken_layers, struct err *e)
{
	auto_json message = json_object();
	json_t *image = json_object();
	json_set_str(image, "id", id);
	json_set_int(image, "config", a->images);
	json_set_int(image, "manifest", im->manifest_name ? a->images : -1);
	if (im->manifest_name)
		json_set_str(image, "manifest_digest", im->manifest_digest);
	json_set(image, "names", json_from_strv(&im->names));
	json_set(image, "layers", taken_layers);
	json_set(message, "image", image);
	return proto_send(a->q->sock, message, NULL, 0, e);
}

static int take_image(struct archive_job *a, const struct archive_image *im, struct err *e)
{
	auto_buf raw = BUF_INIT, manifest = BUF_INIT;
	char id[72];
	if (++a->images > ARCHIVE_IMAGES_MAX)
		return invalid(e, "too many images");
	if (spool_read(&a->spool, im->config_name, CONFIG_MAX, &raw, e) < 0)
		return -e->code;
	digest_of(raw.data ? raw.data : "", raw.len, id);
	if (im->manifest_name && strcmp(id, im->manifest.config.digest) != 0)
		return invalid(e, "the config is not what the manifest says");
	auto_json config =
		image_config_parse(raw.data ? raw.data : "", raw.len, (int)im->layer_names.n, e);
	if (!config)
		return -e->code;
	auto_free char *normal = json_text(config);
	if (put_file(a, "config", a->images, raw.data, raw.len, e) < 0 ||
		put_file(a, "normal", a->images, normal, strlen(normal), e) < 0)
		return -e->code;
	if (im->manifest_name &&
		(spool_read(&a->spool, im->manifest_name, MANIFEST_MAX, &manifest, e) < 0 ||
			put_file(a, "manifest", a->images, manifest.data, manifest.len, e) < 0))
		return -e->code;
	json_t *layers = unpack_layers(a, im, config, e);
	return layers ? report_image(a, im, id, layers, e) : -e->code;
}

/* ---- docker-archive ---- */

static int docker_image(struct archive_job *a, const json_t *entry, struct err *e)
{
	auto_archive_image im = {0};
	const char *config = json_str(entry, "Config");
	const json_t *layers = json_object_get(entry, "Layers");
	if (!config || !json_is_array(layers))
		return invalid(e, "manifest.json lacks Config or Layers");
	im.config_name = xstrdup(config);
	json_to_strv(layers, &im.layer_names);
	if (a->select.ref)
		strv_add(&im.names, a->select.ref);
	else
		json_to_strv(json_object_get(entry, "RepoTags"), &im.names);
	if (im.layer_names.n != json_array_size(layers))
		return invalid(e, "manifest.json: a layer is not a string");
	return take_image(a, &im, e);
}

static int docker_images(struct archive_job *a, struct err *e)
{
	auto_buf text = BUF_INIT;
	json_t *entry;
	size_t i;
	if (spool_read(&a->spool, "manifest.json", MANIFEST_MAX, &text, e) < 0)
		return -e->code;
	auto_json list = json_parse(text.data ? text.data : "", text.len, "manifest.json", e);
	if (!list)
		return -e->code;
	if (!json_is_array(list))
		return invalid(e, "manifest.json is not a list");
	if (a->select.is_one)
		return selection_in_docker(&a->select, list, &i, e) < 0
			       ? -e->code
			       : docker_image(a, json_array_get(list, i), e);
	json_array_foreach (list, i, entry)
		if (docker_image(a, entry, e) < 0)
			return -e->code;
	return 0;
}

/* ---- oci-archive ---- */

static char *blob_name(const struct archive_job *a, const char *digest)
{
	return xasprintf("%s%s", a->is_flat ? "" : "blobs/sha256/", digest + strlen("sha256:"));
}

/* Reads and checks the manifest or index that a descriptor names, in that file. */
static int read_manifest(struct archive_job *a, const struct descriptor *d, const char *name,
	struct manifest *m, struct err *e)
{
	auto_buf text = BUF_INIT;
	char digest[72];
	if (spool_read(&a->spool, name, MANIFEST_MAX, &text, e) < 0)
		return -e->code;
	digest_of(text.data ? text.data : "", text.len, digest);
	if (strcmp(digest, d->digest) != 0 || (uint64_t)d->size != text.len)
		return invalid(e, "a manifest is not what the index says");
	return manifest_parse(text.data ? text.data : "", text.len, d->media_type, m, e);
}

static struct wanted_platform job_platform(const struct archive_job *a)
{
	return (struct wanted_platform){
		.os = json_str_or(a->q->job, "platform/os", "linux"),
		.architecture = json_str_or(a->q->job, "platform/architecture", ""),
		.variant = json_str(a->q->job, "platform/variant"),
	};
}

/* Its manifest has been read: the rest is where that says. */
static int take_manifest_image(
	struct archive_job *a, struct archive_image *im, const struct strv *names, struct err *e)
{
	im->config_name = blob_name(a, im->manifest.config.digest);
	for (size_t i = 0; i < im->manifest.n_layers; i++)
		strv_take(&im->layer_names, blob_name(a, im->manifest.layers[i].digest));
	strv_copy(&im->names, names);
	return take_image(a, im, e);
}

static int oci_image(struct archive_job *a, const struct descriptor *d, const struct strv *names,
	int depth, struct err *e)
{
	auto_archive_image im = {0};
	im.manifest_name = blob_name(a, d->digest);
	if (read_manifest(a, d, im.manifest_name, &im.manifest, e) < 0)
		return -e->code;
	if (im.manifest.kind == MANIFEST_INDEX) {
		const struct wanted_platform want = job_platform(a);
		const struct descriptor *chosen = NULL;
		if (depth > 4)
			return invalid(e, "indexes within indexes");
		if (manifest_choose(&im.manifest, &want, &chosen, e) < 0)
			return -e->code;
		return oci_image(a, chosen, names, depth + 1, e);
	}
	memcpy(im.manifest_digest, d->digest, sizeof(im.manifest_digest));
	return take_manifest_image(a, &im, names, e);
}

/* What an entry of index.json calls its image. A lone word ("latest") is a tag without a name. */
static void oci_name(const json_t *entry, struct strv *names)
{
	const json_t *notes = json_object_get(entry, "annotations");
	const char *full = json_string_value(json_object_get(notes, "io.containerd.image.name"));
	const char *ref =
		json_string_value(json_object_get(notes, "org.opencontainers.image.ref.name"));
	if (full)
		strv_add(names, full);
	else if (ref && strpbrk(ref, ":/@"))
		strv_add(names, ref);
}

/* Signatures and attestations stand beside the images; with several platforms, ours counts. */
static bool is_wanted(
	const struct archive_job *a, const struct manifest *index, size_t i, const json_t *entry)
{
	const json_t *notes = json_object_get(entry, "annotations");
	const struct wanted_platform want = job_platform(a);
	const struct descriptor *chosen;
	struct err e;
	if (json_object_get(notes, "vnd.docker.reference.type"))
		return false;
	if (index->n_entries == 1 || json_is_null(json_array_get(index->platforms, i)))
		return true;
	auto_json alone = json_pack("[O]", json_array_get(index->platforms, i));
	const struct manifest one = {
		.entries = &index->entries[i],
		.n_entries = 1,
		.platforms = alone,
	};
	return manifest_choose(&one, &want, &chosen, &e) == 0;
}

static int oci_selected(
	struct archive_job *a, const struct manifest *index, const json_t *whole, struct err *e)
{
	auto_strv names = STRV_INIT;
	auto_free bool *wanted = xcalloc(index->n_entries + 1, sizeof(*wanted));
	size_t chosen;
	for (size_t i = 0; i < index->n_entries; i++)
		wanted[i] = is_wanted(
			a, index, i, json_array_get(json_object_get(whole, "manifests"), i));
	return selection_in_layout(&a->select, index, whole, wanted, &chosen, &names, e) < 0
		       ? -e->code
		       : oci_image(a, &index->entries[chosen], &names, 0, e);
}

static int oci_images(struct archive_job *a, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_manifest index = {0};
	if (spool_read(&a->spool, "index.json", MANIFEST_MAX, &text, e) < 0 ||
		manifest_parse(text.data ? text.data : "", text.len, NULL, &index, e) < 0)
		return -e->code;
	if (index.kind != MANIFEST_INDEX)
		return invalid(e, "index.json is not an index");
	auto_json whole = json_parse(text.data, text.len, "index.json", e);
	if (whole && a->select.is_one)
		return oci_selected(a, &index, whole, e);
	for (size_t i = 0; whole && i < index.n_entries; i++) {
		const json_t *entry = json_array_get(json_object_get(whole, "manifests"), i);
		auto_strv names = STRV_INIT;
		oci_name(entry, &names);
		if (is_wanted(a, &index, i, entry) &&
			oci_image(a, &index.entries[i], &names, 0, e) < 0)
			return -e->code;
	}
	if (whole && a->images == 0)
		return err_set(e, ENOENT, "the archive has no image for this platform");
	return whole ? 0 : -e->code;
}

/* ---- docker-dir ---- */

static const struct strv no_names = STRV_INIT;

/* Beside an index the manifests have names of their own. */
static int flat_index(struct archive_job *a, const struct manifest *index, struct err *e)
{
	auto_archive_image im = {0};
	const struct wanted_platform want = job_platform(a);
	const struct descriptor *d = NULL;
	if (manifest_choose(index, &want, &d, e) < 0)
		return -e->code;
	im.manifest_name = xasprintf("%s.manifest.json", d->digest + strlen("sha256:"));
	if (read_manifest(a, d, im.manifest_name, &im.manifest, e) < 0)
		return -e->code;
	if (im.manifest.kind == MANIFEST_INDEX)
		return invalid(e, "indexes within indexes");
	memcpy(im.manifest_digest, d->digest, sizeof(im.manifest_digest));
	return take_manifest_image(a, &im, &no_names, e);
}

static int flat_image(struct archive_job *a, struct err *e)
{
	auto_archive_image im = {0};
	auto_buf text = BUF_INIT;
	a->is_flat = true;
	if (spool_read(&a->spool, "manifest.json", MANIFEST_MAX, &text, e) < 0 ||
		manifest_parse(text.data ? text.data : "", text.len, NULL, &im.manifest, e) < 0)
		return -e->code;
	if (im.manifest.kind == MANIFEST_INDEX)
		return flat_index(a, &im.manifest, e);
	im.manifest_name = xstrdup("manifest.json");
	digest_of(text.data, text.len, im.manifest_digest);
	return take_manifest_image(a, &im, &no_names, e);
}

/* ---- which of them ---- */

static int read_selected(struct archive_job *a, struct err *e)
{
	switch (a->select.kind) {
	case TRANSPORT_DIR:
		return flat_image(a, e);
	case TRANSPORT_DOCKER_ARCHIVE:
		return docker_images(a, e);
	default:
		return oci_images(a, e);
	}
}

static int read_images(struct archive_job *a, struct err *e)
{
	const struct unpack_request *q = a->q;
	const struct spool_taker taker = {archive_layer_take, &a->layers};
	bool is_folder = q->n_fds >= 3 && json_bool_or(q->job, "folder", false);
	if (is_folder)
		spool_use_folder(&a->spool, q->fds[2]);
	else if (spool_fill(&a->spool, q->fds[0], a->stage_fd, &taker, e) < 0)
		return -e->code;
	if (a->select.is_one)
		return read_selected(a, e);
	if (is_folder && spool_has(&a->spool, "version") && spool_has(&a->spool, "manifest.json"))
		return flat_image(a, e);
	if (spool_has(&a->spool, "manifest.json"))
		return docker_images(a, e);
	if (spool_has(&a->spool, "index.json"))
		return oci_images(a, e);
	return invalid(e, "it has neither manifest.json nor index.json");
}

json_t *unpack_archive_job(const struct unpack_request *q, struct err *e)
{
	struct archive_job a = {.q = q, .stage_fd = q->fds[1], .spool = SPOOL_INIT};
	json_t *reply = NULL;
	selection_read(q->job, &a.select);
	archive_layers_init(&a.layers, q, a.stage_fd);
	if (read_images(&a, e) == 0) {
		reply = json_object();
		json_set_bool(reply, "ok", true);
		json_set(reply, "warnings", json_from_strv(&a.layers.warnings));
	}
	archive_layers_deinit(&a.layers);
	spool_deinit(&a.spool);
	return reply;
}
