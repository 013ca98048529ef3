/* push_internal: what the files of push share: one session with a repository, and what is known of
 * an image before its blobs move. */
#ifndef ENGINE_TRANSFER_PUSH_INTERNAL_H
#define ENGINE_TRANSFER_PUSH_INTERNAL_H

#include "engine/transfer/document.h"
#include "engine/transfer/push.h"

struct progress;

struct push {
	struct store *store;
	const struct push_options *options;
	struct fetcher fetcher; /* of the registry */
	struct document_reader reader;
	struct progress *progress;
	struct push_items items;
	char *domain, *path; /* of the repository */
};

struct push_plan {
	const char *manifest; /* what the image is pushed as, where that can be; NULL = a new one */
	struct document original; /* it */
	bool has_original;
	size_t *layers, n; /* indexes of the items, bottom first */
	size_t config;
};

/* repositories: "domain/path" of all from which something may be mounted. */
int push_open(struct push *p, struct store *s, const struct reference *to,
	const struct push_options *o, const struct strv *repositories, struct err *e);
void push_close(struct push *p);
/* The blobs and the manifest of an image, under `to` (its digest, else its tag). manifest: which of
 * the image's; NULL = none. */
int push_image(struct push *p, const struct image *image, const char *manifest,
	const struct reference *to, struct push_manifest *m, struct err *e);
/* A manifest alone. ref: full, with tag or digest. */
int push_put(struct push *p, const char *ref, const struct push_manifest *m, struct err *e);
/* Fills in m->digest. */
int push_manifest_digest(struct push *p, struct push_manifest *m, struct err *e);

#endif
