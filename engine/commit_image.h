/* commit_image: an image from a layer that was made here, for commit and import: its config as
 * Docker writes it, hashed and normalised by an unpacker (moss itself has no hash). */
#ifndef ENGINE_COMMIT_IMAGE_H
#define ENGINE_COMMIT_IMAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "storage/image.h"

struct err;
struct store;
struct unpacker;

struct image_draft {
	const struct image *parent; /* its layers and history come first; NULL = none */
	const char *diff_id; /* of the new layer; NULL: there is none (history says so) */
	json_t *config, *container_config; /* borrowed; complete */
	const char *container; /* id; NULL = none */
	const char *os, *architecture, *variant; /* of a parentless one */
	const char *author, *comment, *created_by; /* NULL or "" = left out */
	bool has_comment; /* import: the image itself has the comment, too */
};

/* What image_commit takes. */
struct image_made {
	char id[72]; /* "sha256:<hex>" */
	char *config; /* normalised */
	char *bytes; /* exact */
};
void image_made_deinit(struct image_made *m);
#define auto_image_made __attribute__((cleanup(image_made_deinit))) struct image_made

/* u: an unpacker that has done its layer, or a fresh one. */
int image_draft_finish(
	const struct image_draft *d, struct unpacker *u, struct image_made *out, struct err *e);

/* "repo:tag" as the user typed it -> full name; "" and NULL: NULL. Docker's words on failure;
 * of_digest: what it says of a name with a digest. */
int image_new_name(const char *typed, const char *of_digest, char **full, struct err *e);

#endif
