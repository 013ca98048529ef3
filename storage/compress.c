#include "storage/compress.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	OUT_SIZE = 256 * 1024,
	PIECE_MAX = 1 << 30, /* the libraries count in 32 bits */
	GZIP_LEVEL = 3,
	GZIP_FAST_MAX = 3, /* isa-l's highest */
	GZIP_LEVEL_MAX = 9,
	ZSTD_LEVEL = 3,
	ZSTD_LEVEL_MAX = 19,
};

struct compress {
	int fd;
	int (*feed)(struct compress *c, const void *p, size_t n, bool is_end, struct err *e);
	EVP_MD_CTX *hash;
	int64_t written;
	struct isal_zstream fast; /* whichever is used */
	unsigned char *fast_room;
	z_stream *dense;
	ZSTD_CCtx *zstd;
	unsigned char out[OUT_SIZE];
};

int compress_kind_parse(const char *text, enum compress_kind *out, struct err *e)
{
	static const char *const names[] = {"none", "gzip", "zstd"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(text, names[i])) {
			*out = (enum compress_kind)i;
			return 0;
		}
	return err_set(e, EINVAL, "unknown compression: %s", text);
}

static int put(struct compress *c, const void *p, size_t n, struct err *e)
{
	if (!n)
		return 0;
	(void)EVP_DigestUpdate(c->hash, p, n);
	c->written += (int64_t)n;
	int r = write_all(c->fd, p, n);
	return r < 0 ? err_sysn(e, -r, "cannot write the layer") : 0;
}

static int feed_plain(struct compress *c, const void *p, size_t n, bool is_end, struct err *e)
{
	(void)is_end;
	return put(c, p, n, e);
}

static int feed_fast(struct compress *c, const void *p, size_t n, bool is_end, struct err *e)
{
	struct isal_zstream *s = &c->fast;
	s->next_in = (uint8_t *)(uintptr_t)p;
	s->avail_in = (uint32_t)n;
	s->end_of_stream = is_end;
	do {
		s->next_out = c->out;
		s->avail_out = sizeof(c->out);
		if (isal_deflate(s) != COMP_OK)
			return err_set(e, EIO, "cannot compress the layer");
		if (put(c, c->out, sizeof(c->out) - s->avail_out, e) < 0)
			return -e->code;
	} while (s->avail_out == 0);
	return 0;
}

static int feed_dense(struct compress *c, const void *p, size_t n, bool is_end, struct err *e)
{
	z_stream *s = c->dense;
	s->next_in = (Bytef *)(uintptr_t)p;
	s->avail_in = (uInt)n;
	do {
		s->next_out = c->out;
		s->avail_out = sizeof(c->out);
		if (deflate(s, is_end ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
			return err_set(e, EIO, "cannot compress the layer");
		if (put(c, c->out, sizeof(c->out) - s->avail_out, e) < 0)
			return -e->code;
	} while (s->avail_out == 0);
	return 0;
}

static int feed_zstd(struct compress *c, const void *p, size_t n, bool is_end, struct err *e)
{
	ZSTD_inBuffer in = {p, n, 0};
	size_t left;
	do {
		ZSTD_outBuffer out = {c->out, sizeof(c->out), 0};
		left = ZSTD_compressStream2(
			c->zstd, &out, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return err_set(
				e, EIO, "cannot compress the layer: %s", ZSTD_getErrorName(left));
		if (put(c, c->out, out.pos, e) < 0)
			return -e->code;
	} while (is_end ? left > 0 : in.pos < in.size);
	return 0;
}

static void start_fast(struct compress *c, int level)
{
	static const uint32_t rooms[] = {ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT,
		ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
	isal_deflate_init(&c->fast);
	c->fast.gzip_flag = IGZIP_GZIP;
	c->fast.level = (uint32_t)level;
	c->fast.level_buf_size = rooms[level];
	c->fast_room = rooms[level] ? xmalloc(rooms[level]) : NULL;
	c->fast.level_buf = c->fast_room;
	c->feed = feed_fast;
}

static void start_dense(struct compress *c, int level)
{
	enum { GZIP_WINDOW = 15 + 16, MEMORY = 8 };
	c->dense = xcalloc(1, sizeof(*c->dense));
	if (deflateInit2(c->dense, level, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		die_oom();
	c->feed = feed_dense;
}

static void start_zstd(struct compress *c, int level)
{
	c->zstd = ZSTD_createCCtx();
	if (!c->zstd)
		die_oom();
	(void)ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, level);
	c->feed = feed_zstd;
}

/* In place of the default, or -EINVAL. */
static int check_level(enum compress_kind kind, int *level, struct err *e)
{
	static const int usual[] = {0, GZIP_LEVEL, ZSTD_LEVEL}, least[] = {0, 0, 1},
			 most[] = {0, GZIP_LEVEL_MAX, ZSTD_LEVEL_MAX};
	if (*level == COMPRESS_LEVEL_DEFAULT || kind == COMPRESS_NONE)
		*level = usual[kind];
	if (*level >= least[kind] && *level <= most[kind])
		return 0;
	return err_set(e, EINVAL, "compression level %d: %s has %d to %d", *level,
		kind == COMPRESS_GZIP ? "gzip" : "zstd", least[kind], most[kind]);
}

struct compress *compress_new(int fd, enum compress_kind kind, int level, struct err *e)
{
	if (check_level(kind, &level, e) < 0)
		return NULL;
	struct compress *c = xcalloc(1, sizeof(*c));
	c->fd = fd;
	c->hash = EVP_MD_CTX_new();
	if (!c->hash || EVP_DigestInit_ex(c->hash, EVP_sha256(), NULL) != 1)
		die_oom();
	if (kind == COMPRESS_NONE)
		c->feed = feed_plain;
	else if (kind == COMPRESS_ZSTD)
		start_zstd(c, level);
	else if (level <= GZIP_FAST_MAX)
		start_fast(c, level);
	else
		start_dense(c, level);
	return c;
}

void compress_free(struct compress *c)
{
	if (!c)
		return;
	if (c->dense)
		(void)deflateEnd(c->dense);
	free(c->dense);
	(void)ZSTD_freeCCtx(c->zstd);
	EVP_MD_CTX_free(c->hash);
	free(c->fast_room);
	free(c);
}

int compress_add(struct compress *c, const void *p, size_t n, struct err *e)
{
	const unsigned char *at = p;
	for (size_t k; n > 0; at += k, n -= k) {
		k = n < PIECE_MAX ? n : PIECE_MAX;
		if (c->feed(c, at, k, false, e) < 0)
			return -e->code;
	}
	return 0;
}

int compress_finish(struct compress *c, char digest[72], int64_t *size, struct err *e)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	if (c->feed(c, "", 0, true, e) < 0)
		return -e->code;
	(void)EVP_DigestFinal_ex(c->hash, md, NULL);
	memcpy(digest, "sha256:", 7);
	hex_encode(digest + 7, md, 32);
	*size = c->written;
	return 0;
}
