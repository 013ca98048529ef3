/* What a token server answers: never a header of two lines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "registry/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct auth a = {.wants_identity = true};
	int r = auth_take_answer(&a, (const char *)data, size, "https://x", &e);
	if ((r == 0) != (a.header != NULL) || (a.header && strpbrk(a.header, "\r\n")))
		abort();
	if (a.refresh_token && strpbrk(a.refresh_token, "\r\n \t"))
		abort();
	auth_deinit(&a);
	return 0;
}
