/* push: images to a registry. Runs in moss: starts the fetcher that uploads and the unpackers that
 * make layers' tars again, reads no foreign byte itself (engine/transfer/push_items.h has the rule
 * by which blobs get there). */
#ifndef ENGINE_TRANSFER_PUSH_H
#define ENGINE_TRANSFER_PUSH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/transfer/pull.h"
#include "engine/transfer/push_items.h"
#include "engine/transfer/push_manifest.h"

struct err;
struct image;
struct reference;
struct store;

struct push_options {
	struct pull_options registry;
	enum manifest_format format;
	struct push_compression compression;
};

/* One name at the registry. */
struct push_job {
	const struct image *image;
	const char *manifest; /* which of the image's (storage/image_manifest.h); NULL = none */
	struct reference *to; /* with a tag */
	char *digest; /* the result: of its manifest; owned */
};

/* All go to one repository. Prints Docker's lines from "Preparing" on to "tag: digest: ... size:
 * N". The images are recorded as repository@digest then, with the blobs that were made. */
int image_push(struct store *s, struct push_job *jobs, size_t n, const struct push_options *o,
	struct err *e);

/* The manifest of an image of the store; one that has none gets one, as a push would make it. */
struct document;
int push_ensure_manifest(
	struct store *s, const struct image *image, struct document *out, struct err *e);

#endif
