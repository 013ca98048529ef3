/* The tar reader, in chunks whose size the first byte chooses: every byte of the stream must come
 * out exactly once, as header or as content. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "storage/unpack_tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	const uint8_t *data;
	size_t left, step, raw;
};

static ssize_t source_next(void *arg, const unsigned char **p, struct err *e)
{
	struct source *s = arg;
	(void)e;
	size_t n = s->left < s->step ? s->left : s->step;
	*p = s->data;
	s->data += n;
	s->left -= n;
	return (ssize_t)n;
}

static int source_raw(void *arg, const void *p, size_t n, struct err *e)
{
	struct source *s = arg;
	(void)p, (void)e;
	s->raw += n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct source s = {data + 1, size - 1, (size_t)data[0] * 16 + 1, 0};
	const struct tar_io io = {.next = source_next, .raw = source_raw, .arg = &s};
	struct tar_reader *t = tar_reader_new(&io);
	const struct tar_entry *en;
	const unsigned char *p;
	struct err e;
	size_t content = 0;
	int r;
	while ((r = tar_next(t, &en, &e)) > 0) {
		uint64_t got = 0;
		ssize_t n;
		while ((n = tar_data(t, &p, &e)) > 0)
			got += (uint64_t)n;
		if (!*en->path || (n == 0 && got != en->stored))
			abort();
		content += got;
	}
	if (r == 0 && s.raw + content != size - 1)
		abort();
	tar_reader_free(t);
	return 0;
}
