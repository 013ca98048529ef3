/* Every decompressor of layers and archives, its input in pieces whose size the first byte chooses.
 * In pieces of another size, into room of another size, it must come to the same end with the same
 * bytes; and what is longer than it may be is stopped. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/err.h"
#include "storage/tarsplit.h"
#include "storage/unpack_inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM_MAX = 4096, LENGTH_MAX = 4 << 20 };

struct run {
	const uint8_t *p;
	size_t left, piece, room_size;
	unsigned char room[ROOM_MAX];
	size_t length;
	uint64_t crc;
};

static ssize_t in(void *arg, const unsigned char **p, struct err *e)
{
	struct run *r = arg;
	size_t n = r->left < r->piece ? r->left : r->piece;
	(void)e;
	*p = r->p;
	r->p += n;
	r->left -= n;
	return (ssize_t)n;
}

static ssize_t room(void *arg, unsigned char **p, struct err *e)
{
	struct run *r = arg;
	(void)e;
	*p = r->room;
	return (ssize_t)r->room_size;
}

static int filled(void *arg, size_t n, struct err *e)
{
	struct run *r = arg;
	if (n > r->room_size)
		abort();
	r->crc = tarsplit_crc(r->crc, r->room, n);
	r->length += n;
	return r->length > LENGTH_MAX ? err_set(e, EFBIG, "too long") : 0;
}

/* 0, 1 where it was stopped, -1 where the input is bad. */
static int inflate(const uint8_t *data, size_t size, size_t piece, size_t room_size, uint64_t *crc,
	size_t *length)
{
	struct err e = {0};
	struct run r = {.p = data, .left = size, .piece = piece, .room_size = room_size};
	const struct inflate_io io = {in, room, filled, &r};
	int result = inflate_all(&io, &e);
	if (result < 0 && (!e.code || !e.msg[0]))
		abort();
	*crc = r.crc;
	*length = r.length;
	return result < 0 ? (r.length > LENGTH_MAX ? 1 : -1) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t crc, other_crc;
	size_t length, other_length;
	if (size < 1)
		return 0;
	int r = inflate(data + 1, size - 1, 1 + data[0], ROOM_MAX, &crc, &length);
	int other = inflate(data + 1, size - 1, size, 61, &other_crc, &other_length);
	if (r != other || (r == 0 && (length != other_length || crc != other_crc)))
		abort();
	return 0;
}
