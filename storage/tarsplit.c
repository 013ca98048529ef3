#include "storage/tarsplit.h"
#include "storage/tarsplit_internal.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc64.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

static const char magic[] = "moss-tar-split 1\n";

struct tarsplit_writer {
	int fd;
	ZSTD_CCtx *zstd;
	uint64_t crc; /* of what has been written */
	struct buf raw; /* not yet written as a record */
	char out[64 * 1024];
};

enum { RAW_RECORD_MAX = 256 * 1024 };

static int put(
	struct tarsplit_writer *w, const void *p, size_t n, ZSTD_EndDirective end, struct err *e)
{
	ZSTD_inBuffer in = {p, n, 0};
	for (;;) {
		ZSTD_outBuffer out = {w->out, sizeof(w->out), 0};
		size_t left = ZSTD_compressStream2(w->zstd, &out, &in, end);
		if (ZSTD_isError(left))
			return err_set(e, EIO, "cannot compress: %s", ZSTD_getErrorName(left));
		w->crc = tarsplit_crc(w->crc, w->out, out.pos);
		int r = write_all(w->fd, w->out, out.pos);
		if (r < 0)
			return err_sysn(e, -r, "cannot write tar-split");
		if (in.pos == in.size && (end == ZSTD_e_continue || left == 0))
			return 0;
	}
}

struct tarsplit_writer *tarsplit_writer_new(int dir_fd, const char *name, struct err *e)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_sys(e, "cannot create %s", name);
		return NULL;
	}
	struct tarsplit_writer *w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->zstd = ZSTD_createCCtx();
	if (!w->zstd)
		die_oom();
	(void)ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, 1);
	(void)ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
	if (put(w, magic, sizeof(magic) - 1, ZSTD_e_continue, e) < 0) {
		tarsplit_writer_free(w);
		return NULL;
	}
	return w;
}

void tarsplit_writer_free(struct tarsplit_writer *w)
{
	if (!w)
		return;
	ZSTD_freeCCtx(w->zstd);
	close(w->fd);
	buf_free(&w->raw);
	free(w);
}

static void add_number(struct buf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> (8 * i)));
}

static int flush_raw(struct tarsplit_writer *w, struct err *e)
{
	if (w->raw.len == 0)
		return 0;
	auto_buf head = BUF_INIT;
	buf_putc(&head, 'R');
	add_number(&head, w->raw.len, 4);
	if (put(w, head.data, head.len, ZSTD_e_continue, e) < 0 ||
		put(w, w->raw.data, w->raw.len, ZSTD_e_continue, e) < 0)
		return -e->code;
	w->raw.len = 0;
	return 0;
}

int tarsplit_raw(struct tarsplit_writer *w, const void *p, size_t n, struct err *e)
{
	while (n > 0) {
		size_t room = RAW_RECORD_MAX - w->raw.len;
		size_t k = n < room ? n : room;
		buf_add(&w->raw, p, k);
		p = (const char *)p + k;
		n -= k;
		if (w->raw.len == RAW_RECORD_MAX && flush_raw(w, e) < 0)
			return -e->code;
	}
	return 0;
}

int tarsplit_file(struct tarsplit_writer *w, const struct tar_entry *en, const char *path,
	uint64_t key, uint64_t crc, struct err *e)
{
	if (flush_raw(w, e) < 0)
		return -e->code;
	auto_buf b = BUF_INIT;
	size_t n = strlen(path);
	buf_putc(&b, en->is_sparse ? 'S' : 'F');
	add_number(&b, en->stored, 8);
	add_number(&b, key, 8);
	add_number(&b, crc, 8);
	add_number(&b, n, 2);
	buf_add(&b, path, n);
	if (en->is_sparse) {
		add_number(&b, en->n_extents, 4);
		for (size_t i = 0; i < en->n_extents; i++) {
			add_number(&b, en->extents[i].offset, 8);
			add_number(&b, en->extents[i].len, 8);
		}
	}
	return put(w, b.data, b.len, ZSTD_e_continue, e);
}

int tarsplit_finish(
	struct tarsplit_writer *w, uint64_t length, const unsigned char sha256[32], struct err *e)
{
	if (flush_raw(w, e) < 0)
		return -e->code;
	auto_buf b = BUF_INIT;
	buf_putc(&b, 'E');
	add_number(&b, length, 8);
	buf_add(&b, sha256, 32);
	if (put(w, b.data, b.len, ZSTD_e_end, e) < 0)
		return -e->code;
	b.len = 0;
	add_number(&b, TARSPLIT_TRAILER_MAGIC, 4);
	add_number(&b, 8, 4);
	add_number(&b, w->crc, 8);
	int r = write_all(w->fd, b.data, b.len);
	return r < 0 ? err_sysn(e, -r, "cannot write tar-split") : 0;
}

uint64_t tarsplit_crc(uint64_t crc, const void *p, size_t n) { return crc64_ecma_refl(crc, p, n); }
