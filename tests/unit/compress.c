/* compress: what is written is what comes out of the reader of layers, with the digest that was
 * told. */
#include "storage/compress.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/gzip_blocks.h"
#include "storage/unpack_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* Neither random nor dull: words that come again. */
static void make(struct buf *out, size_t n)
{
	for (unsigned i = 1; out->len < n; i = i * 1103515245u + 12345u)
		buf_printf(out, "%x line of %u text\n", i >> 16, (i >> 20) % 97);
}

static int write_one(
	const struct buf *text, enum compress_kind kind, int level, char digest[72], int64_t *size)
{
	struct err e = {0};
	int fd = memfd_create("out", MFD_CLOEXEC);
	assert_true(fd >= 0);
	auto_compress c = compress_new(fd, kind, level, &e);
	assert_non_null(c);
	for (size_t at = 0, k = 1; at < text->len; at += k, k = k * 7 + 3) {
		k = k < text->len - at ? k : text->len - at;
		assert_int_equal(compress_add(c, text->data + at, k, &e), 0);
	}
	assert_int_equal(compress_finish(c, digest, size, &e), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), *size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void read_back(const struct buf *text, int fd, const char *digest)
{
	struct err e = {0};
	auto_buf got = BUF_INIT;
	const unsigned char *p;
	ssize_t n;
	auto_stream s = stream_new(fd, &e);
	assert_non_null(s);
	while ((n = stream_next(s, &p, &e)) > 0)
		buf_add(&got, p, (size_t)n);
	assert_int_equal(n, 0);
	struct stream_result result;
	stream_finish(s, &result);
	assert_string_equal(result.digest, digest);
	assert_int_equal(got.len, text->len);
	assert_true(got.len == 0 || !memcmp(got.data, text->data, got.len));
}

static void every_kind_and_level_comes_back(void **state)
{
	static const struct {
		enum compress_kind kind;
		int level;
	} cases[] = {{COMPRESS_NONE, -1}, {COMPRESS_GZIP, -1}, {COMPRESS_GZIP, 0},
		{COMPRESS_GZIP, 1}, {COMPRESS_GZIP, 2}, {COMPRESS_GZIP, 4}, {COMPRESS_GZIP, 9},
		{COMPRESS_ZSTD, -1}, {COMPRESS_ZSTD, 1}, {COMPRESS_ZSTD, 19}};
	static const size_t sizes[] = {1, 700, 3000000};
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		auto_buf text = BUF_INIT;
		make(&text, sizes[k]);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			char digest[72], again[72];
			int64_t size, size_again;
			auto_fd fd = write_one(&text, cases[i].kind, cases[i].level, digest, &size);
			auto_fd fd2 =
				write_one(&text, cases[i].kind, cases[i].level, again, &size_again);
			assert_string_equal(digest, again);
			read_back(&text, fd, digest);
			if (cases[i].kind != COMPRESS_NONE && cases[i].level != 0 &&
				sizes[k] > 100000)
				assert_true(size < (int64_t)text.len / 3);
		}
	}
}

static void what_there_is_not(void **state)
{
	struct err e = {0};
	enum compress_kind kind;
	(void)state;
	assert_int_equal(compress_kind_parse("zstd", &kind, &e), 0);
	assert_int_equal(kind, COMPRESS_ZSTD);
	assert_true(compress_kind_parse("lzma", &kind, &e) < 0);
	assert_null(compress_new(-1, COMPRESS_GZIP, 10, &e));
	assert_string_equal(e.msg, "compression level 10: gzip has 0 to 9");
	assert_null(compress_new(-1, COMPRESS_ZSTD, 0, &e));
	assert_null(compress_new(-1, COMPRESS_ZSTD, 20, &e));
	assert_null(compress_new(-1, COMPRESS_GZIP, -2, &e));
}

static void a_full_disk_is_told(void **state)
{
	struct err e = {0};
	auto_buf text = BUF_INIT;
	(void)state;
	make(&text, 3000000);
	FILE *full = fopen("/dev/full", "we");
	assert_non_null(full);
	auto_compress c = compress_new(fileno(full), COMPRESS_NONE, -1, &e);
	assert_non_null(c);
	assert_int_equal(compress_add(c, text.data, text.len, &e), -ENOSPC);
	(void)fclose(full);
}

static int collect(void *arg, const void *p, size_t n, struct err *e)
{
	(void)e;
	buf_add(arg, p, n);
	return 0;
}

static void gzip_of(
	const struct buf *text, int level, unsigned threads, size_t piece, struct buf *out)
{
	struct err e = {0};
	struct gzip_blocks *g = gzip_blocks_new(level, threads, collect, out);
	for (size_t at = 0; at < text->len; at += piece) {
		size_t k = piece < text->len - at ? piece : text->len - at;
		assert_int_equal(gzip_blocks_add(g, text->data + at, k, &e), 0);
	}
	assert_int_equal(gzip_blocks_finish(g, &e), 0);
	gzip_blocks_free(g);
}

/* The digest of a layer must be the same on every machine. */
static void gzip_does_not_depend_on_threads_and_pieces(void **state)
{
	static const size_t sizes[] = {0, 1, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 9000000};
	static const int levels[] = {0, 2, 3, 6};
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(sizes) * ARRAY_LEN(levels); k++) {
		auto_buf text = BUF_INIT;
		auto_buf first = BUF_INIT;
		int level = levels[k % ARRAY_LEN(levels)];
		make(&text, sizes[k / ARRAY_LEN(levels)]);
		text.len = sizes[k / ARRAY_LEN(levels)];
		gzip_of(&text, level, 0, 1 << 20, &first);
		for (unsigned threads = 1; threads < 20; threads += 6) {
			auto_buf again = BUF_INIT;
			gzip_of(&text, level, threads, 70001 * threads, &again);
			assert_int_equal(again.len, first.len);
			assert_memory_equal(again.data, first.data, first.len);
		}
	}
}

struct small_disk {
	size_t room;
};

static int fill_up(void *arg, const void *p, size_t n, struct err *e)
{
	struct small_disk *d = arg;
	(void)p;
	if (n > d->room)
		return err_set(e, ENOSPC, "full");
	d->room -= n;
	return 0;
}

/* Given up while the threads are at work. */
static void gzip_ends_in_the_middle(void **state)
{
	(void)state;
	for (size_t room = 0; room < 600000; room += 90000) {
		struct small_disk disk = {room};
		struct err e = {0};
		auto_buf text = BUF_INIT;
		int r = 0;
		make(&text, 1000000);
		struct gzip_blocks *g = gzip_blocks_new(1, 4, fill_up, &disk);
		for (int i = 0; i < 20 && r == 0; i++)
			r = gzip_blocks_add(g, text.data, text.len, &e);
		assert_int_equal(r, -ENOSPC);
		gzip_blocks_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_and_level_comes_back),
		cmocka_unit_test(what_there_is_not),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(gzip_does_not_depend_on_threads_and_pieces),
		cmocka_unit_test(gzip_ends_in_the_middle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
