#include "engine/transfer/save.h"
#include "engine/transfer/save_internal.h"
#include "base/err.h"
#include "base/scope.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "engine/transfer/assemble.h"
#include "storage/image.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const formats[] = {
	[SAVE_DOCKER_ARCHIVE] = "docker-archive",
	[SAVE_OCI_ARCHIVE] = "oci-archive",
	[SAVE_OCI_DIR] = "oci-dir",
	[SAVE_DOCKER_DIR] = "docker-dir",
};

int save_format_parse(const char *text, enum save_format *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (!strcmp(text, formats[i])) {
			*out = (enum save_format)i;
			return 0;
		}
	return err_set(e, EINVAL,
		"unknown format %s: it is docker-archive, oci-archive, oci-dir or docker-dir",
		text);
}

bool save_format_is_folder(enum save_format f) { return f == SAVE_OCI_DIR || f == SAVE_DOCKER_DIR; }

struct save_blob *save_add_blob(
	struct save *v, const char *digest, int64_t size, int64_t mtime_s, char *data)
{
	for (size_t i = 0; i < v->n_blobs; i++)
		if (!strcmp(v->blobs[i].digest, digest)) {
			free(data);
			return &v->blobs[i];
		}
	v->blobs = xrealloc(v->blobs, (v->n_blobs + 1) * sizeof(*v->blobs));
	struct save_blob *b = &v->blobs[v->n_blobs++];
	*b = (struct save_blob){.size = size, .mtime_s = mtime_s, .data = data, .staged = -1};
	snprintf(b->digest, sizeof(b->digest), "%s", digest);
	return b;
}

const struct save_blob *save_find_layer(const struct save *v, const char *diff_id)
{
	for (size_t i = 0; i < v->n_blobs; i++)
		if (v->blobs[i].diff_id && !strcmp(v->blobs[i].diff_id, diff_id))
			return &v->blobs[i];
	BUG("a layer was not added");
}

/* ---- layers ---- */

static int stage_layer(struct save *v, const struct assemble_job *job, int number,
	struct assembled *got, struct err *e)
{
	char name[32];
	snprintf(name, sizeof(name), "%d", number);
	auto_fd fd = openat(v->stage_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot create %s/%s", v->stage, name);
	return layer_assemble(v->store, job, fd, got, e);
}

static bool has_layer(const struct save *v, const char *diff_id)
{
	for (size_t i = 0; i < v->n_blobs; i++)
		if (v->blobs[i].diff_id && !strcmp(v->blobs[i].diff_id, diff_id))
			return true;
	return false;
}

static int add_layer(
	struct save *v, const struct image *image, size_t i, int64_t length, struct err *e)
{
	struct assembled got = {.size = length};
	const struct assemble_job job = {
		.layer_id = image->layer_ids[i],
		.diff_id = image->diff_ids[i],
		.compression = "gzip",
	};
	int staged = -1;
	if (has_layer(v, image->diff_ids[i]))
		return 0;
	if (v->options->compress) {
		staged = (int)v->n_blobs;
		if (stage_layer(v, &job, staged, &got, e) < 0)
			return -e->code;
	} else {
		snprintf(got.digest, sizeof(got.digest), "%s", image->diff_ids[i]);
	}
	struct save_blob *b =
		save_add_blob(v, got.digest, got.size, image->created_ns / 1000000000, NULL);
	b->layer_id = job.layer_id;
	b->diff_id = job.diff_id;
	b->staged = staged;
	return 0;
}

static int add_layers(struct save *v, const struct image *image, struct err *e)
{
	auto_free int64_t *sizes = xcalloc(image->n_layers + 1, sizeof(*sizes));
	if (!v->options->compress &&
		layers_measure(v->store, image->layer_ids, image->n_layers, sizes, e) < 0)
		return -e->code;
	for (size_t i = 0; i < image->n_layers; i++)
		if (add_layer(v, image, i, sizes[i], e) < 0)
			return -e->code;
	return 0;
}

/* ---- all of it ---- */

static int by_digest(const void *a, const void *b)
{
	return strcmp(((const struct save_blob *)a)->digest, ((const struct save_blob *)b)->digest);
}

static int collect(struct save *v, struct err *e)
{
	for (size_t i = 0; i < v->n_items; i++) {
		int64_t created_s = v->items[i].image->created_ns / 1000000000;
		v->newest_s = created_s > v->newest_s ? created_s : v->newest_s;
		if (add_layers(v, v->items[i].image, e) < 0 || save_add_documents(v, i, e) < 0)
			return -e->code;
	}
	qsort(v->blobs, v->n_blobs, sizeof(*v->blobs), by_digest);
	return 0;
}

static int tell(struct save *v, struct err *e)
{
	for (size_t i = 0; i < v->n_items; i++) {
		const struct image *image = v->items[i].image;
		if (event_image(v->store, "save", image->id, image->id, image->config, e) < 0)
			return -e->code;
	}
	return 0;
}

static int save_all(struct save *v, struct err *e)
{
	v->stage_fd = open(v->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->stage_fd < 0)
		return err_sys(e, "cannot open %s", v->stage);
	int r = unpacker_start(v->store, &v->documents, e);
	if (r == 0)
		r = collect(v, e);
	unpacker_stop(&v->documents);
	if (r == 0)
		r = save_format_is_folder(v->options->format) ? save_write_folder(v, e)
							      : save_write_archive(v, e);
	close(v->stage_fd);
	return r == 0 ? tell(v, e) : r;
}

int images_save(struct store *s, const struct save_item *items, size_t n,
	const struct save_options *o, int fd, struct err *e)
{
	struct save v = {.store = s, .items = items, .n_items = n, .options = o, .out_fd = fd};
	struct err ignored;
	v.documents = UNPACKER_INIT;
	v.manifests = xcalloc(n, sizeof(*v.manifests));
	int r = store_stage(s, &v.stage, &v.lock_fd, e);
	if (r == 0) {
		r = save_all(&v, e);
		store_unstage(s, v.stage, &v.lock_fd);
		(void)store_purge(s, enter_remove, &ignored);
	}
	for (size_t i = 0; i < v.n_blobs; i++)
		free(v.blobs[i].data);
	free(v.blobs);
	free(v.manifests);
	free(v.stage);
	return r;
}
