/* image_name: names given to images and taken from them, with the events that tell of it. */
#ifndef ENGINE_IMAGE_NAME_H
#define ENGINE_IMAGE_NAME_H

struct err;
struct image;
struct reference;
struct store;
struct strv;

/* The name moves from whoever had it, and leads to the manifest that the image was found by. */
int image_name_add(
	struct store *s, const struct image *image, const struct reference *ref, struct err *e);
/* A tag or a digest reference, normalised; image_names_settle is due when all that are to go have
 * gone. ROW_OK, ROW_ABSENT. */
int image_name_drop(struct store *s, const struct image *image, const char *name, struct err *e);
/* Gives up the manifests that no name leads to any more, and empties the trash. */
int image_names_settle(struct store *s, struct err *e);

/* Adds the names, as they are shown, that the events tell the image got here and that are not in
 * the list yet. */
void image_names_past(struct store *s, const char *id, struct strv *names);

#endif
