/* save: images of the store as an archive or a folder that Docker, Podman and skopeo read.
 *
 * A layer goes from an unpacker straight into the output where it is not compressed, since its
 * length is known beforehand: into a file or folder several side by side, each to its place; to a
 * pipe one after the other. Compressed layers are made side by side in the folder itself, or staged
 * for an archive, where their digests and lengths stand in front of them. The same images give the
 * same bytes: no time of the saving is in them.
 */
#ifndef ENGINE_TRANSFER_SAVE_H
#define ENGINE_TRANSFER_SAVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "engine/transfer/push_manifest.h"
#include "registry/transport.h"

struct err;
struct image;
struct manifest_list;
struct store;

struct save_item {
	const struct image *image; /* borrowed; NULL: the member of a list, which is elsewhere */
	json_t *entry; /* of a list, borrowed; else NULL. It gets the digest that is written */
	enum manifest_format manifest; /* as it is = as the options have it */
	struct strv names; /* normalised, or for an OCI layout any; none = saved without */
};

/* Of an image as it was written. */
struct save_manifest {
	char digest[72];
	int64_t size;
	const char *media_type; /* static */
};

/* A list that is written with its members: they are the items, or there are none. */
struct save_list {
	const struct manifest_list *list;
	const char *media_type; /* of the index; NULL: its own */
	struct strv names; /* for an OCI layout; of the items none counts */
	const struct pull_options *registries; /* for members that are there */
};

struct save_options {
	/* docker-archive is as Docker 26 writes it: an OCI layout with manifest.json beside. */
	enum transport_kind format;
	bool compress; /* the layers */
	struct push_compression compression; /* of format and level; COMPRESSION_NONE = gzip */
	enum manifest_format manifest; /* as it is = that of the format */
	/* Gets one for each item, or the list's; NULL: nobody asks, and no image keeps a manifest
	 * of its own. */
	struct save_manifest *manifests;
	const struct save_list *list; /* NULL: images as such */
};

/* An archive goes to fd, at its position; after an error that is of no use. A folder's files are
 * made in the folder fd, which is empty. */
int images_save(struct store *s, const struct save_item *items, size_t n,
	const struct save_options *o, int fd, struct err *e);

#endif
