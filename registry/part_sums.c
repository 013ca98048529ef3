#include "registry/part_sums.h"

#include <endian.h>
#include <errno.h>
#include <isa-l/crc64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

enum { HEADER = 64, SUM = sizeof(uint64_t) };

static uint64_t crc_of(uint64_t crc, const void *p, size_t n) { return crc64_ecma_refl(crc, p, n); }

static void make_header(const char *boot, char out[HEADER + 1])
{
	memset(out, '\n', HEADER);
	int n = snprintf(out, HEADER, "moss-part-sums 1 %.36s", boot);
	out[n] = '\n';
}

/* What the files say before they are looked into. */
struct found {
	int64_t size; /* of the part */
	int64_t n_sums;
	bool has_header, is_same_boot;
};

static int look(int sums_fd, int part_fd, const char *boot, struct found *f, struct err *e)
{
	char wanted[HEADER + 1], header[HEADER];
	struct stat st;
	if (fstat(part_fd, &st) < 0)
		return err_sys(e, "cannot look at what has arrived");
	f->size = st.st_size;
	if (sums_fd < 0 || pread(sums_fd, header, HEADER, 0) != HEADER)
		return 0;
	make_header(boot, wanted);
	f->has_header = !memcmp(header, wanted, strlen("moss-part-sums 1 "));
	f->is_same_boot = f->has_header && !memcmp(header, wanted, HEADER);
	if (f->has_header && fstat(sums_fd, &st) == 0)
		f->n_sums = (st.st_size - HEADER) / SUM;
	return 0;
}

static ssize_t read_block(int fd, void *p, size_t n, int64_t at)
{
	size_t done = 0;
	while (done < n) {
		ssize_t k = pread(fd, (char *)p + done, n - done, at + (int64_t)done);
		if (k < 0 && errno == EINTR)
			continue;
		/* A block that cannot be read is a damaged one. */
		if (k <= 0)
			break;
		done += (size_t)k;
	}
	return (ssize_t)done;
}

static bool sum_is(int fd, int64_t i, uint64_t crc)
{
	uint64_t kept;
	return pread(fd, &kept, SUM, HEADER + i * SUM) == SUM && le64toh(kept) == crc;
}

static void keep_sum(struct part_sums *s, int64_t i)
{
	uint64_t kept = htole64(s->crc);
	if (s->fd >= 0 && pwrite(s->fd, &kept, SUM, HEADER + i * SUM) != SUM) {
		/* A hole would be a wrong sum. */
		close(s->fd);
		s->fd = -1;
	}
	s->crc = 0;
}

/* Goes through the part file from block `first` on. `compares`: blocks with a sum must have it, and
 * what has none is not believed. */
static void go_through(
	struct part_sums *s, int part_fd, const struct found *f, int64_t first, bool compares)
{
	auto_free unsigned char *block = xmalloc(PART_BLOCK);
	s->at = first * PART_BLOCK;
	while (s->at < f->size) {
		int64_t i = s->at / PART_BLOCK, left = f->size - s->at;
		ssize_t n = read_block(
			part_fd, block, left < PART_BLOCK ? (size_t)left : PART_BLOCK, s->at);
		s->crc = crc_of(0, block, (size_t)n);
		bool is_whole = n == PART_BLOCK;
		if (compares && (!is_whole || i >= f->n_sums || !sum_is(s->fd, i, s->crc)))
			break;
		s->at += n;
		if (!is_whole)
			return;
		keep_sum(s, i);
	}
	s->crc = 0;
}

static void restart(struct part_sums *s)
{
	s->crc = 0;
	s->at = 0;
}

int part_sums_start(struct part_sums *s, int sums_fd, int part_fd, const char *boot,
	bool must_check, int64_t *have, struct err *e)
{
	struct found f = {0};
	char header[HEADER + 1];
	*s = (struct part_sums){.fd = sums_fd};
	if (look(sums_fd, part_fd, boot, &f, e) < 0)
		return -e->code;
	bool compares = f.has_header && (must_check || !f.is_same_boot);
	int64_t whole = f.size / PART_BLOCK;
	if (must_check && !f.has_header)
		restart(s);
	else
		go_through(s, part_fd, &f,
			compares           ? 0
			: f.n_sums < whole ? f.n_sums
					   : whole,
			compares);
	/* The bytes are those that came, and they were wrong. */
	if (must_check && s->at == whole * PART_BLOCK)
		restart(s);
	*have = s->at;
	if (f.size > s->at && ftruncate(part_fd, s->at) < 0)
		return err_sys(e, "cannot cut off what is bad of what has arrived");
	if (s->fd < 0)
		return 0;
	make_header(boot, header);
	if (ftruncate(s->fd, HEADER + s->at / PART_BLOCK * SUM) < 0 ||
		pwrite(s->fd, header, HEADER, 0) != HEADER) {
		close(s->fd);
		s->fd = -1;
	}
	return 0;
}

void part_sums_deinit(struct part_sums *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void part_sums_add(struct part_sums *s, const void *p, size_t n)
{
	const unsigned char *at = p;
	if (s->fd < 0)
		return;
	while (n > 0) {
		size_t room = PART_BLOCK - (size_t)(s->at % PART_BLOCK);
		size_t k = n < room ? n : room;
		s->crc = crc_of(s->crc, at, k);
		s->at += (int64_t)k;
		at += k;
		n -= k;
		if (s->at % PART_BLOCK == 0)
			keep_sum(s, s->at / PART_BLOCK - 1);
	}
}

void part_sums_reset(struct part_sums *s)
{
	restart(s);
	if (s->fd >= 0)
		(void)!ftruncate(s->fd, HEADER);
}
