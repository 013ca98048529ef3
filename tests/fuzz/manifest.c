/* Manifests, as a registry sends them. The first line is the announced media type. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "registry/manifest.h"
#include "registry/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	if (!end)
		return 0;
	struct manifest m;
	struct err e;
	char *type = xstrndup((const char *)data, (size_t)(end - data));
	if (manifest_parse(end + 1, size - (size_t)(end + 1 - data), *type ? type : NULL, &m, &e) ==
		0) {
		for (size_t i = 0; i < m.n_layers; i++)
			if (!digest_valid(m.layers[i].digest) || m.layers[i].size < 0)
				abort();
		manifest_deinit(&m);
	}
	free(type);
	return 0;
}
