/* image_remove: what rmi does with names, ids and containers in the way, by Docker's rules. */
#ifndef ENGINE_IMAGE_REMOVE_H
#define ENGINE_IMAGE_REMOVE_H

struct err;
struct image;
struct store;
struct strv;

enum image_remove_flags {
	IMAGE_REMOVE_FORCE = 1,
	IMAGE_REMOVE_NO_PRUNE = 2, /* parents without a name stay */
	IMAGE_REMOVE_ALL_NAMES = 4, /* by id, however many names there are */
};

/* `typed` is what the user wrote, `reference` its normalised form (NULL where it can only be an
 * id), `image` what it means. lines receives "Untagged: x" and "Deleted: sha256:...", also of the
 * part that was done before an error. A name goes alone while the image has others; the last one
 * takes the image along, unless a container uses it: "conflict: ..." without force. One that others
 * were made from stays: by name silently, by id with an error. With the image go those it was made
 * from that have no name, no other child and no container. */
int image_remove(struct store *s, const struct image *image, const char *typed,
	const char *reference, unsigned flags, struct strv *lines, struct err *e);

#endif
