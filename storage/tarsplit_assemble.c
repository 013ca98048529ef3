#include "storage/tarsplit.h"
#include "storage/tarsplit_internal.h"
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

/* TELL_MAX: so much is filled with zeros for a file that is lost, and no more for a number that is
 * damaged. */
enum { WINDOW_LOG_MAX = 23, PIECE = 256 * 1024, TELL_MAX = 1024 * 1024 * 1024 };

/* The description is a file of our own, but a disk may have altered it: nothing in it is believed
 * further than the checks at the end reach. */
struct tarsplit_reader {
	int fd, diff_fd, replaced_fd;
	ZSTD_DCtx *zstd;
	ZSTD_inBuffer in;
	bool at_frame_end;
	EVP_MD_CTX *hash;
	uint64_t length;
	bool has_started, has_ended;
	unsigned char wanted[32];
	uint64_t raw_left;
	/* the file whose content is being read; path[0] == 0 = none */
	char path[TAR_PATH_MAX + 1];
	int file;
	uint64_t size, total; /* of the content, and how much of it the pieces had */
	uint64_t pieces; /* that follow this one */
	uint64_t offset, len; /* of what is left of this one */
	bool is_sparse, is_bad;
	uint64_t crc, seen;
	/* what is told of damage */
	tarsplit_damage tell;
	void *arg;
	bool has_damage;
	unsigned char compressed[64 * 1024];
	unsigned char piece[PIECE];
};

static int damaged(struct err *e) { return err_set(e, EBADMSG, "tar-split is damaged"); }

static int get(struct tarsplit_reader *a, void *to, size_t n, struct err *e)
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

static int get_number(struct tarsplit_reader *a, int bytes, uint64_t *v, struct err *e)
{
	unsigned char b[8];
	*v = 0;
	if (get(a, b, (size_t)bytes, e) < 0)
		return -e->code;
	for (int i = bytes; i-- > 0;)
		*v = *v << 8 | b[i];
	return 0;
}

static int open_content(struct tarsplit_reader *a, const char *path, uint64_t key, struct err *e)
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

/* The compressed frame has a checksum of its own at its end. */
static int check_frame_end(struct tarsplit_reader *a, struct err *e)
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

/* A file that is not what it was: an error, or told. */
static int bad_file(struct tarsplit_reader *a, struct err *e)
{
	if (!a->tell || a->len > TELL_MAX || a->size > TELL_MAX)
		return -e->code;
	if (!a->is_bad)
		a->tell(a->arg, a->path, e->msg);
	a->is_bad = a->has_damage = true;
	return 0;
}

static int next_piece(struct tarsplit_reader *a, struct err *e)
{
	a->offset = 0;
	a->len = a->size;
	if (a->is_sparse &&
		(get_number(a, 8, &a->offset, e) < 0 || get_number(a, 8, &a->len, e) < 0))
		return -e->code;
	if (a->offset > INT64_MAX || a->len > a->size - a->total)
		return damaged(e);
	a->total += a->len;
	a->pieces--;
	return 0;
}

static int start_file(struct tarsplit_reader *a, bool is_sparse, struct err *e)
{
	uint64_t key = 0, n = 0;
	a->is_sparse = is_sparse;
	a->is_bad = false;
	a->pieces = 1;
	a->total = a->len = a->seen = 0;
	if (get_number(a, 8, &a->size, e) < 0 || get_number(a, 8, &key, e) < 0 ||
		get_number(a, 8, &a->crc, e) < 0 || get_number(a, 2, &n, e) < 0)
		return -e->code;
	if (n == 0 || n > TAR_PATH_MAX)
		return damaged(e);
	if (get(a, a->path, n, e) < 0)
		return -e->code;
	a->path[n] = '\0';
	if (is_sparse && get_number(a, 4, &a->pieces, e) < 0)
		return -e->code;
	a->file = open_content(a, a->path, key, e);
	return a->file < 0 ? bad_file(a, e) : 0;
}

static int end_file(struct tarsplit_reader *a, struct err *e)
{
	scope_close(&a->file);
	a->file = -1;
	int r = a->total == a->size ? 0 : damaged(e);
	if (r == 0 && !a->is_bad && a->seen != a->crc) {
		err_set(e, EBADMSG, "%s of the layer has been altered", a->path);
		r = bad_file(a, e);
	}
	a->path[0] = '\0';
	return r;
}

/* The next piece of the file, or 0 at its end. */
static ssize_t read_file_piece(struct tarsplit_reader *a, struct err *e)
{
	while (a->len == 0 && a->pieces > 0)
		if (next_piece(a, e) < 0)
			return -e->code;
	if (a->len == 0)
		return end_file(a, e);
	size_t want = a->len < PIECE ? (size_t)a->len : PIECE;
	ssize_t k = a->is_bad ? 0 : pread(a->file, a->piece, want, (off_t)a->offset);
	if (k < 0)
		err_sys(e, "cannot read %s of the layer", a->path);
	else if (k == 0 && !a->is_bad)
		err_set(e, EBADMSG, "%s of the layer is shorter than it was", a->path);
	if (k <= 0 && !a->is_bad && bad_file(a, e) < 0)
		return -e->code;
	if (k <= 0) {
		memset(a->piece, 0, want);
		k = (ssize_t)want;
	}
	a->seen = tarsplit_crc(a->seen, a->piece, (size_t)k);
	a->offset += (uint64_t)k;
	a->len -= (uint64_t)k;
	return k;
}

static int read_end(struct tarsplit_reader *a, struct err *e)
{
	uint64_t length = 0;
	unsigned char computed[EVP_MAX_MD_SIZE];
	if (get_number(a, 8, &length, e) < 0 || get(a, a->wanted, sizeof(a->wanted), e) < 0 ||
		check_frame_end(a, e) < 0)
		return -e->code;
	a->has_ended = true;
	(void)EVP_DigestFinal_ex(a->hash, computed, NULL);
	if (!a->has_damage &&
		(length != a->length || memcmp(a->wanted, computed, sizeof(a->wanted)) != 0))
		return err_set(
			e, EBADMSG, "the layer's archive cannot be made again: its digest differs");
	return 0;
}

static int read_start(struct tarsplit_reader *a, struct err *e)
{
	char start[sizeof(magic) - 1];
	if (get(a, start, sizeof(start), e) < 0)
		return -e->code;
	a->has_started = true;
	return memcmp(start, magic, sizeof(start)) != 0 ? damaged(e) : 0;
}

static int start_record(struct tarsplit_reader *a, struct err *e)
{
	char type;
	if (get(a, &type, 1, e) < 0)
		return -e->code;
	if (type == 'E')
		return read_end(a, e);
	if (type == 'R')
		return get_number(a, 4, &a->raw_left, e);
	return type == 'F' || type == 'S' ? start_file(a, type == 'S', e) : damaged(e);
}

static ssize_t read_raw(struct tarsplit_reader *a, struct err *e)
{
	size_t k = a->raw_left < PIECE ? (size_t)a->raw_left : PIECE;
	a->raw_left -= k;
	return get(a, a->piece, k, e) < 0 ? -e->code : (ssize_t)k;
}

ssize_t tarsplit_read(struct tarsplit_reader *a, const unsigned char **p, struct err *e)
{
	if (!a->has_started && read_start(a, e) < 0)
		return -e->code;
	while (!a->has_ended) {
		ssize_t n = a->raw_left ? read_raw(a, e)
			    : *a->path  ? read_file_piece(a, e)
					: start_record(a, e);
		if (n < 0)
			return n;
		if (n == 0)
			continue;
		(void)EVP_DigestUpdate(a->hash, a->piece, (size_t)n);
		a->length += (uint64_t)n;
		*p = a->piece;
		return n;
	}
	return 0;
}

void tarsplit_reader_tell(struct tarsplit_reader *a, tarsplit_damage fn, void *arg)
{
	a->tell = fn;
	a->arg = arg;
}

const unsigned char *tarsplit_reader_sha256(const struct tarsplit_reader *a) { return a->wanted; }

struct tarsplit_reader *tarsplit_reader_new(int layer_fd, struct err *e)
{
	const int dir_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_fd diff = openat(layer_fd, "diff", dir_flags);
	auto_fd fd = openat(layer_fd, "tar-split", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (diff < 0 || fd < 0) {
		err_sys(e, diff < 0 ? "cannot open the layer's files" : "cannot open tar-split");
		return NULL;
	}
	struct tarsplit_reader *a = xcalloc(1, sizeof(*a));
	a->fd = take_fd(fd);
	a->diff_fd = take_fd(diff);
	a->replaced_fd = openat(layer_fd, "replaced", dir_flags);
	a->file = -1;
	a->zstd = ZSTD_createDCtx();
	a->hash = EVP_MD_CTX_new();
	if (!a->zstd || !a->hash || EVP_DigestInit_ex(a->hash, EVP_sha256(), NULL) != 1)
		die_oom();
	(void)ZSTD_DCtx_setParameter(a->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return a;
}

void tarsplit_reader_free(struct tarsplit_reader *a)
{
	if (!a)
		return;
	scope_close(&a->fd);
	scope_close(&a->diff_fd);
	scope_close(&a->replaced_fd);
	scope_close(&a->file);
	ZSTD_freeDCtx(a->zstd);
	EVP_MD_CTX_free(a->hash);
	free(a);
}

int tarsplit_assemble_sha256(
	int layer_fd, tarsplit_sink sink, void *arg, unsigned char sha256[32], struct err *e)
{
	const unsigned char *p;
	struct tarsplit_reader *a = tarsplit_reader_new(layer_fd, e);
	ssize_t n = a ? 1 : -e->code;
	while (n > 0) {
		n = tarsplit_read(a, &p, e);
		if (n > 0 && sink(arg, p, (size_t)n, e) < 0)
			n = -e->code;
	}
	if (n == 0 && tarsplit_reader_check_file(a, e) < 0)
		n = -e->code;
	if (n == 0)
		memcpy(sha256, a->wanted, sizeof(a->wanted));
	tarsplit_reader_free(a);
	return (int)n;
}

int tarsplit_assemble(int layer_fd, tarsplit_sink sink, void *arg, struct err *e)
{
	unsigned char ignored[32];
	return tarsplit_assemble_sha256(layer_fd, sink, arg, ignored, e);
}

static uint64_t number_at(const unsigned char *p, int bytes)
{
	uint64_t v = 0;
	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

static int check_trailer(
	struct tarsplit_reader *a, uint64_t frame, const unsigned char *last, struct err *e)
{
	uint64_t crc = 0, at = 0;
	while (at < frame) {
		uint64_t left = frame - at;
		ssize_t n = pread(a->fd, a->piece, left < PIECE ? (size_t)left : PIECE, (off_t)at);
		if (n <= 0)
			return n < 0 ? err_sys(e, "cannot read tar-split") : damaged(e);
		crc = tarsplit_crc(crc, a->piece, (size_t)n);
		at += (uint64_t)n;
	}
	return number_at(last + 4, 4) == 8 && number_at(last + 8, 8) == crc ? 0 : damaged(e);
}

/* Before anything is read, a trailer is looked for where it would be; after the end, there must be
 * one, or (a file of before) nothing. */
int tarsplit_reader_check_file(struct tarsplit_reader *a, struct err *e)
{
	unsigned char last[TARSPLIT_TRAILER_BYTES];
	struct stat st;
	off_t read_to = lseek(a->fd, 0, SEEK_CUR);
	if (read_to < 0 || fstat(a->fd, &st) < 0)
		return err_sys(e, "cannot look at tar-split");
	if (st.st_size < TARSPLIT_TRAILER_BYTES)
		return damaged(e);
	uint64_t frame = (uint64_t)st.st_size - sizeof(last);
	uint64_t ended = (uint64_t)read_to - (a->in.size - a->in.pos);
	if (a->has_ended && ended == (uint64_t)st.st_size)
		return 0;
	if (pread(a->fd, last, sizeof(last), (off_t)frame) != (ssize_t)sizeof(last))
		return err_sys(e, "cannot read tar-split");
	bool has_trailer = number_at(last, 4) == TARSPLIT_TRAILER_MAGIC;
	if (a->has_ended && (!has_trailer || ended != frame))
		return damaged(e);
	return has_trailer ? check_trailer(a, frame, last, e) : 0;
}

/* ---- the length alone ---- */

static int skip(struct tarsplit_reader *a, uint64_t n, struct err *e)
{
	while (n > 0) {
		size_t k = n < PIECE ? (size_t)n : PIECE;
		if (get(a, a->piece, k, e) < 0)
			return -e->code;
		n -= k;
	}
	return 0;
}

static int measure_file(struct tarsplit_reader *a, bool is_sparse, struct err *e)
{
	enum { KEY_AND_CRC = 16, PIECE_OF_FILE = 16 };
	uint64_t size = 0, n = 0, pieces = 0;
	if (get_number(a, 8, &size, e) < 0 || skip(a, KEY_AND_CRC, e) < 0 ||
		get_number(a, 2, &n, e) < 0 || skip(a, n, e) < 0)
		return -e->code;
	if (is_sparse && get_number(a, 4, &pieces, e) < 0)
		return -e->code;
	a->length += size;
	return skip(a, pieces * PIECE_OF_FILE, e);
}

static int measure_raw(struct tarsplit_reader *a, struct err *e)
{
	uint64_t n = 0;
	if (get_number(a, 4, &n, e) < 0)
		return -e->code;
	a->length += n;
	return skip(a, n, e);
}

static int measure(struct tarsplit_reader *a, struct err *e)
{
	uint64_t length = 0;
	char type = 'R';
	int r = read_start(a, e);
	while (r == 0 && (r = get(a, &type, 1, e)) == 0 && type != 'E') {
		if (type == 'R')
			r = measure_raw(a, e);
		else
			r = type == 'F' || type == 'S' ? measure_file(a, type == 'S', e)
						       : damaged(e);
	}
	if (r == 0)
		r = get_number(a, 8, &length, e);
	return r < 0 || (length == a->length && length <= INT64_MAX) ? r : damaged(e);
}

int tarsplit_length(int layer_fd, uint64_t *length, struct err *e)
{
	struct tarsplit_reader *a = tarsplit_reader_new(layer_fd, e);
	if (!a)
		return -e->code;
	int r = measure(a, e);
	*length = a->length;
	tarsplit_reader_free(a);
	return r;
}
