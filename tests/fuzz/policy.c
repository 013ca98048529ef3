/* policy.json, and the YAML of registries.d: any text. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/policy.h"
#include "registry/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const json_t *document)
{
	struct err e = {0};
	struct policy p = {.document = (json_t *)document};
	auto_reference ref = {0};
	auto_strv scopes = STRV_INIT;
	if (reference_parse("quay.io/a/b:1", true, &ref, &e) < 0)
		abort();
	policy_scopes(&ref, &scopes);
	const json_t *list = policy_requirements(&p, "docker", &scopes);
	/* A checked document always asks for something. */
	if (!json_array_size(list))
		abort();
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *why;
		(void)policy_verdict(json_array_get(list, i), &why);
		(void)policy_identity_matches(json_array_get(list, i), &ref, "quay.io/a/b:1");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	auto_json document = json_parse((const char *)data, size, "policy.json", &e);
	if (document && policy_check(document, "policy.json", &e) == 0)
		ask(document);
	auto_free char *text = xstrndup((const char *)data, size);
	auto_json config = json_object();
	e = (struct err){0};
	if (policy_read_yaml(text, "x.yaml", config, &e) < 0 && !e.code)
		abort();
	free(json_text(config));
	return 0;
}
