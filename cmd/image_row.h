/* image_row: an image's name as the fields that listings of images show. */
#ifndef CMD_IMAGE_ROW_H
#define CMD_IMAGE_ROW_H

#include <jansson.h>
#include <stdbool.h>

struct image;

/* New reference. Sizes that only system df knows are "N/A". */
json_t *image_row(const struct image *i, const char *repo, const char *tag, const char *digest,
	bool no_trunc);
/* full: normalised. The familiar repository; *tag is NULL where there is none. Both owned. */
void image_name_split(const char *full, char **repo, char **tag);

#endif
