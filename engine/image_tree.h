/* image_tree: which images stand on which layers. A layer of an image is a node: it stands on the
 * one below it, so that the same files upon different layers are different nodes.
 */
#ifndef ENGINE_IMAGE_TREE_H
#define ENGINE_IMAGE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct image;
struct store;

struct tree_node {
	char *diff_id;
	int64_t size; /* bytes of its files */
	struct tree_node *parent; /* NULL: it stands on nothing */
	struct tree_node **children; /* oldest image first */
	size_t n_children;
	struct strv names; /* of the images that end here: normalised references */
};

struct tree {
	struct tree_node root; /* no layer: what stands on nothing is its children */
};

/* Of all images in the store. */
int image_tree_load(struct store *s, struct tree *t, struct err *e);
/* The node where the image ends; NULL where it has no layer. Borrowed. */
const struct tree_node *image_tree_find(const struct tree *t, const struct image *image);
void image_tree_deinit(struct tree *t);

#endif
