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

bool save_has_blob(const struct save *v, const char *digest)
{
	for (size_t i = 0; i < v->n_blobs; i++)
		if (!strcmp(v->blobs[i].digest, digest))
			return true;
	return false;
}

const struct save_blob *save_find_layer(const struct save *v, const char *diff_id)
{
	for (size_t i = 0; i < v->n_blobs; i++)
		if (v->blobs[i].diff_id && !strcmp(v->blobs[i].diff_id, diff_id))
			return &v->blobs[i];
	BUG("a layer was not added");
}

/* ---- layers ---- */

enum compression save_compression(const struct save_options *o)
{
	if (!o->compress)
		return COMPRESSION_NONE;
	return o->compression.format == COMPRESSION_NONE ? COMPRESSION_GZIP : o->compression.format;
}

static bool has_layer(const struct save *v, const char *diff_id)
{
	for (size_t i = 0; i < v->n_blobs; i++)
		if (v->blobs[i].diff_id && !strcmp(v->blobs[i].diff_id, diff_id))
			return true;
	return false;
}

/* What is compressed has its digest later. */
static void add_layer(struct save *v, const struct image *image, size_t i, int64_t length)
{
	if (has_layer(v, image->diff_ids[i]))
		return;
	int staged = v->options->compress ? (int)v->n_blobs : -1;
	struct save_blob *b =
		save_add_blob(v, image->diff_ids[i], length, image_created_s(image), NULL);
	b->layer_id = image->layer_ids[i];
	b->diff_id = image->diff_ids[i];
	b->staged = staged;
}

static int add_layers(struct save *v, const struct image *image, struct err *e)
{
	auto_free int64_t *sizes = xcalloc(image->n_layers + 1, sizeof(*sizes));
	if (!v->options->compress &&
		layers_measure(v->store, image->layer_ids, image->n_layers, sizes, e) < 0)
		return -e->code;
	for (size_t i = 0; i < image->n_layers; i++)
		add_layer(v, image, i, sizes[i]);
	return 0;
}

struct making {
	struct save *save;
	save_open open;
	struct save_blob **blobs;
};

static int open_for(void *arg, size_t i, struct err *e)
{
	const struct making *m = arg;
	return m->open(m->save, m->blobs[i], e);
}

/* The layers of the store among the blobs. The caller frees the list. */
static struct save_blob **list_layers(struct save *v, size_t *n)
{
	struct save_blob **list = xcalloc(v->n_blobs + 1, sizeof(struct save_blob *));
	*n = 0;
	for (size_t i = 0; i < v->n_blobs; i++)
		if (v->blobs[i].layer_id)
			list[(*n)++] = &v->blobs[i];
	return list;
}

static int take_results(struct save *v, struct save_blob **layers, const struct assembled *got,
	size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct save_blob *b = layers[i];
		if (!v->options->compress && got[i].size != b->size)
			return err_set(e, EBADMSG, "layer %s is not as long as it was", b->diff_id);
		b->size = got[i].size;
		memcpy(b->digest, got[i].digest, sizeof(b->digest));
	}
	return 0;
}

int save_make_layers(struct save *v, save_open open, struct err *e)
{
	size_t n;
	auto_free struct save_blob **layers = list_layers(v, &n);
	auto_free struct assemble_job *jobs = xcalloc(n + 1, sizeof(*jobs));
	auto_free struct assembled *got = xcalloc(n + 1, sizeof(*got));
	struct making making = {v, open, layers};
	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct assemble_job){
			.layer_id = layers[i]->layer_id,
			.diff_id = layers[i]->diff_id,
			.compression = compression_name(save_compression(v->options)),
			.has_level = v->options->compression.has_level,
			.level = v->options->compression.level,
		};
	const struct assemble_many many = {
		.jobs = jobs, .got = got, .n = n, .open = open_for, .arg = &making};
	if (layers_assemble(v->store, &many, e) < 0)
		return -e->code;
	return take_results(v, layers, got, n, e);
}

/* A folder's are made where they stay, and get their names when those are known. */
static int open_staged(struct save *v, const struct save_blob *b, struct err *e)
{
	char name[32];
	snprintf(name, sizeof(name), "%d", b->staged);
	int dir = v->blobs_fd >= 0 ? v->blobs_fd : v->stage_fd;
	int mode = v->blobs_fd >= 0 ? 0644 : 0600;
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return fd < 0 ? err_sys(e, "cannot create the file of layer %s", b->diff_id) : fd;
}

/* ---- all of it ---- */

static int by_digest(const void *a, const void *b)
{
	return strcmp(((const struct save_blob *)a)->digest, ((const struct save_blob *)b)->digest);
}

static int collect(struct save *v, struct err *e)
{
	for (size_t i = 0; i < v->n_items; i++) {
		if (!v->items[i].image)
			continue;
		int64_t created_s = image_created_s(v->items[i].image);
		v->newest_s = created_s > v->newest_s ? created_s : v->newest_s;
		if (add_layers(v, v->items[i].image, e) < 0)
			return -e->code;
	}
	if (v->options->compress && save_make_layers(v, open_staged, e) < 0)
		return -e->code;
	if (save_fetch_members(v, e) < 0)
		return -e->code;
	for (size_t i = 0; i < v->n_items; i++)
		if (save_add_documents(v, i, e) < 0)
			return -e->code;
	if (v->options->list && save_add_list(v, e) < 0)
		return -e->code;
	qsort(v->blobs, v->n_blobs, sizeof(*v->blobs), by_digest);
	return 0;
}

static int tell(struct save *v, struct err *e)
{
	for (size_t i = 0; i < v->n_items; i++) {
		const struct image *image = v->items[i].image;
		if (image &&
			event_image(v->store, "save", image->id, image->id, image->config, e) < 0)
			return -e->code;
	}
	return 0;
}

static int save_all(struct save *v, struct err *e)
{
	v->stage_fd = open(v->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->stage_fd < 0)
		return err_sys(e, "cannot open %s", v->stage);
	bool is_folder = transport_is_folder(v->options->format);
	int r = is_folder ? save_open_folder(v, e) : 0;
	if (r == 0)
		r = collect(v, e);
	document_reader_deinit(&v->reader);
	if (r == 0)
		r = is_folder ? save_write_folder(v, e) : save_write_archive(v, e);
	scope_close(&v->blobs_fd);
	close(v->stage_fd);
	return r == 0 ? tell(v, e) : r;
}

int images_save(struct store *s, const struct save_item *items, size_t n,
	const struct save_options *o, int fd, struct err *e)
{
	struct save v = {.store = s,
		.items = items,
		.n_items = n,
		.options = o,
		.out_fd = fd,
		.reader = DOCUMENT_READER(s),
		.blobs_fd = -1};
	struct err ignored;
	v.manifests = xcalloc(n + 1, sizeof(*v.manifests));
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
