#include "storage/deflate.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum { FAST_MAX = 3 }; /* isa-l's highest level */

struct deflate {
	bool is_fast;
	int level;
	struct isal_zstream fast; /* whichever is used */
	unsigned char *fast_room;
	z_stream dense;
};

static const uint32_t fast_rooms[] = {
	ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};

struct deflate *deflate_new(int level)
{
	enum { RAW_WINDOW = -15, MEMORY = 8 };
	struct deflate *d = xcalloc(1, sizeof(*d));
	d->level = level;
	d->is_fast = level <= FAST_MAX;
	if (d->is_fast)
		d->fast_room = xmalloc(fast_rooms[level] + 1);
	else if (deflateInit2(&d->dense, level, Z_DEFLATED, RAW_WINDOW, MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		die_oom();
	return d;
}

void deflate_free(struct deflate *d)
{
	if (!d)
		return;
	if (!d->is_fast)
		(void)deflateEnd(&d->dense);
	free(d->fast_room);
	free(d);
}

/* A literal has at most 9 bits of the fixed code; trees and marks are small. */
size_t deflate_room(size_t n) { return n + n / 8 + 64 * 1024; }

static int fast_block(struct deflate *d, const unsigned char *p, size_t n, size_t dictionary,
	unsigned char *out, size_t room, size_t *made)
{
	struct isal_zstream *s = &d->fast;
	isal_deflate_init(s);
	s->level = (uint32_t)d->level;
	s->level_buf = d->fast_room;
	s->level_buf_size = fast_rooms[d->level];
	s->flush = SYNC_FLUSH;
	if (dictionary && isal_deflate_set_dict(s, (uint8_t *)(uintptr_t)(p - dictionary),
				  (uint32_t)dictionary) != COMP_OK)
		return -EIO;
	s->next_in = (uint8_t *)(uintptr_t)p;
	s->avail_in = (uint32_t)n;
	s->next_out = out;
	s->avail_out = (uint32_t)room;
	if (isal_deflate(s) != COMP_OK || s->avail_in || !s->avail_out)
		return -EIO;
	*made = room - s->avail_out;
	return 0;
}

static int dense_block(struct deflate *d, const unsigned char *p, size_t n, size_t dictionary,
	unsigned char *out, size_t room, size_t *made)
{
	z_stream *s = &d->dense;
	if (deflateReset(s) != Z_OK)
		return -EIO;
	if (dictionary && deflateSetDictionary(s, p - dictionary, (uInt)dictionary) != Z_OK)
		return -EIO;
	s->next_in = (Bytef *)(uintptr_t)p;
	s->avail_in = (uInt)n;
	s->next_out = out;
	s->avail_out = (uInt)room;
	if (deflate(s, Z_SYNC_FLUSH) != Z_OK || s->avail_in || !s->avail_out)
		return -EIO;
	*made = room - s->avail_out;
	return 0;
}

int deflate_block(struct deflate *d, const unsigned char *p, size_t n, size_t dictionary,
	unsigned char *out, size_t room, size_t *made)
{
	*made = 0;
	if (!n)
		return 0;
	return d->is_fast ? fast_block(d, p, n, dictionary, out, room, made)
			  : dense_block(d, p, n, dictionary, out, room, made);
}
