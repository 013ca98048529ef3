/* The "auths" of a credentials file. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/credentials.h"
#include "registry/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	auto_json j = json_parse((const char *)data, size, "auths", &e);
	if (!j)
		return 0;
	auto_reference ref;
	if (reference_parse("quay.io/a/b", true, &ref, &e) < 0)
		abort();
	auto_credentials c;
	int r = credentials_from_auths(json_at(j, "auths"), &ref, &c);
	if (r == CREDENTIALS_FOUND && !c.username && !c.identity_token && !c.registry_token)
		abort();
	return 0;
}
