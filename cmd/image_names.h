/* image_names: images as users name them. */
#ifndef CMD_IMAGE_NAMES_H
#define CMD_IMAGE_NAMES_H

struct err;
struct image;
struct store;

/* image_find for what was typed: "No such image: nope:latest" where there is none. */
int image_named(struct store *s, const char *typed, struct image *out, struct err *e);
/* The normalised name of what was typed, NULL where it can only be an id. Owned. */
char *image_reference(const char *typed);
/* The same for a name by which image_named found this image: for a short one, the name that its
 * alias or a search registry made of it. */
char *image_reference_here(struct store *s, const struct image *image, const char *typed);
/* "docker.io/library/debian:12" -> "debian:12". Owned. */
char *image_familiar(const char *full);

#endif
