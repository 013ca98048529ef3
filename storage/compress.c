#include "storage/compress.h"
#include "storage/gzip_blocks.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
	OUT_SIZE = 256 * 1024,
	PIECE_MAX = 1 << 30, /* the libraries count in 32 bits */
	GZIP_LEVEL = 3,
	ZSTD_LEVEL = 3,
	ZSTD_LEVEL_MAX = 19,
};

struct compress {
	int fd;
	int (*feed)(struct compress *c, const void *p, size_t n, bool is_end, struct err *e);
	EVP_MD_CTX *hash;
	int64_t written;
	struct gzip_blocks *gzip; /* whichever is used */
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

static int put(void *arg, const void *p, size_t n, struct err *e)
{
	struct compress *c = arg;
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

static int feed_gzip(struct compress *c, const void *p, size_t n, bool is_end, struct err *e)
{
	return is_end ? gzip_blocks_finish(c->gzip, e) : gzip_blocks_add(c->gzip, p, n, e);
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

static void start_gzip(struct compress *c, int level)
{
	c->gzip = gzip_blocks_new(level, gzip_blocks_threads(), put, c);
	c->feed = feed_gzip;
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
	else
		start_gzip(c, level);
	return c;
}

void compress_free(struct compress *c)
{
	if (!c)
		return;
	gzip_blocks_free(c->gzip);
	(void)ZSTD_freeCCtx(c->zstd);
	EVP_MD_CTX_free(c->hash);
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
