/* Image references: no crash, and a normalised name is a fixed point; transports: the parts put
 * together again are what was typed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/reference.h"
#include "registry/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_transport(const char *text)
{
	struct err e = {0};
	if (!transport_is(text))
		return;
	auto_transport t;
	if (transport_parse(text, &t, &e) < 0)
		return;
	const char *kind = transport_name(t.kind);
	size_t path = strlen(kind) + 1, end = path + strlen(t.path);
	if (!*t.path || strncmp(text, kind, strlen(kind)) != 0 ||
		strncmp(text + path, t.path, strlen(t.path)) != 0 ||
		(t.kind != TRANSPORT_DIR && strchr(t.path, ':')) || (t.ref && t.index >= 0))
		abort();
	if (t.ref && t.kind != TRANSPORT_DOCKER_ARCHIVE &&
		(strcmp(text + end + 1, t.ref) != 0 || !transport_ref_valid(t.ref)))
		abort();
	if (!t.ref && t.index < 0 && text[end] && strcmp(text + end, ":") != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	auto_free char *text = xstrndup((const char *)data, size);
	auto_reference r, again;
	again = (struct reference){0};
	look_at_transport(text);
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
