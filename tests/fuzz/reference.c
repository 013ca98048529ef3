/* Image references: no crash, and a normalised name is a fixed point. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	auto_free char *text = xstrndup((const char *)data, size);
	auto_reference r, again;
	again = (struct reference){0};
	if (reference_parse(text, true, &r, &e) < 0)
		return 0;
	auto_free char *full = reference_full(&r);
	auto_free char *familiar = reference_familiar(&r);
	if (reference_parse(full, true, &again, &e) < 0)
		abort();
	auto_free char *full_again = reference_full(&again);
	if (strcmp(full, full_again) || strpbrk(full, " \n\\") || strstr(r.path, "..") ||
		!*familiar)
		abort();
	return 0;
}
