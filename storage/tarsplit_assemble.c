#include "storage/tarsplit.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

static const char magic[] = "moss-tar-split 1\n";

enum { WINDOW_LOG_MAX = 23, PIECE = 256 * 1024 };

/* The description is a file of our own, but a disk may have altered it: nothing in it is believed
 * further than the checks at the end reach. */
struct assembler {
	int fd, diff_fd, replaced_fd;
	ZSTD_DCtx *zstd;
	ZSTD_inBuffer in;
	bool at_frame_end;
	EVP_MD_CTX *hash;
	uint64_t length;
	tarsplit_sink sink;
	void *arg;
	unsigned char compressed[64 * 1024];
	unsigned char piece[PIECE];
};

static int damaged(struct err *e) { return err_set(e, EBADMSG, "tar-split is damaged"); }

static int get(struct assembler *a, void *to, size_t n, struct err *e)
{
	ZSTD_outBuffer out = {to, n, 0};
	while (out.pos < n) {
		size_t before = out.pos;
		size_t r = ZSTD_decompressStream(a->zstd, &out, &a->in);
		if (ZSTD_isError(r))
			return damaged(e);
		a->at_frame_end = r == 0;
		if (out.pos > before || a->in.pos < a->in.size)
			continue;
		ssize_t k = read(a->fd, a->compressed, sizeof(a->compressed));
		if (k < 0)
			return err_sys(e, "cannot read tar-split");
		if (k == 0)
			return damaged(e);
		a->in = (ZSTD_inBuffer){a->compressed, (size_t)k, 0};
	}
	return 0;
}

static int get_number(struct assembler *a, int bytes, uint64_t *v, struct err *e)
{
	unsigned char b[8];
	*v = 0;
	if (get(a, b, (size_t)bytes, e) < 0)
		return -e->code;
	for (int i = bytes; i-- > 0;)
		*v = *v << 8 | b[i];
	return 0;
}

static int emit(struct assembler *a, const void *p, size_t n, struct err *e)
{
	(void)EVP_DigestUpdate(a->hash, p, n);
	a->length += n;
	return a->sink(a->arg, p, n, e);
}

static int assemble_raw(struct assembler *a, struct err *e)
{
	uint64_t n = 0;
	if (get_number(a, 4, &n, e) < 0)
		return -e->code;
	while (n > 0) {
		size_t k = n < PIECE ? (size_t)n : PIECE;
		if (get(a, a->piece, k, e) < 0 || emit(a, a->piece, k, e) < 0)
			return -e->code;
		n -= k;
	}
	return 0;
}

static int open_content(struct assembler *a, const char *path, uint64_t key, struct err *e)
{
	struct stat st;
	char name[24];
	snprintf(name, sizeof(name), "%llu", (unsigned long long)key);
	/* Non-blocking, should something else than a file stand there. */
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK, fd = -ENOENT;
	if (a->replaced_fd >= 0)
		fd = path_open_in(a->replaced_fd, name, flags, 0);
	if (fd < 0)
		fd = path_open_in(a->diff_fd, path, flags, 0);
	if (fd < 0)
		return err_sysn(e, -fd, "cannot open %s of the layer", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return err_set(e, EBADMSG, "%s of the layer is not a file any more", path);
}

/* len bytes from `offset`; *crc goes on. */
static int copy_range(struct assembler *a, int fd, const char *path, uint64_t offset, uint64_t len,
	uint64_t *crc, struct err *e)
{
	while (len > 0) {
		size_t want = len < PIECE ? (size_t)len : PIECE;
		ssize_t k = pread(fd, a->piece, want, (off_t)offset);
		if (k < 0)
			return err_sys(e, "cannot read %s of the layer", path);
		if (k == 0)
			return err_set(e, EBADMSG, "%s of the layer is shorter than it was", path);
		*crc = tarsplit_crc(*crc, a->piece, (size_t)k);
		if (emit(a, a->piece, (size_t)k, e) < 0)
			return -e->code;
		offset += (uint64_t)k;
		len -= (uint64_t)k;
	}
	return 0;
}

static int assemble_file(struct assembler *a, bool is_sparse, struct err *e)
{
	uint64_t size = 0, key = 0, crc = 0, n = 0;
	uint64_t pieces = 1, offset = 0, len, seen = 0, total = 0;
	char path[TAR_PATH_MAX + 1];
	if (get_number(a, 8, &size, e) < 0 || get_number(a, 8, &key, e) < 0 ||
		get_number(a, 8, &crc, e) < 0 || get_number(a, 2, &n, e) < 0)
		return -e->code;
	if (n > TAR_PATH_MAX)
		return damaged(e);
	if (get(a, path, n, e) < 0)
		return -e->code;
	path[n] = '\0';
	if (is_sparse && get_number(a, 4, &pieces, e) < 0)
		return -e->code;
	auto_fd fd = open_content(a, path, key, e);
	if (fd < 0)
		return fd;
	for (uint64_t i = 0; i < pieces; i++) {
		len = size;
		if (is_sparse &&
			(get_number(a, 8, &offset, e) < 0 || get_number(a, 8, &len, e) < 0))
			return -e->code;
		if (offset > INT64_MAX || len > size - total)
			return damaged(e);
		if (copy_range(a, fd, path, offset, len, &seen, e) < 0)
			return -e->code;
		total += len;
	}
	if (total != size)
		return damaged(e);
	return seen == crc ? 0 : err_set(e, EBADMSG, "%s of the layer has been altered", path);
}

/* The compressed frame has a checksum of its own at its end. */
static int check_frame_end(struct assembler *a, struct err *e)
{
	unsigned char beyond;
	ZSTD_outBuffer out = {&beyond, 1, 0};
	while (!a->at_frame_end) {
		size_t r = ZSTD_decompressStream(a->zstd, &out, &a->in);
		if (ZSTD_isError(r) || out.pos > 0)
			return damaged(e);
		a->at_frame_end = r == 0;
		if (r == 0)
			break;
		ssize_t k = read(a->fd, a->compressed, sizeof(a->compressed));
		if (k < 0)
			return err_sys(e, "cannot read tar-split");
		if (k == 0)
			return damaged(e);
		a->in = (ZSTD_inBuffer){a->compressed, (size_t)k, 0};
	}
	return 0;
}

static int assemble_end(struct assembler *a, struct err *e)
{
	uint64_t length = 0;
	unsigned char wanted[32], computed[EVP_MAX_MD_SIZE];
	if (get_number(a, 8, &length, e) < 0 || get(a, wanted, sizeof(wanted), e) < 0 ||
		check_frame_end(a, e) < 0)
		return -e->code;
	(void)EVP_DigestFinal_ex(a->hash, computed, NULL);
	if (length != a->length || memcmp(wanted, computed, sizeof(wanted)) != 0)
		return err_set(
			e, EBADMSG, "the layer's archive cannot be made again: its digest differs");
	return 0;
}

static int assemble(struct assembler *a, struct err *e)
{
	char start[sizeof(magic) - 1], type;
	if (get(a, start, sizeof(start), e) < 0)
		return -e->code;
	if (memcmp(start, magic, sizeof(start)) != 0)
		return damaged(e);
	for (;;) {
		int r;
		if (get(a, &type, 1, e) < 0)
			return -e->code;
		if (type == 'E')
			return assemble_end(a, e);
		if (type == 'R')
			r = assemble_raw(a, e);
		else if (type == 'F' || type == 'S')
			r = assemble_file(a, type == 'S', e);
		else
			r = damaged(e);
		if (r < 0)
			return r;
	}
}

int tarsplit_assemble(int layer_fd, tarsplit_sink sink, void *arg, struct err *e)
{
	const int dir_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_fd diff = openat(layer_fd, "diff", dir_flags);
	if (diff < 0)
		return err_sys(e, "cannot open the layer's files");
	auto_fd replaced = openat(layer_fd, "replaced", dir_flags);
	auto_fd fd = openat(layer_fd, "tar-split", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open tar-split");
	struct assembler *a = xcalloc(1, sizeof(*a));
	a->fd = fd;
	a->diff_fd = diff;
	a->replaced_fd = replaced;
	a->sink = sink;
	a->arg = arg;
	a->zstd = ZSTD_createDCtx();
	a->hash = EVP_MD_CTX_new();
	if (!a->zstd || !a->hash || EVP_DigestInit_ex(a->hash, EVP_sha256(), NULL) != 1)
		die_oom();
	(void)ZSTD_DCtx_setParameter(a->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	int r = assemble(a, e);
	ZSTD_freeDCtx(a->zstd);
	EVP_MD_CTX_free(a->hash);
	free(a);
	return r;
}
