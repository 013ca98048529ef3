#include "storage/layer_blob.h"
#include "base/str.h"
#include "storage/db/layer_row.h"
#include "storage/store.h"

#include <stdlib.h>

int layer_blobs(
	struct store *s, const char *layer_id, struct layer_blob **out, size_t *n, struct err *e)
{
	*out = NULL;
	*n = 0;
	return layer_row_blobs(s->db, layer_id, out, n, e);
}

void layer_blobs_free(struct layer_blob *blobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(blobs[i].digest);
		free(blobs[i].media_type);
		free(blobs[i].made);
	}
	free(blobs);
}

int layer_repositories(struct store *s, const char *layer_id, struct strv *out, struct err *e)
{
	return layer_row_repositories(s->db, layer_id, out, e);
}

int layer_size(struct store *s, const char *layer_id, int64_t *size, struct err *e)
{
	*size = 0;
	return layer_row_size(s->db, layer_id, size, e);
}
