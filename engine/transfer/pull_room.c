/* Room on the disk for the layers of a pull, and what is left of it where there was not enough. */
#include "engine/transfer/pull_layers.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "engine/enter.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/kept_layer.h"
#include "registry/parts.h"
#include "storage/store.h"

enum {
	UNPACKED_RATIO = 3, /* bytes on the disk for one compressed byte, roughly */
	SPARE_SHARE = 16, /* a pull that failed leaves this share of the disk free... */
};
#define SPARE_MAX (INT64_C(256) * 1024 * 1024) /* ...but no more than this */

static int64_t room(const struct pull_layers *l, int64_t *whole)
{
	struct statvfs fs;
	if (fstatvfs(l->parts_fd, &fs) < 0)
		return *whole = INT64_MAX;
	*whole = (int64_t)(fs.f_blocks * fs.f_frsize);
	return (int64_t)(fs.f_bavail * fs.f_frsize);
}

static void purge(struct pull_layers *l)
{
	struct err ignored;
	if (l->store->needs_purge && store_purge(l->store, enter_remove, &ignored) < 0)
		log_debug("%s", ignored.msg);
}

/* What pulls have left that have ended; of those that run, the locks are held. */
static void clear_others(struct pull_layers *l)
{
	(void)parts_clear(l->parts_fd);
	kept_layers_sweep(l->store, l->parts_fd);
	purge(l);
}

static bool is_wanted(const struct pull_layer *y)
{
	return y->state != LAYER_PRESENT && y->state != LAYER_STAGED;
}

void pull_layers_ensure_room(struct pull_layers *l)
{
	int64_t whole, needed = 0;
	for (size_t i = 0; i < l->n; i++)
		if (is_wanted(&l->v[i]) && l->v[i].size < INT64_MAX / 16 - needed)
			needed += l->v[i].size * (1 + UNPACKED_RATIO) - l->v[i].had;
	if (needed > 0 && room(l, &whole) < needed)
		clear_others(l);
}

/* Cuts the largest part file; false where nothing is left to be cut. */
static bool cut_one(struct pull_layers *l, int64_t missing)
{
	struct pull_layer *largest = NULL;
	int64_t size = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct stat st;
		if (l->v[i].part_fd < 0 || fstat(l->v[i].part_fd, &st) < 0 || st.st_size <= size)
			continue;
		largest = &l->v[i];
		size = st.st_size;
	}
	return largest && ftruncate(largest->part_fd, size > missing ? size - missing : 0) == 0;
}

void pull_layers_make_room(struct pull_layers *l)
{
	int64_t whole, missing;
	fetcher_stop(l->fetcher);
	pull_layers_stop(l);
	clear_others(l);
	int64_t free_now = room(l, &whole);
	int64_t spare = whole / SPARE_SHARE < SPARE_MAX ? whole / SPARE_SHARE : SPARE_MAX;
	for (size_t i = 0; i < l->n && free_now < spare; i++) {
		if (!l->v[i].is_kept)
			continue;
		kept_layer_drop(l->store, l->v[i].digest);
		purge(l);
		free_now = room(l, &whole);
	}
	while ((missing = spare - room(l, &whole)) > 0 && cut_one(l, missing))
		;
}
