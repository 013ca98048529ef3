/* member_source: where the members of a list (engine/manifest_list.h) have their blobs, and which
 * these are. */
#ifndef ENGINE_TRANSFER_MEMBER_SOURCE_H
#define ENGINE_TRANSFER_MEMBER_SOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/transfer/push_manifest.h"

struct document;
struct err;
struct image;
struct transport;

/* A new entry: its key ref, and what the manifest says. Takes platform, which may be
 * NULL. */
json_t *member_entry(const char *ref, const struct document *d, json_t *platform);
/* What an artifact runs on. New reference. */
json_t *member_no_platform(void);
/* The annotations that an index has of it. */
void member_annotate(json_t *entry, const json_t *listed);

/* The file or folder that has it (out: owned). false: a registry or the store has. */
bool member_transport(const json_t *entry, struct transport *out);
void member_set_transport(json_t *entry, const struct transport *t);

/* Of an image that is known by several manifests, the one that the member was added with becomes
 * its manifest_digest. */
void member_choose_manifest(const json_t *entry, struct image *image);
/* The manifest, made anew where the format asks for another. -EINVAL where it has no words for a
 * layer's compression, -ENOTSUP where a layer is no plain one, or it is no image's manifest. */
int member_manifest(
	const json_t *entry, enum manifest_format format, struct push_manifest *out, struct err *e);

/* Number k of its layers, and then its config: descriptors. NULL: no more. Borrowed. */
const json_t *member_blob(const json_t *entry, size_t k);

#endif
