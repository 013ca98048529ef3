/* part_sums: what of a part file is believed after a kill, after a restart of the machine, and when
 * its reader found it bad. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/part_sums.h"

#define BOOT "11111111-2222-3333-4444-555555555555"
#define LATER "99999999-2222-3333-4444-555555555555"
enum { SIZE = 3 * PART_BLOCK + 1000 };

struct files {
	int part, sums;
	unsigned char *bytes;
};

static int64_t size_of(int fd)
{
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

static int64_t start(struct files *f, struct part_sums *s, const char *boot, bool must_check)
{
	struct err e = {0};
	int64_t have = -1;
	int sums = f->sums < 0 ? -1 : fcntl(f->sums, F_DUPFD_CLOEXEC, 0);
	assert_int_equal(part_sums_start(s, sums, f->part, boot, must_check, &have, &e), 0);
	assert_int_equal(have, size_of(f->part));
	return have;
}

static int64_t resume(struct files *f, const char *boot, bool must_check)
{
	struct part_sums s;
	int64_t have = start(f, &s, boot, must_check);
	part_sums_deinit(&s);
	return have;
}

/* In pieces of odd sizes, as they come from a network. */
static void receive(struct files *f, struct part_sums *s, int64_t from, int64_t to)
{
	while (from < to) {
		size_t n = 77777 < to - from ? 77777 : (size_t)(to - from);
		assert_int_equal(pwrite(f->part, f->bytes + from, n, from), n);
		part_sums_add(s, f->bytes + from, n);
		from += (int64_t)n;
	}
}

static int set_up(void **state)
{
	struct files *f = xcalloc(1, sizeof(*f));
	struct part_sums s;
	f->part = memfd_create("part", MFD_CLOEXEC);
	f->sums = memfd_create("sums", MFD_CLOEXEC);
	f->bytes = xmalloc(SIZE);
	for (int i = 0; i < SIZE; i++)
		f->bytes[i] = (unsigned char)(i * 7 + i / 4096);
	assert_int_equal(start(f, &s, BOOT, false), 0);
	receive(f, &s, 0, SIZE);
	part_sums_deinit(&s);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct files *f = *state;
	close(f->part);
	close(f->sums);
	free(f->bytes);
	free(f);
	return 0;
}

static void damage(struct files *f, int64_t at)
{
	assert_int_equal(pwrite(f->part, "damage", 6, at), 6);
}

static void test_same_boot(void **state)
{
	struct files *f = *state;
	assert_int_equal(size_of(f->sums), 64 + 3 * 8);
	assert_int_equal(resume(f, BOOT, false), SIZE);
	/* Not read, so not noticed: the blob's digest will. */
	damage(f, 5000);
	assert_int_equal(resume(f, BOOT, false), SIZE);
}

static void test_later_boot(void **state)
{
	struct files *f = *state;
	assert_int_equal(resume(f, LATER, false), 3 * PART_BLOCK);
	/* Those who are there now have checked it. */
	assert_int_equal(resume(f, LATER, false), 3 * PART_BLOCK);
}

static void test_zeros_after_a_power_cut(void **state)
{
	struct files *f = *state;
	auto_free char *zeros = xcalloc(1, SIZE);
	int64_t from = PART_BLOCK + 4096;
	assert_int_equal(pwrite(f->part, zeros, (size_t)(SIZE - from), from), SIZE - from);
	assert_int_equal(resume(f, LATER, false), PART_BLOCK);
	struct part_sums s;
	assert_int_equal(start(f, &s, LATER, false), PART_BLOCK);
	receive(f, &s, PART_BLOCK, SIZE);
	part_sums_deinit(&s);
	assert_int_equal(resume(f, BOOT, false), 3 * PART_BLOCK);
}

static void test_shorter_than_its_sums(void **state)
{
	struct files *f = *state;
	assert_int_equal(ftruncate(f->part, PART_BLOCK + 10), 0);
	assert_int_equal(resume(f, LATER, false), PART_BLOCK);
	assert_int_equal(size_of(f->sums), 64 + 8);
	assert_int_equal(ftruncate(f->part, 10), 0);
	assert_int_equal(resume(f, BOOT, false), 0);
}

/* The writer was killed between the bytes and their sum, or had no room for sums. */
static void test_sums_that_lag(void **state)
{
	struct files *f = *state;
	assert_int_equal(ftruncate(f->sums, 64 + 8), 0);
	assert_int_equal(resume(f, BOOT, false), SIZE);
	assert_int_equal(size_of(f->sums), 64 + 3 * 8);
	assert_int_equal(resume(f, LATER, false), 3 * PART_BLOCK);
	assert_int_equal(ftruncate(f->sums, 64 + 8 + 3), 0);
	assert_int_equal(resume(f, BOOT, false), PART_BLOCK);
}

/* In the middle of a block, over and over, the running sum is taken up. */
static void test_kills_within_blocks(void **state)
{
	struct files *f = *state;
	assert_int_equal(ftruncate(f->part, 0), 0);
	for (int64_t at = 0; at < SIZE;) {
		struct part_sums s;
		int64_t to = at + 123457 < SIZE ? at + 123457 : SIZE;
		assert_int_equal(start(f, &s, BOOT, false), at);
		receive(f, &s, at, to);
		part_sums_deinit(&s);
		at = to;
	}
	assert_int_equal(resume(f, LATER, true), 0);
	struct part_sums s;
	receive(f, &(struct part_sums){.fd = -1}, 0, SIZE);
	assert_int_equal(start(f, &s, LATER, false), SIZE);
	part_sums_deinit(&s);
}

static void test_found_bad(void **state)
{
	struct files *f = *state;
	damage(f, 2 * PART_BLOCK + 17);
	assert_int_equal(resume(f, BOOT, true), 2 * PART_BLOCK);
}

/* All blocks are as they came: what came was wrong. */
static void test_came_bad(void **state)
{
	struct files *f = *state;
	assert_int_equal(resume(f, BOOT, true), 0);
	assert_int_equal(size_of(f->part), 0);
}

static void test_no_sums(void **state)
{
	struct files *f = *state;
	int kept = f->sums;
	f->sums = -1;
	assert_int_equal(resume(f, BOOT, false), SIZE);
	assert_int_equal(resume(f, BOOT, true), 0);
	f->sums = kept;
	/* Of another kind: not believed, not obeyed. */
	assert_int_equal(pwrite(f->part, f->bytes, SIZE, 0), SIZE);
	assert_int_equal(pwrite(f->sums,
				 "something else that is long enough to be looked at"
				 "as if it were a header",
				 64, 0),
		64);
	assert_int_equal(resume(f, LATER, false), SIZE);
	assert_int_equal(resume(f, BOOT, false), 3 * PART_BLOCK);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_same_boot),
		T(test_later_boot),
		T(test_zeros_after_a_power_cut),
		T(test_shorter_than_its_sums),
		T(test_sums_that_lag),
		T(test_kills_within_blocks),
		T(test_found_bad),
		T(test_came_bad),
		T(test_no_sums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
