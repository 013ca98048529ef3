/* history: the steps an image was made of, as its config tells them, newest first.
 *
 * By Docker's rules: a step that made a layer has that layer's size, others 0. The first entry has
 * the image's id; the next ones those of its parents as far as they are here (a commit, a build
 * step), the others none.
 */
#ifndef ENGINE_HISTORY_H
#define ENGINE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct image;
struct store;

struct history_step {
	char *id; /* "sha256:<hex>"; NULL = not known ("<missing>") */
	char *created_by, *comment; /* "" where there is none */
	int64_t created_ns; /* 0 = not told, or IMAGE_CREATED_NEVER (storage/image.h) */
	int64_t size;
};

/* *out is an array of n. */
int history_load(struct store *s, const struct image *image, struct history_step **out, size_t *n,
	struct err *e);
void history_free(struct history_step *steps, size_t n);

#endif
