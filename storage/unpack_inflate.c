#include "storage/unpack_inflate.h"
#include "storage/unpack_stream.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <archive.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* Input with one look at its first bytes. */
struct input {
	const struct inflate_io *io;
	const unsigned char *p;
	size_t n;
	bool at_end;
	unsigned char head[512]; /* collected while the first pieces were too short to judge by */
	const unsigned char *rest;
	size_t rest_n;
};

/* Makes in->n > 0 unless the input ends. */
static int more(struct input *in, struct err *e)
{
	if (in->n == 0 && in->rest_n > 0) {
		in->p = in->rest;
		in->n = in->rest_n;
		in->rest_n = 0;
	}
	while (in->n == 0 && !in->at_end) {
		ssize_t r = in->io->in(in->io->arg, &in->p, e);
		if (r < 0)
			return (int)r;
		in->n = (size_t)r;
		in->at_end = r == 0;
	}
	return 0;
}

enum { HEAD_WANTED = 6 };

/* Sees to it that the first HEAD_WANTED bytes stand in one piece. A pipe may give single bytes. */
static int peek(struct input *in, struct err *e)
{
	if (more(in, e) < 0)
		return -e->code;
	if (in->n >= HEAD_WANTED || in->at_end)
		return 0;
	size_t have = 0;
	while (have < HEAD_WANTED && !in->at_end) {
		size_t k = in->n < sizeof(in->head) - have ? in->n : sizeof(in->head) - have;
		memcpy(in->head + have, in->p, k);
		have += k;
		in->p += k;
		in->n -= k;
		if (have < HEAD_WANTED && more(in, e) < 0)
			return -e->code;
	}
	in->rest = in->p;
	in->rest_n = in->n;
	in->p = in->head;
	in->n = have;
	return 0;
}

static int corrupt(struct err *e, const char *what, const char *why)
{
	return err_set(e, EBADMSG, "%s data is corrupt: %s", what, why);
}

static int cut_off(struct err *e, const char *what) { return corrupt(e, what, "unexpected EOF"); }

static int inflate_none(struct input *in, struct err *e)
{
	const struct inflate_io *io = in->io;
	unsigned char *room;
	for (;;) {
		if (more(in, e) < 0)
			return -e->code;
		if (in->n == 0)
			return 0;
		ssize_t size = io->room(io->arg, &room, e);
		if (size < 0)
			return (int)size;
		size_t k = in->n < (size_t)size ? in->n : (size_t)size;
		memcpy(room, in->p, k);
		in->p += k;
		in->n -= k;
		if (io->filled(io->arg, k, e) < 0)
			return -e->code;
	}
}

/* One gzip member: header, deflate stream, checksum. */
static int gzip_member(struct input *in, struct inflate_state *z, struct err *e)
{
	const struct inflate_io *io = in->io;
	unsigned char *room;
	while (z->block_state != ISAL_BLOCK_FINISH) {
		if (more(in, e) < 0)
			return -e->code;
		ssize_t size = io->room(io->arg, &room, e);
		if (size < 0)
			return (int)size;
		uint32_t step = in->n < (1 << 30) ? (uint32_t)in->n : 1 << 30;
		z->next_in = (uint8_t *)in->p;
		z->avail_in = step;
		z->next_out = room;
		z->avail_out = (uint32_t)size;
		int r = isal_inflate(z);
		size_t used = step - z->avail_in, made = (size_t)size - z->avail_out;
		in->p += used;
		in->n -= used;
		if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT && r != ISAL_OUT_OVERFLOW)
			return corrupt(e, "gzip",
				r == ISAL_INCORRECT_CHECKSUM ? "checksum error" : "invalid stream");
		if (made > 0 && io->filled(io->arg, made, e) < 0)
			return -e->code;
		if (used == 0 && made == 0 && in->at_end && z->block_state != ISAL_BLOCK_FINISH)
			return cut_off(e, "gzip");
		if (used == 0 && made == 0 && !in->at_end && in->n > 0)
			return corrupt(e, "gzip", "invalid stream");
	}
	return 0;
}

static int inflate_gzip(struct input *in, struct err *e)
{
	auto_free struct inflate_state *z = xmalloc(sizeof(*z));
	isal_inflate_init(z);
	for (;;) {
		z->crc_flag = ISAL_GZIP;
		int r = gzip_member(in, z, e);
		if (r < 0)
			return r;
		if (more(in, e) < 0)
			return -e->code;
		if (in->n == 0)
			return 0;
		isal_inflate_reset(z);
	}
}

static int zstd_loop(struct input *in, ZSTD_DCtx *z, struct err *e)
{
	const struct inflate_io *io = in->io;
	unsigned char *room;
	size_t left = 0;
	for (;;) {
		if (more(in, e) < 0)
			return -e->code;
		if (in->n == 0 && left == 0)
			return 0;
		ssize_t size = io->room(io->arg, &room, e);
		if (size < 0)
			return (int)size;
		ZSTD_inBuffer src = {in->p, in->n, 0};
		ZSTD_outBuffer dst = {room, (size_t)size, 0};
		left = ZSTD_decompressStream(z, &dst, &src);
		if (ZSTD_isError(left))
			return corrupt(e, "zstd", ZSTD_getErrorName(left));
		in->p += src.pos;
		in->n -= src.pos;
		if (dst.pos > 0 && io->filled(io->arg, dst.pos, e) < 0)
			return -e->code;
		if (src.size == 0 && dst.pos == 0 && left != 0)
			return cut_off(e, "zstd");
	}
}

static int inflate_zstd(struct input *in, struct err *e)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	if (!z)
		die_oom();
	(void)ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	int r = zstd_loop(in, z, e);
	ZSTD_freeDCtx(z);
	return r;
}

static int xz_failed(lzma_ret r, struct err *e)
{
	switch (r) {
	case LZMA_MEM_ERROR:
		die_oom();
	case LZMA_MEMLIMIT_ERROR:
		return err_set(e, EFBIG,
			"xz data wants more than %d MiB of memory to be read: refused",
			XZ_MEMORY_MAX >> 20);
	case LZMA_BUF_ERROR:
		return cut_off(e, "xz");
	default:
		return corrupt(e, "xz", "invalid stream");
	}
}

/* libarchive would read it, too, but with up to a gigabyte of memory, as the data asks. */
static int inflate_xz(struct input *in, struct err *e)
{
	const struct inflate_io *io = in->io;
	lzma_stream z = LZMA_STREAM_INIT;
	unsigned char *room;
	lzma_ret r = lzma_stream_decoder(&z, XZ_MEMORY_MAX, LZMA_CONCATENATED);
	int failed = 0;
	while (r == LZMA_OK && failed == 0) {
		ssize_t size = more(in, e) < 0 ? -e->code : io->room(io->arg, &room, e);
		if (size < 0) {
			failed = (int)size;
			break;
		}
		z.next_in = in->p;
		z.avail_in = in->n;
		z.next_out = room;
		z.avail_out = (size_t)size;
		r = lzma_code(&z, in->n ? LZMA_RUN : LZMA_FINISH);
		in->p += in->n - z.avail_in;
		in->n = z.avail_in;
		size_t made = (size_t)size - z.avail_out;
		if (made > 0)
			failed = io->filled(io->arg, made, e);
	}
	lzma_end(&z);
	if (failed < 0)
		return failed;
	return r == LZMA_STREAM_END ? 0 : xz_failed(r, e);
}

/* ---- the rare ones, through libarchive ---- */

struct archive_input {
	struct input *in;
	struct err *e;
	bool failed;
};

static la_ssize_t archive_more(struct archive *a, void *arg, const void **p)
{
	struct archive_input *ai = arg;
	if (more(ai->in, ai->e) < 0) {
		ai->failed = true;
		archive_set_error(a, EIO, "read error");
		return -1;
	}
	*p = ai->in->p;
	size_t n = ai->in->n;
	ai->in->n = 0;
	return (la_ssize_t)n;
}

static int archive_failed(struct archive *a, struct archive_input *ai, struct err *e)
{
	const char *why = archive_error_string(a);
	return ai->failed ? -e->code : corrupt(e, "compressed", why ? why : "invalid stream");
}

static int archive_loop(struct input *in, struct archive *a, struct err *e)
{
	const struct inflate_io *io = in->io;
	struct archive_input ai = {.in = in, .e = e};
	struct archive_entry *entry;
	unsigned char *room;
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_compress(a);
	archive_read_support_format_raw(a);
	if (archive_read_open(a, &ai, NULL, archive_more, NULL) != ARCHIVE_OK ||
		archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return archive_failed(a, &ai, e);
	for (;;) {
		ssize_t size = io->room(io->arg, &room, e);
		if (size < 0)
			return (int)size;
		la_ssize_t n = archive_read_data(a, room, (size_t)size);
		if (n < 0)
			return archive_failed(a, &ai, e);
		if (n == 0)
			return 0;
		if (io->filled(io->arg, (size_t)n, e) < 0)
			return -e->code;
	}
}

static int inflate_archive(struct input *in, struct err *e)
{
	struct archive *a = archive_read_new();
	if (!a)
		die_oom();
	int r = archive_loop(in, a, e);
	archive_read_free(a);
	/* What stands behind the compressed data belongs to the blob's digest. */
	while (r == 0 && (r = more(in, e)) == 0 && in->n > 0)
		in->n = 0;
	return r;
}

/* ---- which it is ---- */

enum kind { KIND_NONE, KIND_GZIP, KIND_ZSTD, KIND_XZ, KIND_ARCHIVE };

static bool starts(const unsigned char *p, size_t n, const void *with, size_t len)
{
	return n >= len && !memcmp(p, with, len);
}

static enum kind kind_of(const unsigned char *p, size_t n)
{
	if (starts(p, n, "\x1f\x8b\x08", 3))
		return KIND_GZIP;
	if (starts(p, n, "\x28\xb5\x2f\xfd", 4) ||
		(n >= 4 && (p[0] & 0xf0) == 0x50 && !memcmp(p + 1, "\x2a\x4d\x18", 3)))
		return KIND_ZSTD;
	if (starts(p, n, "\xfd\x37zXZ", 6))
		return KIND_XZ;
	if (starts(p, n, "BZh", 3) || starts(p, n, "\x1f\x9d", 2))
		return KIND_ARCHIVE;
	return KIND_NONE;
}

bool inflate_is_compressed(const void *head, size_t n) { return kind_of(head, n) != KIND_NONE; }

int inflate_all(const struct inflate_io *io, struct err *e)
{
	static int (*const all[])(struct input * in, struct err * e) = {
		[KIND_NONE] = inflate_none,
		[KIND_GZIP] = inflate_gzip,
		[KIND_ZSTD] = inflate_zstd,
		[KIND_XZ] = inflate_xz,
		[KIND_ARCHIVE] = inflate_archive,
	};
	struct input in = {.io = io};
	if (peek(&in, e) < 0)
		return -e->code;
	return all[kind_of(in.p, in.n)](&in, e);
}
