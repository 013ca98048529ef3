/* images_tree: images --tree. An image of moss has one platform: that of an index which was chosen
 * when it was pulled; the index itself is not kept, so that no others are known. */
#ifndef CMD_IMAGES_TREE_H
#define CMD_IMAGES_TREE_H

#include <stddef.h>

struct err;
struct image;
struct image_filter;
struct store;

/* Names that the filter lets through, beside each other in the first column; below them the
 * platform with its manifest's id. */
int images_tree(struct store *s, const struct image_filter *f, const struct image *const *list,
	size_t n, struct err *e);

#endif
