/* What a credential helper answers. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "registry/credential_helper.h"
#include "registry/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	auto_credentials c = {0};
	int r = credential_helper_parse((const char *)data, size, "docker-credential-x", &c, &e);
	if (r == CREDENTIALS_FOUND && !c.identity_token && !(c.username && c.password))
		abort();
	if (r < 0 && !e.code)
		abort();
	auto_strv servers = STRV_INIT;
	e = (struct err){0};
	if (credential_helper_parse_list((const char *)data, size, "docker-credential-x", &servers,
		    &e) < 0 &&
		!e.code)
		abort();
	return 0;
}
