/* write_folder: an image of the store, or a list with its members, into a folder that a transport
 * names (registry/transport.h).
 *
 * It is made in a folder of its own within that one and moved up when it is whole: blobs first,
 * what leads to them last. An OCI image layout keeps the images that it has; a dir: folder holds
 * one, so the one before goes.
 */
#ifndef ENGINE_TRANSFER_WRITE_FOLDER_H
#define ENGINE_TRANSFER_WRITE_FOLDER_H

#include <stddef.h>

struct err;
struct save_item;
struct save_options;
struct store;
struct transport;

/* to: dir: or oci:. o->format is its; o->manifests is needed. One item, or those of o->list. The
 * folder is made, but not its parents. */
int write_folder(struct store *s, const struct transport *to, const struct save_item *items,
	size_t n, const struct save_options *o, struct err *e);

#endif
