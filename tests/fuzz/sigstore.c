/* Signature manifests, signed payloads, and signatures in base64 of a payload. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/reference.h"
#include "registry/sigstore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing signed with it is in the corpus. */
static const char key[] = "-----BEGIN PUBLIC KEY-----\n"
			  "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
			  "-----END PUBLIC KEY-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	const char *bytes = (const char *)data;
	auto_json list = sigstore_list(bytes, size, &e);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!digest_valid(json_str(json_array_get(list, i), "digest")))
			abort();
	auto_sigstore_claim claim = {0};
	if (sigstore_payload(bytes, size, &claim, &e) == 0 && !digest_valid(claim.digest))
		abort();
	auto_sigstore_claim verified = {0};
	auto_strv keys = STRV_INIT;
	strv_add(&keys, key);
	size_t n = size < 88 ? size : 88;
	auto_free char *signature = xstrndup(bytes, n);
	if (sigstore_verify(bytes + n, size - n, signature, &keys, &verified, &e) == 0)
		abort();
	auto_strv foreign = STRV_INIT;
	strv_addf(&foreign, "base64:%s", signature);
	if (sigstore_verify(bytes, size, "AAAA", &foreign, &verified, &e) == 0)
		abort();
	return 0;
}
