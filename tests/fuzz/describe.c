/* A manifest or index as "describe" gives it: what comes out is described the same way again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/transfer/unpack_role.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	auto_free char *type = NULL, *again_type = NULL;
	bool is_index, again_index;
	auto_json j = unpack_describe(data, size, NULL, &type, &is_index, &e);
	if (!j)
		return 0;
	auto_free char *text = json_text(j);
	auto_json again = unpack_describe(text, strlen(text), type, &again_type, &again_index, &e);
	if (!again || again_index != is_index || !json_equal(j, again))
		abort();
	return 0;
}
