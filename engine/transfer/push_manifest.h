/* push_manifest: the manifest of an image whose blobs are at the registry.
 *
 * Where all of them are what the image's own manifest names, its own bytes are sent. Else a new one
 * is made of it: in its format, with its annotations, its config as it was. An image without one
 * gets Docker's schema 2, as Docker makes it, or OCI's where a layer is compressed with zstd.
 */
#ifndef ENGINE_TRANSFER_PUSH_MANIFEST_H
#define ENGINE_TRANSFER_PUSH_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "engine/transfer/push_items.h"

struct err;

#define MANIFEST_DOCKER "application/vnd.docker.distribution.manifest.v2+json"
#define MANIFEST_OCI "application/vnd.oci.image.manifest.v1+json"
#define INDEX_DOCKER "application/vnd.docker.distribution.manifest.list.v2+json"
#define INDEX_OCI "application/vnd.oci.image.index.v1+json"

enum manifest_format { FORMAT_AS_IS, FORMAT_OCI, FORMAT_DOCKER };

struct push_manifest {
	struct buf bytes;
	char *media_type;
	char *digest; /* NULL until whoever may hash (document.h) has said it */
	bool is_own; /* the image's own bytes */
};
void push_manifest_deinit(struct push_manifest *m);
#define auto_push_manifest __attribute__((cleanup(push_manifest_deinit))) struct push_manifest

struct push_blob {
	const char *media_type, *digest;
	int64_t size;
	const json_t *annotations; /* may be NULL */
};
/* A manifest with the order of keys that each format's own tools write. New reference. */
json_t *push_manifest_new(bool is_oci, const char *config_digest, int64_t config_size,
	const struct push_blob *layers, size_t n);
/* original: the image's own (engine/transfer/proto.h, "describe"), its bytes and type; NULL = none.
 * layers: the items, bottom first, each ITEM_DONE; config likewise. -EINVAL where the format asked
 * for has no words for a layer. */
int push_manifest_make(const json_t *original, const struct buf *original_bytes,
	const char *original_type, enum manifest_format format,
	const struct push_item *const *layers, size_t n, const struct push_item *config,
	struct push_manifest *out, struct err *e);
/* As bytes: Docker's formats with three blanks a level, OCI's without any, as their makers do. */
void push_manifest_write(
	const json_t *doc, bool is_docker, const char *media_type, struct push_manifest *out);
bool push_manifest_is_oci(const char *media_type);
/* NULL where the format has none. */
const char *push_manifest_layer_type(enum compression c, bool is_oci);

#endif
