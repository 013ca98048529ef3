/* own_manifest: the manifest that an image of the store came with. */
#ifndef ENGINE_TRANSFER_OWN_MANIFEST_H
#define ENGINE_TRANSFER_OWN_MANIFEST_H

#include <stdbool.h>

#include "engine/transfer/document.h"
#include "engine/transfer/push_manifest.h"

struct err;
struct image;
struct store;

/* *found false: it came with none (commit, docker-archive), or the store has it no more. */
int own_manifest_read(struct store *s, const struct image *image, struct document *out, bool *found,
	struct err *e);
/* Its format; Docker's where there is none. */
int own_manifest_format(
	struct store *s, const struct image *image, enum manifest_format *out, struct err *e);
/* Is it, of this type, the manifest of these blobs? layers: their digests, the lowest first. */
bool own_manifest_fits(const struct document *d, const char *media_type, const struct image *image,
	const char *const *layers);

#endif
