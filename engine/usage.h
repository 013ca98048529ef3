/* usage: what the store takes of the disk, and whose it is.
 *
 * Counted are blocks (st_blocks), of each inode once, whatever names it has in however many layers:
 * equal files of several layers may be one inode, and the layers of an image may be those of
 * others. An inode is
 *   - of every image that has one of its layers: unique where that is one image, else shared;
 *   - else of the first container that holds one of them (its image was removed, or a commit took
 *     the layer from it), or in whose folder it lies;
 *   - else of the volume, the trash, what running containers keep of it, or the unfinished
 *     downloads in which it lies.
 * Of images can be reclaimed what `image prune --all` frees: what no image with a container, no
 * container and nothing in the trash holds. Parts that file systems share without telling
 * (reflinks) are counted for each file.
 */
#ifndef ENGINE_USAGE_H
#define ENGINE_USAGE_H

#include <stddef.h>
#include <stdint.h>

struct container_row;
struct err;
struct image;
struct store;
struct volume;

struct usage {
	struct image *images; /* without those that only led to others; newest first */
	size_t n_images;
	int64_t *unique, *shared; /* beside images */
	int64_t images_bytes, images_reclaimable;
	struct container_row *containers; /* newest first */
	size_t n_containers;
	int64_t *container_bytes; /* beside containers: all of its folder */
	struct volume *volumes; /* by name */
	size_t n_volumes;
	int64_t *volume_bytes, *volume_links; /* beside volumes; how many containers use it */
	int64_t trash_bytes; /* what undo can bring back, and what is about to be removed */
	int64_t held_bytes; /* of removed images, open in containers that run (STORE_HELD) */
	int64_t parts_bytes; /* of downloads that were interrupted */
};

/* Reads every folder of the store, inside the user namespace. */
int usage_load(struct store *s, struct usage *u, struct err *e);
void usage_deinit(struct usage *u);
#define auto_usage __attribute__((cleanup(usage_deinit))) struct usage

#endif
