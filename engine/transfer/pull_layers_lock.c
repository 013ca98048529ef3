/* The layers of a pull before they are fetched: what is there already, and whose turn it is. */
#include "engine/transfer/pull_layers_internal.h"

#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/kept_layer.h"
#include "engine/transfer/progress.h"
#include "registry/parts.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

/* 1 where the store has it. */
static int in_store(struct pull_layers *l, const struct pull_layer *y, struct err *e)
{
	auto_free char *id = NULL;
	int r = layer_find(l->store, y->diff_id, &id, e);
	return r < 0 ? r : r == ROW_OK;
}

static bool is_repeated(const struct pull_layers *l, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(l->v[k].diff_id, l->v[i].diff_id))
			return true;
	return false;
}

int pull_layers_look(struct pull_layers *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		struct pull_layer *y = &l->v[i];
		if (is_repeated(l, i)) {
			y->state = LAYER_PRESENT;
			continue;
		}
		int there = in_store(l, y, e);
		if (there < 0)
			return there;
		if (there)
			y->state = LAYER_PRESENT;
		if (!there || !l->is_known)
			progress_status(l->progress, y->short_id,
				there ? "Already exists" : "Pulling fs layer");
	}
	return 0;
}

/* The next lock in the order of the digests; NULL where all are held. */
static struct pull_layer *next_to_lock(struct pull_layers *l)
{
	struct pull_layer *first = NULL;
	for (size_t i = 0; i < l->n; i++) {
		struct pull_layer *y = &l->v[i];
		if (y->state == LAYER_LOCKING && (!first || strcmp(y->digest, first->digest) < 0))
			first = y;
	}
	return first;
}

/* A pull that was killed may have got that far. */
static bool find_kept(struct pull_layers *l, struct pull_layer *y)
{
	struct kept_layer k = {.digest = y->digest, .diff_id = y->diff_id};
	if (kept_layer_find(l->store, &k, &l->warnings, &y->staged) != ROW_OK)
		return false;
	y->unpacked_size = k.size;
	y->is_kept = true;
	return true;
}

/* The lock of its part file is ours: what is there of it? */
static int look_at_part(struct pull_layers *l, struct pull_layer *y, struct err *e)
{
	struct stat st;
	y->had = fstat(y->part_fd, &st) == 0 ? st.st_size : 0;
	int there = in_store(l, y, e);
	if (there < 0)
		return there;
	if (there) {
		y->state = LAYER_PRESENT;
		progress_status(l->progress, y->short_id, "Already exists");
		kept_layer_drop(l->store, y->digest);
		parts_drop(l->parts_fd, y->digest);
	} else if (find_kept(l, y)) {
		y->state = LAYER_STAGED;
		progress_status(l->progress, y->short_id, "Pull complete");
	} else {
		y->state = LAYER_READY;
		progress_expect(l->progress, y->short_id, y->had, y->size);
	}
	return 0;
}

int pull_layers_lock(struct pull_layers *l, struct err *e)
{
	struct pull_layer *y;
	while ((y = next_to_lock(l))) {
		int fd = parts_take(l->parts_fd, y->digest, e);
		if (fd == PARTS_BUSY) {
			progress_status(l->progress, y->short_id, "Waiting");
			return 1;
		}
		if (fd < 0)
			return fd;
		y->part_fd = fd;
		int r = look_at_part(l, y, e);
		if (r < 0)
			return r;
	}
	return 0;
}
