#include "storage/unpack_tar.h"
#include "storage/unpack_tar_internal.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Fields of a header block: offset and length. */
enum {
	H_NAME = 0,
	H_MODE = 100,
	H_UID = 108,
	H_GID = 116,
	H_SIZE = 124,
	H_MTIME = 136,
	H_SUM = 148,
	H_TYPE = 156,
	H_LINK = 157,
	H_MAGIC = 257,
	H_MAJOR = 329,
	H_MINOR = 337,
	H_PREFIX = 345,
	H_GNU_SPARSE = 386,
	H_GNU_MORE = 482,
	H_GNU_REALSIZE = 483,
	H_STAR_TRAILER = 508,
};

enum header_format { FORMAT_V7, FORMAT_USTAR, FORMAT_STAR, FORMAT_GNU };

struct tar_reader {
	struct tar_io io;
	const unsigned char *chunk;
	size_t chunk_len;
	bool at_end;
	uint64_t position;
	uint64_t content_left, padding_left;
	struct tar_pax pax;
	struct tar_entry entry;
	struct buf extension;
};

struct tar_reader *tar_reader_new(const struct tar_io *io)
{
	struct tar_reader *t = xcalloc(1, sizeof(*t));
	t->io = *io;
	tar_pax_init(&t->pax);
	return t;
}

void tar_reader_free(struct tar_reader *t)
{
	if (!t)
		return;
	tar_pax_deinit(&t->pax);
	buf_free(&t->extension);
	free(t->entry.path);
	free(t->entry.link);
	free(t);
}

/* Makes sure that there is a byte: 1, 0 at the end, negative. */
static int fill(struct tar_reader *t, struct err *e)
{
	while (t->chunk_len == 0) {
		ssize_t n = t->at_end ? 0 : t->io.next(t->io.arg, &t->chunk, e);
		if (n <= 0) {
			t->at_end = true;
			return (int)n;
		}
		t->chunk_len = (size_t)n;
	}
	return 1;
}

static int truncated(struct err *e)
{
	return err_set(e, EBADMSG, "archive is truncated (unexpected EOF)");
}

/* Passes n bytes to the raw callback, copied to `to` where that is not NULL. Returns how many
 * there were: fewer than n only at the end. */
static ssize_t take_raw(struct tar_reader *t, void *to, uint64_t n, struct err *e)
{
	uint64_t done = 0;
	while (done < n) {
		int r = fill(t, e);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		size_t k = n - done < t->chunk_len ? (size_t)(n - done) : t->chunk_len;
		if (to)
			memcpy((char *)to + done, t->chunk, k);
		if (t->io.raw && t->io.raw(t->io.arg, t->chunk, k, e) < 0)
			return -e->code;
		t->chunk += k;
		t->chunk_len -= k;
		t->position += k;
		done += k;
	}
	return (ssize_t)done;
}

static int take_raw_exactly(struct tar_reader *t, void *to, uint64_t n, struct err *e)
{
	ssize_t r = take_raw(t, to, n, e);
	if (r < 0)
		return (int)r;
	return (uint64_t)r == n ? 0 : truncated(e);
}

/* ---- fields ---- */

static bool parse_octal(const unsigned char *p, size_t n, int64_t *out)
{
	uint64_t v = 0;
	while (n > 0 && (*p == ' ' || *p == '\0')) {
		p++;
		n--;
	}
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	for (size_t i = 0; i < n && p[i]; i++) {
		if (p[i] < '0' || p[i] > '7' || v >> 60)
			return false;
		v = v * 8 + (uint64_t)(p[i] - '0');
	}
	*out = (int64_t)v;
	return v <= INT64_MAX;
}

/* Octal text, or GNU's big-endian two's complement marked by the highest bit. */
static bool parse_number(const unsigned char *p, size_t n, int64_t *out)
{
	if (!(p[0] & 0x80))
		return parse_octal(p, n, out);
	unsigned char flip = p[0] & 0x40 ? 0xff : 0;
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (p[i] ^ flip) & (i == 0 ? 0x7f : 0xff);
		if (v >> 55)
			return false;
		v = v << 8 | c;
	}
	*out = flip ? ~(int64_t)v : (int64_t)v;
	return true;
}

static char *parse_string(const unsigned char *p, size_t n)
{
	return xstrndup((const char *)p, strnlen((const char *)p, n));
}

static bool checksum_right(const unsigned char *h)
{
	int64_t wanted, plain = 0, as_signed = 0;
	if (!parse_octal(h + H_SUM, 8, &wanted))
		return false;
	for (int i = 0; i < TAR_BLOCK; i++) {
		unsigned char c = i >= H_SUM && i < H_SUM + 8 ? ' ' : h[i];
		plain += c;
		as_signed += (signed char)c;
	}
	return wanted == plain || wanted == as_signed;
}

static enum header_format header_format(const unsigned char *h)
{
	if (!memcmp(h + H_MAGIC, "ustar\00000", 8))
		return memcmp(h + H_STAR_TRAILER, "tar", 4) ? FORMAT_USTAR : FORMAT_STAR;
	return memcmp(h + H_MAGIC, "ustar  ", 8) ? FORMAT_V7 : FORMAT_GNU;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static char *header_name(const unsigned char *h)
{
	enum header_format f = header_format(h);
	auto_free char *name = parse_string(h + H_NAME, 100), *prefix = NULL;
	int64_t ignored;
	if (f == FORMAT_USTAR || f == FORMAT_STAR)
		prefix = parse_string(h + H_PREFIX, f == FORMAT_USTAR ? 155 : 131);
	/* Go before 1.8 wrote ustar's prefix into GNU headers, where access times stand. */
	if (f == FORMAT_GNU && h[H_PREFIX] && !parse_number(h + H_PREFIX, 12, &ignored)) {
		prefix = parse_string(h + H_PREFIX, 155);
		if (!is_ascii(prefix))
			*prefix = '\0';
	}
	if (str_empty(prefix))
		return take_ptr(name);
	return xasprintf("%s/%s", prefix, name);
}

static int bad_header(struct err *e, const char *what)
{
	return err_set(e, EBADMSG, "invalid tar header: %s", what);
}

/* ---- extensions ---- */

static bool is_zero(const unsigned char *h)
{
	for (int i = 0; i < TAR_BLOCK; i++)
		if (h[i])
			return false;
	return true;
}

/* Reads the payload of an extension, with its padding, into t->extension. */
static int read_extension(struct tar_reader *t, uint64_t size, struct err *e)
{
	if (size > TAR_EXTENSION_MAX)
		return err_set(e, EBADMSG, "tar extension of %llu bytes is too large",
			(unsigned long long)size);
	uint64_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	t->extension.len = 0;
	buf_reserve(&t->extension, padded + 1);
	if (take_raw_exactly(t, t->extension.data, padded, e) < 0)
		return -e->code;
	t->extension.data[size] = '\0';
	t->extension.len = size;
	return 0;
}

static int set_long(struct tar_reader *t, char **to, struct err *e)
{
	size_t n = strlen(t->extension.data);
	if (n > TAR_PATH_MAX)
		return err_set(e, ENAMETOOLONG, "path of %zu bytes is too long", n);
	free(*to);
	*to = xstrdup(t->extension.data);
	return 0;
}

/* 1: was an extension and is taken in; 0: a main header. */
static int take_extension(struct tar_reader *t, const unsigned char *h, struct err *e)
{
	char type = (char)h[H_TYPE];
	int64_t size;
	if (type != 'x' && type != 'g' && type != 'L' && type != 'K')
		return 0;
	if (!parse_number(h + H_SIZE, 12, &size) || size < 0)
		return bad_header(e, "size");
	if (read_extension(t, (uint64_t)size, e) < 0)
		return -e->code;
	int r = 0;
	if (type == 'x')
		r = tar_pax_parse(&t->pax, t->extension.data, t->extension.len, e);
	else if (type == 'L')
		r = set_long(t, &t->pax.path, e);
	else if (type == 'K')
		r = set_long(t, &t->pax.link, e);
	return r < 0 ? r : 1;
}

/* ---- sparse files ---- */

static int gnu_sparse_map(struct tar_reader *t, const unsigned char *h, struct err *e)
{
	unsigned char block[TAR_BLOCK];
	const unsigned char *p = h + H_GNU_SPARSE;
	int n = 4, more = h[H_GNU_MORE];
	int64_t real, offset, len;
	if (!parse_number(h + H_GNU_REALSIZE, 12, &real) || real < 0)
		return bad_header(e, "size of a sparse file");
	t->pax.sparse_size = (uint64_t)real;
	for (;;) {
		for (int i = 0; i < n && p[i * 24]; i++) {
			if (!parse_number(p + i * 24, 12, &offset) || offset < 0 ||
				!parse_number(p + i * 24 + 12, 12, &len) || len < 0)
				return bad_header(e, "sparse map");
			if (tar_extent_add(&t->pax, (uint64_t)offset, (uint64_t)len, e) < 0)
				return -e->code;
		}
		if (!more)
			return 0;
		if (take_raw_exactly(t, block, TAR_BLOCK, e) < 0)
			return -e->code;
		p = block;
		n = 21;
		more = block[504];
	}
}

struct map_cursor {
	unsigned char block[TAR_BLOCK];
	size_t at, len;
};

/* One decimal line of a GNU.sparse 1.0 map, which stands in front of the content. */
static int map_number(struct tar_reader *t, struct map_cursor *c, uint64_t *out, struct err *e)
{
	char digits[21];
	size_t n = 0;
	for (;;) {
		if (c->at == c->len) {
			if (t->entry.stored < TAR_BLOCK)
				return bad_header(e, "sparse map");
			if (take_raw_exactly(t, c->block, TAR_BLOCK, e) < 0)
				return -e->code;
			t->entry.stored -= TAR_BLOCK;
			c->at = 0;
			c->len = TAR_BLOCK;
		}
		char ch = (char)c->block[c->at++];
		if (ch == '\n')
			return tar_decimal(digits, n, out) ? 0 : bad_header(e, "sparse map");
		if (n == sizeof(digits))
			return bad_header(e, "sparse map");
		digits[n++] = ch;
	}
}

static int pax_sparse_map(struct tar_reader *t, struct err *e)
{
	struct map_cursor c = {.at = 0};
	uint64_t n, offset, len;
	t->pax.n_extents = 0;
	if (map_number(t, &c, &n, e) < 0)
		return -e->code;
	if (n > TAR_EXTENTS_MAX)
		return bad_header(e, "sparse map");
	for (uint64_t i = 0; i < n; i++) {
		if (map_number(t, &c, &offset, e) < 0 || map_number(t, &c, &len, e) < 0 ||
			tar_extent_add(&t->pax, offset, len, e) < 0)
			return -e->code;
	}
	return 0;
}

static int check_map(const struct tar_entry *en, struct err *e)
{
	uint64_t at = 0, stored = 0;
	for (size_t i = 0; i < en->n_extents; i++) {
		const struct tar_extent *x = &en->extents[i];
		if (x->offset < at || x->len > en->size || x->offset > en->size - x->len)
			return bad_header(e, "sparse map");
		at = x->offset + x->len;
		stored += x->len;
	}
	return stored == en->stored ? 0 : bad_header(e, "sparse map");
}

/* Finds out whether a regular file is sparse and how. */
static int resolve_sparse(struct tar_reader *t, const unsigned char *h, struct err *e)
{
	struct tar_entry *en = &t->entry;
	struct tar_pax *p = &t->pax;
	bool is_v1 = p->sparse_major == 1 && p->sparse_minor == 0;
	if (h[H_TYPE] == 'S') {
		p->n_extents = 0;
		if (gnu_sparse_map(t, h, e) < 0)
			return -e->code;
	} else if (is_v1) {
		if (pax_sparse_map(t, e) < 0)
			return -e->code;
	} else if (!p->has_sparse_map || p->half_extent) {
		return 0;
	}
	if (h[H_TYPE] != 'S') {
		if (!p->has_sparse_size)
			return bad_header(e, "sparse file without a size");
		if (p->sparse_name) {
			free(en->path);
			en->path = take_ptr(p->sparse_name);
		}
	}
	en->is_sparse = true;
	en->size = p->sparse_size;
	en->extents = p->extents;
	en->n_extents = p->n_extents;
	return check_map(en, e);
}

/* ---- entries ---- */

static bool number_in(const unsigned char *h, int at, size_t n, uint64_t max, uint64_t *out)
{
	int64_t v;
	if (!parse_number(h + at, n, &v) || v < 0 || (uint64_t)v > max)
		return false;
	*out = (uint64_t)v;
	return true;
}

static int fill_numbers(struct tar_reader *t, const unsigned char *h, struct err *e)
{
	struct tar_entry *en = &t->entry;
	const struct tar_pax *p = &t->pax;
	uint64_t mode, major = 0, minor = 0;
	int64_t mtime;
	if (p->has_size)
		en->stored = p->size;
	else if (!number_in(h, H_SIZE, 12, INT64_MAX, &en->stored))
		return bad_header(e, "size");
	if (en->stored > (uint64_t)INT64_MAX - TAR_BLOCK)
		return bad_header(e, "size");
	if (p->has_uid)
		en->uid = p->uid;
	else if (!number_in(h, H_UID, 8, INT64_MAX, &en->uid))
		return bad_header(e, "uid");
	if (p->has_gid)
		en->gid = p->gid;
	else if (!number_in(h, H_GID, 8, INT64_MAX, &en->gid))
		return bad_header(e, "gid");
	if (!number_in(h, H_MODE, 8, INT64_MAX, &mode))
		return bad_header(e, "mode");
	if (!parse_number(h + H_MTIME, 12, &mtime))
		return bad_header(e, "mtime");
	if ((h[H_TYPE] == '3' || h[H_TYPE] == '4') &&
		(!number_in(h, H_MAJOR, 8, UINT32_MAX, &major) ||
			!number_in(h, H_MINOR, 8, UINT32_MAX, &minor)))
		return bad_header(e, "device number");
	en->mode = (uint32_t)(mode & 07777);
	en->dev_major = (uint32_t)major;
	en->dev_minor = (uint32_t)minor;
	en->mtime_s = p->has_mtime ? p->mtime_s : mtime;
	en->mtime_ns = p->has_mtime ? p->mtime_ns : 0;
	return 0;
}

static bool is_header_only(char type) { return type >= '1' && type <= '6'; }

static int fill_entry(struct tar_reader *t, const unsigned char *h, struct err *e)
{
	struct tar_entry *en = &t->entry;
	struct tar_pax *p = &t->pax;
	en->type = (char)h[H_TYPE];
	en->path = p->path ? take_ptr(p->path) : header_name(h);
	en->link = p->link ? take_ptr(p->link) : parse_string(h + H_LINK, 100);
	en->xattrs = p->xattrs;
	en->n_xattrs = p->n_xattrs;
	if (fill_numbers(t, h, e) < 0)
		return -e->code;
	if (en->type == '\0' || en->type == '7' || en->type == 'S')
		en->type = '0';
	if (h[H_TYPE] == '\0' && str_ends(en->path, "/"))
		en->type = '5';
	if (is_header_only(en->type))
		en->stored = 0;
	en->size = en->stored;
	/* The map of a sparse file may be in the content's first blocks: the padding is that of
	 * the whole. */
	t->padding_left = (TAR_BLOCK - en->stored % TAR_BLOCK) % TAR_BLOCK;
	if (en->type == '0' && resolve_sparse(t, h, e) < 0)
		return -e->code;
	t->content_left = en->stored;
	if (!*en->path) {
		free(en->path);
		en->path = xstrdup(".");
	}
	return 0;
}

/* After the end mark: whatever follows belongs to the stream, but to no entry. */
static int drain(struct tar_reader *t, struct err *e)
{
	ssize_t n;
	do
		n = take_raw(t, NULL, 1 << 20, e);
	while (n > 0);
	return (int)n;
}

static void entry_reset(struct tar_reader *t)
{
	free(t->entry.path);
	free(t->entry.link);
	memset(&t->entry, 0, sizeof(t->entry));
	tar_pax_deinit(&t->pax);
}

/* What is left of the content beyond the chunk that is here. */
static int skip_content(struct tar_reader *t, struct err *e)
{
	if (!t->io.skip || t->content_left <= t->chunk_len)
		return 0;
	uint64_t beyond = t->content_left - t->chunk_len;
	t->position += t->content_left;
	t->content_left = t->chunk_len = 0;
	return t->io.skip(t->io.arg, beyond, e);
}

static int finish_entry(struct tar_reader *t, struct err *e)
{
	const unsigned char *p;
	ssize_t n;
	if (skip_content(t, e) < 0)
		return -e->code;
	do
		n = tar_data(t, &p, e);
	while (n > 0);
	if (n < 0 || take_raw_exactly(t, NULL, t->padding_left, e) < 0)
		return -e->code;
	t->padding_left = 0;
	return 0;
}

int tar_next(struct tar_reader *t, const struct tar_entry **entry, struct err *e)
{
	unsigned char h[TAR_BLOCK];
	int r, zeros = 0;
	if (finish_entry(t, e) < 0)
		return -e->code;
	entry_reset(t);
	for (;;) {
		ssize_t n = take_raw(t, h, TAR_BLOCK, e);
		if (n <= 0)
			return (int)n;
		if (n < TAR_BLOCK)
			return truncated(e);
		if (is_zero(h)) {
			if (++zeros == 2)
				return drain(t, e);
			continue;
		}
		if (zeros || !checksum_right(h))
			return bad_header(e, "wrong checksum");
		r = take_extension(t, h, e);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (fill_entry(t, h, e) < 0)
			return -e->code;
		*entry = &t->entry;
		return 1;
	}
}

ssize_t tar_data(struct tar_reader *t, const unsigned char **p, struct err *e)
{
	if (t->content_left == 0)
		return 0;
	int r = fill(t, e);
	if (r <= 0)
		return r < 0 ? r : truncated(e);
	size_t n = t->content_left < t->chunk_len ? (size_t)t->content_left : t->chunk_len;
	*p = t->chunk;
	t->chunk += n;
	t->chunk_len -= n;
	t->content_left -= n;
	t->position += n;
	return (ssize_t)n;
}

uint64_t tar_position(const struct tar_reader *t) { return t->position; }
