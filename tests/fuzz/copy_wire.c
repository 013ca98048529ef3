/* One message between the two sides of a copy. */
#include "engine/copy_wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire w;
	wire_init(&w, -1);
	if (wire_parse(&w, (const char *)data, size) >= 0) {
		const struct wire_message *m = &w.in;
		if (m->kind == WIRE_ENTRY && (!m->entry.path || !m->entry.path[0]))
			abort();
		if (m->kind == WIRE_ERROR &&
			(m->e.code <= 0 || strlen(m->e.msg) >= sizeof(m->e.msg)))
			abort();
		if ((m->kind == WIRE_SEND || m->kind == WIRE_RECEIVE) && (!m->path || !m->name))
			abort();
	}
	wire_deinit(&w);
	return 0;
}
