/* Image configs: what is taken must be taken again, unchanged. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "registry/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	json_t *j = image_config_parse(data, size, -1, &e);
	if (!j)
		return 0;
	char *text = json_text(j);
	json_t *again = image_config_parse(text, strlen(text), -1, &e);
	if (!again || !json_equal(j, again))
		abort();
	free(text);
	json_decref(again);
	json_decref(j);
	return 0;
}
