/* registries.conf: any text, asked about a few names. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/toml.h"
#include "registry/reference.h"
#include "registry/registries.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct registries *r, const char *name)
{
	struct err e = {0};
	auto_reference ref = {0};
	auto_endpoints places = {0};
	if (reference_parse(name, true, &ref, &e) < 0)
		return;
	if (registries_endpoints(r, &ref, &places, &e) < 0) {
		if (!e.code)
			abort();
		return;
	}
	/* The registry itself is the last place, always. */
	if (!places.n || places.v[places.n - 1].is_mirror)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"debian", "quay.io/a/b:1", "x.example.com/a",
		("[::1]:5000/a@sha256:"
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")};
	struct err e = {0};
	auto_json conf = toml_parse((const char *)data, size, "fuzz.conf", &e);
	if (!conf)
		return 0;
	struct registries *r = xcalloc(1, sizeof(*r));
	r->aliases = json_object();
	if (registries_add(r, conf, "fuzz.conf", &e) == 0) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			auto_strv candidates = STRV_INIT;
			ask(r, names[i]);
			(void)short_name_candidates(r, names[i], &candidates, &e);
			for (size_t k = 0; k < candidates.n; k++)
				ask(r, candidates.v[k]);
		}
	} else if (!e.code) {
		abort();
	}
	(void)registries_add_docker(r, conf, "fuzz.json", &e);
	ask(r, "debian");
	registries_free(r);
	return 0;
}
