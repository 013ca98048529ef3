/* image_manifest: the manifests that an image is known by.
 *
 * An image is its config, and one config may stand in several manifests: layers compressed with
 * gzip and with zstd, Docker's format and OCI's. Each reference keeps the one that it led to when
 * it was pulled, loaded or pushed, so that a push of it arrives with the digest it was pulled by:
 *
 *   image_name.manifest    which manifest a name or a digest reference leads to. (A reference by
 *                          the digest of an index leads to the manifest of our platform.) NULL =
 *                          the image's own: it got the name while it had none
 *   image.manifest_digest  the image's own: what it is known by where it is named by its id. The
 *                          first that came with it; when no name leads to that one any more, that
 *                          of another name; NULL = none yet (docker-archive, commit)
 *   image_manifest         one row for each of these, which holds blobs/sha256/<hex>
 *
 * A new tag of an image takes over the manifest of the name that it is made from. What no name
 * leads to and is not the image's own is given up by image_manifests_settle, which whoever gives,
 * moves or takes names calls at the end; a kill before it leaves rows and files for the next one's
 * call. So a name that is taken from an image on its way out (engine/image_remove.c) still has its
 * manifest when the image goes to the trash (storage/keep.h), and undo brings back both.
 */
#ifndef STORAGE_IMAGE_MANIFEST_H
#define STORAGE_IMAGE_MANIFEST_H

struct err;
struct image;
struct store;

/* What the name or digest reference (normalised) of the image leads to; a name that is not its own
 * leads to what `i` was found by. Borrowed; NULL = none. */
const char *image_manifest_of(const struct image *i, const char *name);

/* Within a transaction the files go after store_settle. */
int image_manifests_settle(struct store *s, struct err *e);

#endif
