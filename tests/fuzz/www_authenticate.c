/* WWW-Authenticate: one header a line. */
#include <stdint.h>
#include <stdlib.h>

#include "base/scope.h"
#include "base/str.h"
#include "registry/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_strv lines = STRV_INIT;
	auto_challenge c = CHALLENGE_INIT;
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++)
		challenge_read(&c, lines.v[i]);
	if (c.kind == CHALLENGE_BEARER && !c.realm)
		abort();
	return 0;
}
