#include "engine/transfer/own_manifest.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "storage/image.h"

int own_manifest_read(struct store *s, const struct image *image, struct document *out, bool *found,
	struct err *e)
{
	struct document_reader reader = DOCUMENT_READER(s);
	*found = false;
	*out = (struct document){0};
	if (!image->manifest_digest)
		return 0;
	int r = document_of_blob(&reader, image->manifest_digest, out, found, e);
	document_reader_deinit(&reader);
	return r < 0 ? err_ctx(e, "manifest %s", image->manifest_digest) : 0;
}

int own_manifest_format(
	struct store *s, const struct image *image, enum manifest_format *out, struct err *e)
{
	auto_document d;
	bool found;
	int r = own_manifest_read(s, image, &d, &found, e);
	if (r == 0)
		*out = found && push_manifest_is_oci(d.media_type) ? FORMAT_OCI : FORMAT_DOCKER;
	return r;
}

bool own_manifest_fits(const struct document *d, const char *media_type, const struct image *image,
	const char *const *layers)
{
	const json_t *list = json_at(d->json, "layers");
	if (d->is_index || strcmp(d->media_type, media_type) != 0 ||
		strcmp(json_str_or(d->json, "config/digest", ""), image->id) != 0 ||
		json_array_size(list) != image->n_layers)
		return false;
	for (size_t i = 0; i < image->n_layers; i++)
		if (strcmp(json_str_or(json_array_get(list, i), "digest", ""), layers[i]) != 0)
			return false;
	return true;
}
