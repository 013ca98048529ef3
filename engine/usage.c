#include "engine/usage.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/usage_walk.h"
#include "storage/db/container_row.h"
#include "storage/db/layer_row.h"
#include "storage/image.h"
#include "storage/store.h"
#include "storage/volume.h"

/* Indices that grow: which images, which containers. */
struct set {
	uint32_t *v;
	size_t n;
};

/* A layer and who holds it. */
struct layer {
	char *id;
	struct set images, containers;
	bool is_in_trash;
};

struct work {
	struct store *store;
	struct usage *u; /* its arrays of bytes are shared memory while a child measures */
	struct image *images; /* all, also those that are not shown */
	size_t n_images;
	struct layer *layers; /* by id */
	size_t n_layers;
	int64_t *image_unique, *image_shared, *sums; /* beside images; and the sums */
	/* Of the child: marks of the images and containers that were met for one inode. */
	uint32_t *image_mark, mark;
};
enum { SUM_IMAGES, SUM_RECLAIMABLE, SUM_TRASH, SUM_HELD, SUM_PARTS, SUMS };

/* The trees that are walked, in this order: layers, containers, volumes, then these. */
enum { TREE_UNDO, TREE_TRASH, TREE_HELD, TREE_PARTS, TREES };

static void set_add(struct set *s, size_t value)
{
	if (!(s->n & (s->n - 1)))
		s->v = xrealloc(s->v, (s->n ? 2 * s->n : 1) * sizeof(*s->v));
	s->v[s->n++] = (uint32_t)value;
}

static void work_deinit(struct work *w)
{
	for (size_t i = 0; i < w->n_layers; i++) {
		free(w->layers[i].id);
		free(w->layers[i].images.v);
		free(w->layers[i].containers.v);
	}
	free(w->layers);
	free(w->image_mark);
}

void usage_deinit(struct usage *u)
{
	image_list_free(u->images, u->n_images);
	for (size_t i = 0; i < u->n_containers; i++)
		container_row_deinit(&u->containers[i]);
	for (size_t i = 0; i < u->n_volumes; i++)
		volume_deinit(&u->volumes[i]);
	free(u->containers);
	free(u->volumes);
	free(u->unique);
	free(u->shared);
	free(u->container_bytes);
	free(u->volume_bytes);
	free(u->volume_links);
}

/* ---- who holds what ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct layer *)a)->id, ((const struct layer *)b)->id);
}

static struct layer *layer_of(struct work *w, const char *id)
{
	struct layer key = {.id = (char *)id};
	return w->n_layers ? bsearch(&key, w->layers, w->n_layers, sizeof(key), by_id) : NULL;
}

static size_t container_index(const struct usage *u, const char *id)
{
	size_t i = 0;
	while (i < u->n_containers && strcmp(u->containers[i].id, id) != 0)
		i++;
	return i;
}

static void take_uses(struct work *w, struct layer_use *uses, size_t n)
{
	w->layers = xcalloc(n + 1, sizeof(*w->layers));
	for (size_t i = 0; i < n; i++)
		if (!uses[i].container_id && !uses[i].is_in_trash)
			w->layers[w->n_layers++].id = xstrdup(uses[i].layer_id);
	if (w->n_layers)
		qsort(w->layers, w->n_layers, sizeof(*w->layers), by_id);
	for (size_t i = 0; i < n; i++) {
		struct layer *l = layer_of(w, uses[i].layer_id);
		if (l && uses[i].is_in_trash)
			l->is_in_trash = true;
		if (!l || !uses[i].container_id)
			continue;
		size_t c = container_index(w->u, uses[i].container_id);
		if (c < w->u->n_containers)
			set_add(&l->containers, c);
	}
	for (size_t i = 0; i < w->n_images; i++)
		for (size_t k = 0; k < w->images[i].n_layers; k++) {
			struct layer *l = layer_of(w, w->images[i].layer_ids[k]);
			if (l)
				set_add(&l->images, i);
		}
}

static int load_uses(struct work *w, struct err *e)
{
	struct layer_use *uses = NULL;
	size_t n = 0;
	int r = layer_row_uses(w->store->db, &uses, &n, e);
	if (r >= 0)
		take_uses(w, uses, n);
	for (size_t i = 0; i < n; i++)
		layer_use_deinit(&uses[i]);
	free(uses);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct volume *)a)->name, ((const struct volume *)b)->name);
}

static int load_volumes(struct store *s, struct usage *u, struct err *e)
{
	int r = volume_list(s, &u->volumes, &u->n_volumes, e);
	if (r < 0)
		return r;
	if (u->n_volumes)
		qsort(u->volumes, u->n_volumes, sizeof(*u->volumes), by_name);
	u->volume_links = xcalloc(u->n_volumes + 1, sizeof(*u->volume_links));
	for (size_t i = 0; i < u->n_volumes && r >= 0; i++) {
		auto_strv users = STRV_INIT;
		r = volume_users(s, u->volumes[i].name, &users.v, &users.n, e);
		u->volume_links[i] = (int64_t)users.n;
	}
	return r;
}

/* ---- measuring: in a child, which has all of this in its memory ---- */

static void charge_images(struct work *w, const struct set *met, bool is_held, int64_t bytes)
{
	int64_t *of = met->n == 1 ? w->image_unique : w->image_shared;
	bool in_use = is_held;
	for (size_t i = 0; i < met->n; i++) {
		of[met->v[i]] += bytes;
		in_use |= w->images[met->v[i]].n_containers > 0;
	}
	w->sums[SUM_IMAGES] += bytes;
	w->sums[SUM_RECLAIMABLE] += in_use ? 0 : bytes;
}

static const int sum_of_tree[TREES] = {SUM_TRASH, SUM_TRASH, SUM_HELD, SUM_PARTS};

/* What lies in no layer. */
static void charge_tree(struct work *w, size_t tree, int64_t bytes)
{
	const struct usage *u = w->u;
	if (tree < u->n_containers)
		u->container_bytes[tree] += bytes;
	else if ((tree -= u->n_containers) < u->n_volumes)
		u->volume_bytes[tree] += bytes;
	else
		w->sums[sum_of_tree[tree - u->n_volumes]] += bytes;
}

/* One inode, or all of a tree that have no name elsewhere. */
static void charge(const uint32_t *trees, uint32_t n, int64_t bytes, void *arg)
{
	struct work *w = arg;
	struct set images = {0};
	bool is_held = false, is_in_trash = false;
	size_t container = SIZE_MAX;
	w->mark++;
	for (uint32_t i = 0; i < n && trees[i] < w->n_layers; i++) {
		const struct layer *l = &w->layers[trees[i]];
		is_held |= l->containers.n > 0 || l->is_in_trash;
		is_in_trash |= l->is_in_trash;
		if (l->containers.n && container == SIZE_MAX)
			container = l->containers.v[0];
		for (size_t k = 0; k < l->images.n; k++) {
			if (w->image_mark[l->images.v[k]] == w->mark)
				continue;
			w->image_mark[l->images.v[k]] = w->mark;
			set_add(&images, l->images.v[k]);
		}
	}
	if (images.n)
		charge_images(w, &images, is_held, bytes);
	else if (container != SIZE_MAX)
		charge_tree(w, container, bytes);
	else if (is_in_trash)
		w->sums[SUM_TRASH] += bytes;
	else if (trees[n - 1] >= w->n_layers)
		charge_tree(w, trees[n - 1] - w->n_layers, bytes);
	free(images.v);
}

static void charge_blob(struct work *w, size_t i, const char *digest)
{
	const char *hex = str_after(digest, "sha256:");
	struct set only = {(uint32_t[]){(uint32_t)i}, 1};
	auto_free char *path = hex ? store_path(w->store, "blobs/sha256/%s", hex) : NULL;
	struct stat st;
	if (path && stat(path, &st) == 0)
		charge_images(w, &only, false, (int64_t)st.st_blocks * 512);
}

/* Manifests and configs. */
static void charge_blobs(struct work *w)
{
	for (size_t i = 0; i < w->n_images; i++) {
		charge_blob(w, i, w->images[i].id);
		for (char **m = w->images[i].manifests; *m; m++)
			charge_blob(w, i, *m);
	}
}

/* Of trash/, what waits for containers that have it open, or the rest. */
static void walk_trash(struct usage_walk *walk, const char *path, bool is_held, uint32_t tree)
{
	auto_dir dir = opendir(path);
	const struct dirent *d;
	while (dir && (d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
			str_starts(d->d_name, STORE_HELD) != is_held)
			continue;
		auto_free char *each = path_join(path, d->d_name);
		usage_walk_tree(walk, each, false, tree);
	}
}

static int measure(void *arg, struct err *e)
{
	static const char *const last[TREES] = {"undo", "trash", "trash", "parts"};
	struct work *w = arg;
	const struct usage *u = w->u;
	size_t n = w->n_layers + u->n_containers + u->n_volumes + TREES;
	struct usage_walk walk = {.alone = xcalloc(n, sizeof(int64_t))};
	(void)e;
	for (size_t i = 0; i < n; i++) {
		size_t c = i - w->n_layers, v = c - u->n_containers, t = v - u->n_volumes;
		auto_free char *path =
			i < w->n_layers ? store_path(w->store, "layers/%s", w->layers[i].id)
			: c < u->n_containers
				? store_path(w->store, "containers/%s", u->containers[c].id)
			: v < u->n_volumes ? store_path(w->store, "volumes/%s", u->volumes[v].name)
					   : store_path(w->store, "%s", last[t]);
		bool is_last = i + TREES >= n;
		if (is_last && (t == TREE_TRASH || t == TREE_HELD))
			walk_trash(&walk, path, t == TREE_HELD, (uint32_t)i);
		else
			usage_walk_tree(&walk, path, is_last, (uint32_t)i);
	}
	for (size_t i = 0; i < n; i++)
		charge(&(uint32_t){(uint32_t)i}, 1, walk.alone[i], w);
	usage_walk_each(&walk, charge, w);
	charge_blobs(w);
	free(walk.alone);
	usage_walk_deinit(&walk);
	return 0;
}

/* Gives the arrays their place in memory that the child shares, has it measure, and copies. */
static int measure_shared(struct work *w, struct err *e)
{
	struct usage *u = w->u;
	size_t counts[] = {w->n_images, w->n_images, u->n_containers, u->n_volumes, SUMS};
	int64_t **arrays[] = {&w->image_unique, &w->image_shared, &u->container_bytes,
		&u->volume_bytes, &w->sums};
	size_t total = 0;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		total += counts[i] + 1;
	int64_t *shared = mmap(NULL, total * sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return err_sys(e, "cannot get memory for sizes");
	int64_t *next = shared;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		*arrays[i] = next;
		next += counts[i] + 1;
	}
	int r = enter_call(w->store, measure, w, e);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		int64_t *own = xcalloc(counts[i] + 1, sizeof(*own));
		memcpy(own, *arrays[i], counts[i] * sizeof(*own));
		*arrays[i] = own;
	}
	munmap(shared, total * sizeof(*shared));
	return r < 0 ? err_ctx(e, "cannot measure the store") : 0;
}

/* Those that only led to others are not shown; what they hold, others hold too. */
static void take_results(struct work *w)
{
	struct usage *u = w->u;
	auto_free bool *shown = xcalloc(w->n_images + 1, sizeof(*shown));
	for (size_t i = 0; i < w->n_images; i++)
		shown[i] = w->images[i].names[0] || w->images[i].digests[0] ||
			   !image_has_children(w->images, w->n_images, w->images[i].id);
	for (size_t i = 0; i < w->n_images; i++) {
		if (!shown[i]) {
			image_deinit(&w->images[i]);
			continue;
		}
		w->images[u->n_images] = w->images[i];
		w->image_unique[u->n_images] = w->image_unique[i];
		w->image_shared[u->n_images++] = w->image_shared[i];
	}
	u->images = take_ptr(w->images);
	u->unique = take_ptr(w->image_unique);
	u->shared = take_ptr(w->image_shared);
	u->images_bytes = w->sums[SUM_IMAGES];
	u->images_reclaimable = w->sums[SUM_RECLAIMABLE];
	u->trash_bytes = w->sums[SUM_TRASH];
	u->held_bytes = w->sums[SUM_HELD];
	u->parts_bytes = w->sums[SUM_PARTS];
}

int usage_load(struct store *s, struct usage *u, struct err *e)
{
	*u = (struct usage){0};
	struct work w = {.store = s, .u = u};
	int r = container_row_list(s->db, &u->containers, &u->n_containers, e);
	if (r >= 0)
		r = load_volumes(s, u, e);
	if (r >= 0)
		r = image_list(s, &w.images, &w.n_images, e);
	if (r >= 0)
		r = load_uses(&w, e);
	if (r >= 0) {
		w.image_mark = xcalloc(w.n_images + 1, sizeof(*w.image_mark));
		r = measure_shared(&w, e);
	}
	if (r >= 0)
		take_results(&w);
	else
		image_list_free(w.images, w.n_images);
	free(w.image_unique);
	free(w.image_shared);
	free(w.sums);
	work_deinit(&w);
	return r < 0 ? r : 0;
}
