/* unpack_spool: reading an archive, in place or as it comes. */
#include "engine/transfer/unpack_spool.h"
#include "storage/unpack_inflate.h"
#include "storage/unpack_tar.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* CHUNK: of headers that are read in place; small, as mostly content follows. */
enum { HEAD = TAR_BLOCK, CHUNK = 16 * 1024 };

struct filling {
	struct spool *spool;
	const struct spool_taker *taker;
	struct tar_reader *tar;
	struct unpack_stream *stream; /* NULL = in place */
	/* in place: */
	uint64_t start, at, end;
	unsigned char chunk[CHUNK];
};

static struct spool_file *add_file(struct spool *s, const char *name, struct err *e)
{
	auto_free char *clean = path_clean(name);
	const char *relative = clean + strspn(clean, "/");
	s->names_size += strlen(relative);
	if (s->n == SPOOL_ENTRIES_MAX || s->names_size > SPOOL_NAMES_MAX) {
		err_set(e, EBADMSG, "image archive has more than %d entries, or names too long",
			SPOOL_ENTRIES_MAX);
		return NULL;
	}
	if ((s->n & 63) == 0)
		s->files = xrealloc(s->files, (s->n + 64) * sizeof(*s->files));
	struct spool_file *f = &s->files[s->n++];
	*f = (struct spool_file){.name = xstrdup(relative), .taken = -1};
	return f;
}

/* A symbolic link's target counts from its folder, a hard link's from the archive's root. */
static int add_link(struct spool *s, const struct tar_entry *en, struct err *e)
{
	struct spool_file *f = add_file(s, en->path, e);
	if (!f)
		return -e->code;
	auto_free char *dir = path_dir(f->name);
	auto_free char *joined = en->type == '2' ? path_join(dir, en->link) : xstrdup(en->link);
	auto_free char *clean = path_clean(joined);
	f->target = xstrdup(clean + strspn(clean, "/"));
	return 0;
}

/* ---- in place ---- */

static ssize_t next_in_place(void *arg, const unsigned char **p, struct err *e)
{
	struct filling *f = arg;
	ssize_t n;
	do
		n = pread(f->spool->archive_fd, f->chunk, CHUNK, (off_t)f->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "cannot read the archive");
	f->at += (uint64_t)n;
	*p = f->chunk;
	return n;
}

static int skip_in_place(void *arg, uint64_t n, struct err *e)
{
	struct filling *f = arg;
	if (f->at > f->end || n > f->end - f->at)
		return err_set(e, EBADMSG, "archive is truncated (unexpected EOF)");
	f->at += n;
	return 0;
}

static int index_file(struct filling *f, const struct tar_entry *en, struct err *e)
{
	struct spool_file *file = add_file(f->spool, en->path, e);
	if (!file)
		return -e->code;
	file->place = SPOOL_IN_PLACE;
	file->offset = f->start + tar_position(f->tar);
	file->size = en->stored;
	return 0;
}

/* ---- as it comes ---- */

/* An entry's content, of which the head has been looked at. */
struct coming {
	struct tar_reader *tar;
	unsigned char head[HEAD];
	size_t head_n, head_at;
	const unsigned char *rest;
	size_t rest_n;
	struct err failure; /* code != 0: the archive's own */
};

static ssize_t more(struct coming *c, struct err *e)
{
	if (c->rest_n)
		return 1;
	ssize_t n = tar_data(c->tar, &c->rest, e);
	if (n < 0)
		c->failure = *e;
	c->rest_n = n > 0 ? (size_t)n : 0;
	return n;
}

static int look(struct coming *c, struct err *e)
{
	while (c->head_n < HEAD) {
		ssize_t r = more(c, e);
		if (r <= 0)
			return (int)r;
		size_t k = c->rest_n < HEAD - c->head_n ? c->rest_n : HEAD - c->head_n;
		memcpy(c->head + c->head_n, c->rest, k);
		c->head_n += k;
		c->rest += k;
		c->rest_n -= k;
	}
	return 0;
}

static ssize_t coming_read(void *arg, void *p, size_t n, struct err *e)
{
	struct coming *c = arg;
	const unsigned char *from = c->head + c->head_at;
	size_t have = c->head_n - c->head_at;
	if (!have) {
		ssize_t r = more(c, e);
		if (r <= 0)
			return r;
		from = c->rest;
		have = c->rest_n;
	}
	size_t k = n < have ? n : have;
	memcpy(p, from, k);
	if (c->head_at < c->head_n) {
		c->head_at += k;
	} else {
		c->rest += k;
		c->rest_n -= k;
	}
	return (ssize_t)k;
}

/* Documents are text. What is no layer after all is an error only if something names it. */
static bool looks_like_layer(const struct coming *c)
{
	enum { MAGIC = 257 };
	return inflate_is_compressed(c->head, c->head_n) ||
	       (c->head_n == HEAD && !memcmp(c->head + MAGIC, "ustar", 5));
}

static int store(struct filling *f, struct coming *c, size_t i, struct err *e)
{
	char number[16], piece[64 * 1024];
	ssize_t n;
	spool_number_name(number, i);
	auto_fd fd =
		openat(f->spool->dir_fd, number, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot store the archive's files");
	while ((n = coming_read(c, piece, sizeof(piece), e)) > 0) {
		int r = write_all(fd, piece, (size_t)n);
		if (r < 0)
			return err_sysn(e, -r, "cannot store the archive's files");
	}
	return (int)n;
}

static int take_file(struct filling *f, const struct tar_entry *en, struct err *e)
{
	struct coming c = {.tar = f->tar};
	struct spool_file *file = add_file(f->spool, en->path, e);
	if (!file || look(&c, e) < 0)
		return -e->code;
	if (!f->taker || !looks_like_layer(&c))
		return store(f, &c, f->spool->n - 1, e);
	const struct stream_source content = {coming_read, &c, (int64_t)en->size};
	int taken = f->taker->take(f->taker->arg, file->name, &content, e);
	if (c.failure.code)
		*e = c.failure;
	if (taken < 0 || c.failure.code)
		return -e->code;
	file->place = SPOOL_TAKEN;
	file->taken = taken;
	return 0;
}

/* ---- both ---- */

static int take_entry(struct filling *f, const struct tar_entry *en, struct err *e)
{
	if (en->type == '1' || en->type == '2')
		return add_link(f->spool, en, e);
	if (en->type != '0')
		return 0;
	if (en->is_sparse)
		return err_set(e, EBADMSG, "sparse file in an image archive");
	return f->stream ? take_file(f, en, e) : index_file(f, en, e);
}

static int read_entries(struct filling *f, const struct tar_io *io, struct err *e)
{
	auto_tar_reader tar = tar_reader_new(io);
	const struct tar_entry *en;
	int r;
	f->tar = tar;
	while ((r = tar_next(tar, &en, e)) > 0)
		if (take_entry(f, en, e) < 0)
			return -e->code;
	return r;
}

static int fill_from_stream(struct filling *f, int data_fd, int stage_fd, struct err *e)
{
	struct spool *s = f->spool;
	if (mkdirat(stage_fd, "spool", 0700) < 0)
		return err_sys(e, "cannot store the archive's files");
	s->dir_fd = openat(stage_fd, "spool", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dir_fd < 0)
		return err_sys(e, "cannot store the archive's files");
	auto_stream stream = stream_new_unhashed(data_fd, e);
	if (!stream)
		return -e->code;
	const struct tar_io io = {.next = stream_next, .arg = stream};
	f->stream = stream;
	return read_entries(f, &io, e);
}

/* A regular file, and no compression to undo. */
static bool can_stay(struct filling *f, int data_fd)
{
	struct stat st;
	unsigned char head[8];
	off_t start = lseek(data_fd, 0, SEEK_CUR);
	if (start < 0 || fstat(data_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	ssize_t n = pread(data_fd, head, sizeof(head), start);
	f->start = f->at = (uint64_t)start;
	f->end = (uint64_t)st.st_size;
	return n >= 0 && !inflate_is_compressed(head, (size_t)n);
}

int spool_fill(
	struct spool *s, int data_fd, int stage_fd, const struct spool_taker *taker, struct err *e)
{
	auto_free struct filling *f = xcalloc(1, sizeof(*f));
	f->spool = s;
	f->taker = taker;
	const struct tar_io io = {.next = next_in_place, .skip = skip_in_place, .arg = f};
	int r;
	if (can_stay(f, data_fd)) {
		s->archive_fd = data_fd;
		r = read_entries(f, &io, e);
	} else {
		r = fill_from_stream(f, data_fd, stage_fd, e);
	}
	return r < 0 ? err_ctx(e, "cannot read the archive") : 0;
}
