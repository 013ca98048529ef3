/* image_manifest_row: manifests of images, as rows. storage/image_manifest.h says what they are. */
#ifndef STORAGE_DB_IMAGE_MANIFEST_ROW_H
#define STORAGE_DB_IMAGE_MANIFEST_ROW_H

struct db;
struct err;
struct strv;

int image_manifest_row_add(struct db *db, const char *id, const char *digest, struct err *e);
/* Digests of all that the image has, sorted. */
int image_manifest_row_list(struct db *db, const char *id, struct strv *out, struct err *e);

/* Is there one that no name leads to? 1, 0, -errno. */
int image_manifest_row_has_unnamed(struct db *db, struct err *e);
/* Images whose own no name leads to take that of a name; where none has any they keep it. Then the
 * rows go that no name leads to and that are no image's own: adds their digests. */
int image_manifest_row_settle(struct db *db, struct strv *gone, struct err *e);

#endif
