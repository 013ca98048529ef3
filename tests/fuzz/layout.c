/* index.json of an image layout and manifest.json of a docker-archive: which image a transport
 * means in them, and one image more in the former, which is found under its name then. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/unpack_layout.h"
#include "engine/transfer/unpack_select.h"
#include "registry/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *const refs[] = {NULL, "latest", "quay.io/a/b:1"};

/* -1: none */
static int select_in(const char *text, size_t n, enum transport_kind kind, const char *ref,
	int64_t index, char digest[72])
{
	struct err e = {0};
	auto_manifest m = {0};
	auto_strv names = STRV_INIT;
	if (manifest_parse(text, n, NULL, &m, &e) < 0 || m.kind != MANIFEST_INDEX)
		return -1;
	auto_json whole = json_parse(text, n, "index.json", &e);
	auto_free bool *wanted = xcalloc(m.n_entries + 1, sizeof(*wanted));
	for (size_t i = 0; i < m.n_entries; i++)
		wanted[i] = true;
	const struct selection s = {.is_one = true, .kind = kind, .ref = ref, .index = index};
	size_t chosen;
	if (selection_in_layout(&s, &m, whole, wanted, &chosen, &names, &e) < 0)
		return -1;
	if (chosen >= m.n_entries || (kind == TRANSPORT_OCI && names.n > 1))
		abort();
	memcpy(digest, m.entries[chosen].digest, 72);
	return (int)chosen;
}

static void select_docker(const char *text, size_t n)
{
	struct err e = {0};
	auto_json list = json_parse(text, n, "manifest.json", &e);
	for (size_t i = 0; list && json_is_array(list) && i < ARRAY_LEN(refs); i++) {
		const struct selection s = {
			.kind = TRANSPORT_DOCKER_ARCHIVE, .ref = refs[i], .index = -1};
		size_t chosen;
		if (selection_in_docker(&s, list, &chosen, &e) == 0 &&
			chosen >= json_array_size(list))
			abort();
	}
}

static void add(const char *text, size_t n)
{
	struct err e = {0};
	auto_buf out = BUF_INIT;
	char digest[72] = "";
	auto_json entry = json_pack("{s:s, s:s, s:i, s:{s:s}}", "mediaType",
		"application/vnd.oci.image.manifest.v1+json", "digest", DIGEST, "size", 400,
		"annotations", "org.opencontainers.image.ref.name", refs[2]);
	if (layout_add(text, n, entry, &out, &e) < 0)
		return;
	if (select_in(out.data, out.len, TRANSPORT_OCI, refs[2], -1, digest) < 0 ||
		strcmp(digest, DIGEST) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	char digest[72];
	size_t n = strlen(text);
	for (size_t i = 0; i < ARRAY_LEN(refs); i++)
		for (int k = TRANSPORT_OCI; k <= TRANSPORT_OCI_ARCHIVE; k++)
			(void)select_in(text, n, (enum transport_kind)k, refs[i], -1, digest);
	(void)select_in(text, n, TRANSPORT_OCI, NULL, 1, digest);
	select_docker(text, n);
	add(text, n);
	return 0;
}
