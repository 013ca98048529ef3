/* image_remove: what rmi does with names, ids and containers in the way, by Docker's rules. */
#ifndef ENGINE_IMAGE_REMOVE_H
#define ENGINE_IMAGE_REMOVE_H

#include <stdbool.h>

struct err;
struct image;
struct store;
struct strv;

/* `typed` is what the user wrote, `reference` its normalised form (NULL where it can only be an
 * id), `image` what it means. lines receives "Untagged: x" and "Deleted: sha256:...", also of the
 * part that was done before an error. A name goes alone while the image has others; the last one
 * takes the image along, unless a container uses it: "conflict: ..." without force. */
int image_remove(struct store *s, const struct image *image, const char *typed,
	const char *reference, bool force, struct strv *lines, struct err *e);

#endif
