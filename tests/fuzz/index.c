/* Indexes and the choice of a platform. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "registry/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct wanted_platform wants[] = {
		{"linux", "amd64", NULL},
		{"linux", "arm", "v7"},
		{"linux", "arm64", "v8"},
	};
	struct manifest m;
	struct err e;
	if (manifest_parse(data, size, NULL, &m, &e) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		const struct descriptor *d = NULL;
		if (m.kind == MANIFEST_INDEX && manifest_choose(&m, &wants[i], &d, &e) == 0 &&
			(d < m.entries || d >= m.entries + m.n_entries))
			abort();
	}
	manifest_deinit(&m);
	return 0;
}
