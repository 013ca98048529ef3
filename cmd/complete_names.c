#include "cmd/complete_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/store.h"
#include "storage/volume.h"

typedef void offer_fn(const char *name, const char *text, void *arg);

static void offer_containers(struct store *s, bool running, offer_fn *fn, void *arg)
{
	struct container_row *rows = NULL;
	struct err ignored;
	size_t n = 0;
	if (container_row_list(s->db, &rows, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!running || strcmp(rows[i].state, "running") == 0)
			fn(rows[i].name, rows[i].image_name, arg);
		container_row_deinit(&rows[i]);
	}
	free(rows);
}

static void offer_images(struct store *s, offer_fn *fn, void *arg)
{
	struct image *images = NULL;
	struct err ignored;
	size_t n = 0;
	if (image_list(s, &images, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		for (char **name = images[i].names; name && *name; name++) {
			auto_reference ref = {0};
			if (reference_parse(*name, true, &ref, &ignored) < 0)
				continue;
			auto_free char *familiar = reference_familiar(&ref);
			fn(familiar, NULL, arg);
		}
		image_deinit(&images[i]);
	}
	free(images);
}

static void offer_volumes(struct store *s, offer_fn *fn, void *arg)
{
	struct volume *volumes = NULL;
	struct err ignored;
	size_t n = 0;
	if (volume_list(s, &volumes, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		fn(volumes[i].name, NULL, arg);
		volume_deinit(&volumes[i]);
	}
	free(volumes);
}

void complete_names(const struct globals *g, enum complete kind, offer_fn *fn, void *arg)
{
	struct store_options o = {.root = g->root, .runroot = g->runroot};
	struct store store = {.root_fd = -1, .runroot_fd = -1};
	struct err ignored;
	if (kind == COMPLETE_NETWORK) {
		static const char *const modes[] = {"bridge", "host", "none", "slirp4netns"};
		for (size_t i = 0; i < ARRAY_LEN(modes); i++)
			fn(modes[i], NULL, arg);
		return;
	}
	if (store_open(&store, &o, &ignored) < 0)
		return;
	if (kind == COMPLETE_IMAGE)
		offer_images(&store, fn, arg);
	else if (kind == COMPLETE_VOLUME)
		offer_volumes(&store, fn, arg);
	else
		offer_containers(&store, kind == COMPLETE_CONTAINER_RUNNING, fn, arg);
	store_close(&store);
}
