/* local, reading. */
#include "engine/log_record.h"

#include <string.h>

enum { OVERHEAD = 8 };

static uint32_t be32(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t frame(const char *p, size_t n)
{
	if (n < 4)
		return 0;
	uint32_t len = be32(p);
	if (len > LOG_RECORD_MAX)
		return -1;
	if (n < (size_t)len + OVERHEAD)
		return 0;
	return be32(p + 4 + len) == len ? (int64_t)len + OVERHEAD : -1;
}

size_t log_local_whole(const char *p, size_t n)
{
	size_t at = 0;
	for (int64_t k; (k = frame(p + at, n - at)) > 0;)
		at += (size_t)k;
	return at;
}

static int64_t last(const char *p, size_t n)
{
	if (n < OVERHEAD)
		return -1;
	uint32_t len = be32(p + n - 4);
	if (len > LOG_RECORD_MAX || n < (size_t)len + OVERHEAD)
		return -1;
	size_t at = n - len - OVERHEAD;
	return be32(p + at) == len ? (int64_t)at : -1;
}

struct cursor {
	const unsigned char *p, *end;
};

static bool varint(struct cursor *c, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; c->p < c->end && shift < 64; shift += 7) {
		*v |= (uint64_t)(*c->p & 0x7F) << shift;
		if (!(*c->p++ & 0x80))
			return true;
	}
	return false;
}

/* A field: its key, and its number or its bytes. */
struct field {
	uint64_t key, value;
	const char *p;
};

static bool next_field(struct cursor *c, struct field *f)
{
	if (!varint(c, &f->key))
		return false;
	switch (f->key & 7) {
	case 0:
		return varint(c, &f->value);
	case 1:
		f->value = 8;
		break;
	case 5:
		f->value = 4;
		break;
	case 2:
		if (varint(c, &f->value))
			break;
		return false;
	default:
		return false;
	}
	if (f->value > (uint64_t)(c->end - c->p))
		return false;
	f->p = (const char *)c->p;
	c->p += f->value;
	return true;
}

/* Is this the line's last piece? */
static bool is_last_piece(const struct field *piece)
{
	struct cursor c = {
		(const unsigned char *)piece->p, (const unsigned char *)piece->p + piece->value};
	struct field f;
	while (c.p < c.end && next_field(&c, &f))
		if (f.key == 1 << 3)
			return f.value != 0;
	return false;
}

static bool parse(const char *p, size_t n, struct buf *scratch, struct log_record *r)
{
	*r = (struct log_record){.attrs = "", .text = ""};
	if (n < OVERHEAD)
		return false;
	struct cursor c = {
		(const unsigned char *)p + 4, (const unsigned char *)p + n - OVERHEAD + 4};
	struct field f;
	bool is_partial = false, is_last = false, has_time = false;
	while (c.p < c.end) {
		if (!next_field(&c, &f))
			return false;
		switch (f.key) {
		case 1 << 3 | 2:
			r->stream =
				f.value == 6 && !memcmp(f.p, "stderr", 6) ? LOG_STDERR : LOG_STDOUT;
			break;
		case 2 << 3:
			r->time_ns = (int64_t)f.value;
			has_time = true;
			break;
		case 3 << 3 | 2:
			r->text = f.p;
			r->len = (size_t)f.value;
			break;
		case 4 << 3:
			is_partial = f.value != 0;
			break;
		case 5 << 3 | 2:
			is_last = is_last_piece(&f);
			break;
		default:
			break;
		}
	}
	scratch->len = 0;
	buf_reserve(scratch, r->len + 2);
	buf_add(scratch, r->text, r->len);
	if (!is_partial || is_last)
		buf_putc(scratch, '\n');
	r->text = scratch->data;
	r->len = scratch->len;
	return has_time;
}

static bool time_of(const char *p, size_t n, int64_t *time_ns)
{
	/* Ours and Docker's begin so: source (8 bytes), time. */
	struct cursor c = {(const unsigned char *)p + 4 + 8, (const unsigned char *)p + n - 4};
	struct field f;
	if (n < OVERHEAD + 10 || p[4] != (1 << 3 | 2) || p[5] != 6 || !next_field(&c, &f) ||
		f.key != 2 << 3)
		return false;
	*time_ns = (int64_t)f.value;
	return true;
}

const struct log_format log_format_local = {
	.frame = frame, .parse = parse, .time = time_of, .last = last};
