/* TOML: any bytes; what is understood can be written as JSON. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	auto_json j = toml_parse((const char *)data, size, "fuzz.toml", &e);
	if (!j && (!e.code || !e.msg[0]))
		abort();
	if (j)
		free(json_text(j));
	return 0;
}
