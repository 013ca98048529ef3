/* layer_blob: in which compressed forms a layer is known, and who may have them: what a push needs
 * to know before it compresses anything. */
#ifndef STORAGE_LAYER_BLOB_H
#define STORAGE_LAYER_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct store;
struct strv;

struct layer_blob {
	char *digest, *media_type;
	int64_t size;
	char *made; /* how we made it ("gzip:2": kind and level of storage/compress.h), and can make it
		       again; NULL = it came from elsewhere */
};

/* The newest first is not promised; what came from elsewhere is. The array and all in it are the
 * caller's: layer_blobs_free. */
int layer_blobs(
	struct store *s, const char *layer_id, struct layer_blob **out, size_t *n, struct err *e);
void layer_blobs_free(struct layer_blob *blobs, size_t n);
/* Bytes of its files. */
int layer_size(struct store *s, const char *layer_id, int64_t *size, struct err *e);
/* "domain/path@digest" of every image that has the layer. */
int layer_repositories(struct store *s, const char *layer_id, struct strv *out, struct err *e);

#endif
