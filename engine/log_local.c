/* local, writing: Docker's records. */
#include "engine/log_record.h"
#include "engine/log_write.h"

#include <string.h>

static void put_varint(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_putc(out, (char)(v | 0x80));
	buf_putc(out, (char)v);
}

static size_t varint_len(uint64_t v)
{
	size_t n = 1;
	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

/* Field numbers with their wire types: 0 = varint, 2 = length and bytes. */
enum {
	SOURCE = 1 << 3 | 2,
	TIME = 2 << 3,
	LINE = 3 << 3 | 2,
	PARTIAL = 4 << 3,
	PIECE = 5 << 3 | 2,
	PIECE_LAST = 1 << 3,
	PIECE_ID = 2 << 3 | 2,
	PIECE_ORDINAL = 3 << 3,
};

static void put_be32(struct buf *out, size_t v)
{
	const unsigned char b[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
		(unsigned char)(v >> 8), (unsigned char)v};
	buf_add(out, b, 4);
}

static size_t piece_len(const struct log_piece *p)
{
	return (p->ends_line ? 2 : 0) + 2 + 64 + 1 + varint_len(p->ordinal);
}

static size_t message_len(const struct log_piece *p)
{
	size_t n = 2 + 6 + 1 + varint_len((uint64_t)p->time_ns);
	if (p->len)
		n += 1 + varint_len(p->len) + p->len;
	if (p->ordinal)
		n += 2 + 2 + piece_len(p);
	return n;
}

void log_local_put(struct log_writer *w, const struct log_piece *p)
{
	struct buf *out = &w->out;
	size_t n = message_len(p);
	buf_reserve(out, n + 8);
	put_be32(out, n);
	buf_putc(out, SOURCE);
	buf_putc(out, 6);
	buf_add(out, p->stream == LOG_STDERR ? "stderr" : "stdout", 6);
	buf_putc(out, TIME);
	put_varint(out, (uint64_t)p->time_ns);
	if (p->len) {
		buf_putc(out, LINE);
		put_varint(out, p->len);
		buf_add(out, p->text, p->len);
	}
	if (p->ordinal) {
		buf_putc(out, PARTIAL);
		buf_putc(out, 1);
		buf_putc(out, PIECE);
		put_varint(out, piece_len(p));
		if (p->ends_line) {
			buf_putc(out, PIECE_LAST);
			buf_putc(out, 1);
		}
		buf_putc(out, PIECE_ID);
		buf_putc(out, 64);
		buf_add(out, p->line_id, 64);
		buf_putc(out, PIECE_ORDINAL);
		put_varint(out, p->ordinal);
	}
	put_be32(out, n);
}
