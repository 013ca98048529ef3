/* All images in one statement, which sees one state of the database: their rows, names and layers
 * come one after the other, each kind in any order, and are put together here. */
#include "storage/db/image_row.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/sql.h"

#include <stdlib.h>
#include <string.h>

struct name {
	char *image_id, *name, *manifest;
	bool is_digest;
};

struct manifest {
	char *image_id, *digest;
};

struct layer {
	char *image_id, *id, *diff_id;
	int64_t position, size;
};

struct use {
	char *image_id;
	int64_t n;
};

struct found {
	struct image *images;
	struct name *names;
	struct layer *layers;
	struct use *uses;
	struct manifest *manifests;
	size_t n_images, n_names, n_layers, n_uses, n_manifests;
};

static void found_free(struct found *f)
{
	for (size_t i = 0; i < f->n_names; i++) {
		free(f->names[i].image_id);
		free(f->names[i].name);
		free(f->names[i].manifest);
	}
	for (size_t i = 0; i < f->n_manifests; i++) {
		free(f->manifests[i].image_id);
		free(f->manifests[i].digest);
	}
	for (size_t i = 0; i < f->n_layers; i++) {
		free(f->layers[i].image_id);
		free(f->layers[i].id);
		free(f->layers[i].diff_id);
	}
	for (size_t i = 0; i < f->n_uses; i++)
		free(f->uses[i].image_id);
	free(f->uses);
	free(f->names);
	free(f->manifests);
	free(f->layers);
	image_list_free(f->images, f->n_images);
}

/* Room for one more at the end of an array of n: it doubles at each power of two. */
static void *grown(void *v, size_t n, size_t size)
{
	return n & (n - 1) ? v : xrealloc(v, (n ? 2 * n : 1) * size);
}

enum { KIND_IMAGE, KIND_NAME, KIND_LAYER, KIND_USE, KIND_MANIFEST };

static void take_row(struct found *f, sqlite3_stmt *s)
{
	switch (column_int(s, 0)) {
	case KIND_IMAGE:
		f->images = grown(f->images, f->n_images, sizeof(*f->images));
		f->images[f->n_images] = (struct image){
			.id = column_dup(s, 1),
			.config = column_dup(s, 2),
			.manifest_digest = column_dup(s, 3),
			.size = column_int(s, 4),
			.created_ns = column_int(s, 5),
			.tagged_ns = column_int(s, 6),
		};
		f->images[f->n_images].parent = image_row_parent(f->images[f->n_images].config);
		f->n_images++;
		break;
	case KIND_NAME:
		f->names = grown(f->names, f->n_names, sizeof(*f->names));
		f->names[f->n_names++] = (struct name){column_dup(s, 1), column_dup(s, 2),
			column_dup(s, 3), column_int(s, 4) != 0};
		break;
	case KIND_MANIFEST:
		f->manifests = grown(f->manifests, f->n_manifests, sizeof(*f->manifests));
		f->manifests[f->n_manifests++] =
			(struct manifest){column_dup(s, 1), column_dup(s, 2)};
		break;
	case KIND_USE:
		f->uses = grown(f->uses, f->n_uses, sizeof(*f->uses));
		f->uses[f->n_uses++] = (struct use){column_dup(s, 1), column_int(s, 4)};
		break;
	default:
		f->layers = grown(f->layers, f->n_layers, sizeof(*f->layers));
		f->layers[f->n_layers++] = (struct layer){column_dup(s, 1), column_dup(s, 2),
			column_dup(s, 3), column_int(s, 4), column_int(s, 5)};
	}
}

static int by_image_and_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->image_id, y->image_id);
	return order ? order : strcmp(x->name, y->name);
}

static int by_image_and_digest(const void *a, const void *b)
{
	const struct manifest *x = a, *y = b;
	int order = strcmp(x->image_id, y->image_id);
	return order ? order : strcmp(x->digest, y->digest);
}

static int by_image_and_position(const void *a, const void *b)
{
	const struct layer *x = a, *y = b;
	int order = strcmp(x->image_id, y->image_id);
	return order ? order : (x->position > y->position) - (x->position < y->position);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct image *)a)->id, ((const struct image *)b)->id);
}

static int newest_first(const void *a, const void *b)
{
	const struct image *x = a, *y = b;
	if (x->created_ns != y->created_ns)
		return x->created_ns < y->created_ns ? 1 : -1;
	return strcmp(x->id, y->id);
}

/* The names of the image from names[at] on; returns where the next one's begin. */
static size_t give_names(struct image *image, struct found *f, size_t at)
{
	struct image_names names = {0};
	for (; at < f->n_names && strcmp(f->names[at].image_id, image->id) <= 0; at++) {
		struct name *n = &f->names[at];
		if (!strcmp(n->image_id, image->id))
			image_names_add(
				&names, take_ptr(n->name), n->is_digest, take_ptr(n->manifest));
	}
	image_names_give(&names, image);
	return at;
}

static size_t give_manifests(struct image *image, struct found *f, size_t at)
{
	struct strv list = STRV_INIT;
	for (; at < f->n_manifests && strcmp(f->manifests[at].image_id, image->id) <= 0; at++)
		if (!strcmp(f->manifests[at].image_id, image->id))
			strv_take(&list, take_ptr(f->manifests[at].digest));
	image->manifests = list.v ? list.v : xcalloc(1, sizeof(char *));
	return at;
}

static size_t give_layers(struct image *image, struct found *f, size_t at)
{
	struct strv ids = STRV_INIT, diffs = STRV_INIT;
	size_t end = at;
	while (end < f->n_layers && strcmp(f->layers[end].image_id, image->id) <= 0)
		end++;
	image->layer_sizes = xcalloc(end - at + 1, sizeof(*image->layer_sizes));
	for (; at < end; at++) {
		struct layer *l = &f->layers[at];
		if (strcmp(l->image_id, image->id) != 0)
			continue;
		image->layer_sizes[ids.n] = l->size;
		strv_take(&ids, take_ptr(l->id));
		strv_take(&diffs, take_ptr(l->diff_id));
	}
	image->n_layers = ids.n;
	image->layer_ids = ids.v ? ids.v : xcalloc(1, sizeof(char *));
	image->diff_ids = diffs.v ? diffs.v : xcalloc(1, sizeof(char *));
	return end;
}

static void put_together(struct found *f)
{
	size_t name = 0, layer = 0, manifest = 0;
	if (f->n_images)
		qsort(f->images, f->n_images, sizeof(*f->images), by_id);
	if (f->n_names)
		qsort(f->names, f->n_names, sizeof(*f->names), by_image_and_name);
	if (f->n_manifests)
		qsort(f->manifests, f->n_manifests, sizeof(*f->manifests), by_image_and_digest);
	if (f->n_layers)
		qsort(f->layers, f->n_layers, sizeof(*f->layers), by_image_and_position);
	for (size_t i = 0; i < f->n_images; i++) {
		name = give_names(&f->images[i], f, name);
		manifest = give_manifests(&f->images[i], f, manifest);
		layer = give_layers(&f->images[i], f, layer);
	}
	for (size_t i = 0; i < f->n_uses; i++) {
		struct image key = {.id = f->uses[i].image_id};
		struct image *image = f->n_images ? bsearch(&key, f->images, f->n_images,
							    sizeof(*f->images), by_id)
						  : NULL;
		if (image)
			image->n_containers = f->uses[i].n;
	}
	if (f->n_images)
		qsort(f->images, f->n_images, sizeof(*f->images), newest_first);
}

int image_row_list(struct db *db, struct image **out, size_t *n, struct err *e)
{
	auto_stmt s = db_prepare(db,
		"SELECT 0, id, config, manifest_digest, size, created, tagged FROM image"
		" UNION ALL SELECT 1, image_id, name, manifest, is_digest, 0, 0 FROM image_name"
		" UNION ALL SELECT 2, image_id, layer.id, diff_id, position, layer.size, 0"
		" FROM image_layer JOIN layer ON layer.id = layer_id"
		" UNION ALL SELECT 3, image_id, NULL, NULL, count(*), 0, 0 FROM container"
		" WHERE image_id IS NOT NULL GROUP BY image_id"
		" UNION ALL SELECT 4, image_id, digest, NULL, 0, 0, 0 FROM image_manifest",
		e);
	if (!s)
		return -e->code;
	struct found f = {0};
	int r;
	while ((r = db_step(db, s, e)) == STEP_ROW)
		take_row(&f, s);
	if (r == 0) {
		put_together(&f);
		*out = take_ptr(f.images);
		*n = f.n_images;
		f.n_images = 0;
	}
	found_free(&f);
	return r;
}
