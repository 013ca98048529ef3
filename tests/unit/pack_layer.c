/* pack_layer: a folder is described, made a tar again from the description, and read back. */
#include "storage/pack_layer.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/share_internal.h"
#include "storage/tarsplit.h"
#include "storage/unpack.h"
#include "storage/upper_tidy.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64];
	int stage, diff, out;
	struct share *share;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	strcpy(f->dir, "/tmp/pack-layer.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->stage = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(f->stage, "diff", 0755), 0);
	f->diff = openat(f->stage, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->out = openat(f->stage, "tar", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(f->diff >= 0 && f->out >= 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e;
	close(f->stage);
	close(f->diff);
	close(f->out);
	assert_int_equal(path_remove_at(AT_FDCWD, f->dir, &e), 0);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *name, const void *p, size_t n)
{
	auto_fd fd = openat(f->diff, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
}

static int into(void *arg, const void *p, size_t n, struct err *e)
{
	const struct fixture *f = arg;
	(void)e;
	assert_int_equal(write(f->out, p, n), (ssize_t)n);
	return 0;
}

/* Everything that makes headers differ. */
static void fill(struct fixture *f)
{
	char deep[200];
	memset(deep, 'd', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	put(f, "a", "hello", 5);
	assert_int_equal(linkat(f->diff, "a", f->diff, "b", 0), 0);
	assert_int_equal(symlinkat("a", f->diff, "c"), 0);
	put(f, deep, "deep", 4);
	put(f, "gr\xc3\xbc\xc3\x9f", "x", 1);
	assert_int_equal(mkfifoat(f->diff, "pipe", 0600), 0);
	assert_int_equal(mkdirat(f->diff, "folder", 0700), 0);
	put(f, "folder/in", "in", 2);
	auto_fd hole = openat(f->diff, "hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(hole, 3 << 20), 0);
	assert_int_equal(pwrite(hole, "mid", 3, 1 << 20), 3);
	auto_fd fd = openat(f->diff, "a", O_RDONLY | O_CLOEXEC);
	(void)fsetxattr(fd, "user.note", "kept", 4, 0);
	(void)fsetxattr(fd, "user.overlay.origin", "gone", 4, 0);
}

static void describe(struct fixture *f, struct pack_layer_result *got)
{
	struct err e = {0};
	struct strv none = STRV_INIT;
	if (upper_tidy(f->diff, &none, &e) < 0 ||
		pack_layer(f->diff, f->stage, f->share, got, &e) < 0 ||
		tarsplit_assemble(f->stage, into, f, &e) < 0)
		fail_msg("%s", e.msg);
}

/* The tar made again has the digest that was computed (tarsplit_assemble compares), and an unpacker
 * makes the same files of it. */
static void test_round(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct pack_layer_result got;
	struct stat st;
	char value[16];
	fill(f);
	describe(f, &got);
	assert_int_equal(got.entries, 9);
	assert_int_equal(got.size, 5 + 4 + 1 + 2 + (3 << 20));
	assert_int_equal(mkdirat(f->stage, "again", 0700), 0);
	auto_fd again = openat(f->stage, "again", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpack_result unpacked = {0};
	const struct unpack_job job = {.size = -1, .diff_id = got.diff_id, .is_single_id = true};
	assert_int_equal(lseek(f->out, 0, SEEK_SET), 0);
	if (unpack_layer(f->out, again, &job, &unpacked, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(unpacked.size, got.size);
	unpack_result_deinit(&unpacked);
	auto_fd fd = openat(again, "diff/a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_true(fgetxattr(fd, "user.overlay.origin", value, sizeof(value)) < 0);
	/* Where the file system has such attributes. */
	auto_fd source = openat(f->diff, "a", O_RDONLY | O_CLOEXEC);
	if (fgetxattr(source, "user.note", value, sizeof(value)) == 4)
		assert_int_equal(fgetxattr(fd, "user.note", value, sizeof(value)), 4);
	assert_int_equal(fstatat(again, "diff/hole", &st, 0), 0);
	assert_int_equal(st.st_size, 3 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);
	/* The headers tell of the hole: the archive is short. */
	assert_int_equal(fstat(f->out, &st), 0);
	assert_true(st.st_size < 1 << 20);
}

static void test_empty(void **state)
{
	struct fixture *f = *state;
	struct pack_layer_result got;
	describe(f, &got);
	assert_int_equal(got.entries, 0);
	assert_int_equal(got.size, 0);
}

/* What is dropped is what is empty, and folders keep their times. */
static void test_drop(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct stat st;
	auto_strv drop = STRV_INIT;
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	assert_int_equal(mkdirat(f->diff, "etc", 0755), 0);
	put(f, "etc/hosts", "", 0);
	put(f, "etc/hostname", "mine", 4);
	assert_int_equal(utimensat(f->diff, "etc", times, 0), 0);
	strv_add(&drop, "etc/hosts");
	strv_add(&drop, "etc/hostname");
	strv_add(&drop, "etc/resolv.conf");
	strv_add(&drop, "nowhere/x");
	strv_add(&drop, "etc");
	if (upper_tidy(f->diff, &drop, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(faccessat(f->diff, "etc/hosts", F_OK, 0), -1);
	assert_int_equal(fstatat(f->diff, "etc/hostname", &st, 0), 0);
	assert_int_equal(fstatat(f->diff, "etc", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
}

static bool is_listed(struct fixture *f, const char *path)
{
	struct stat st;
	uint32_t layer;
	auto_strv layers = STRV_INIT;
	auto_free char *diff = xasprintf("aaaa/diff/%s", path);
	auto_fd parent = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strv_add(&layers, "aaaa");
	assert_int_equal(fstatat(parent, diff, &st, 0), 0);
	const struct tar_entry en = {
		.size = (uint64_t)st.st_size,
		.mode = st.st_mode & 07777,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.mtime_s = st.st_mtim.tv_sec,
		.mtime_ns = (int32_t)st.st_mtim.tv_nsec,
	};
	struct share_index *x = share_index_new(parent, &layers);
	auto_fd fd = share_index_find(x, path, &en, false, &layer);
	share_index_free(x);
	return fd >= 0;
}

/* The index has what may be shared, but nothing that has another name in the folder. */
static void test_index(void **state)
{
	static const char *const folders[] = {"usr", "usr/lib", "etc"};
	struct fixture *f = *state;
	struct err e = {0};
	struct pack_layer_result got;
	auto_buf content = BUF_INIT;
	for (size_t i = 0; i < 2048; i++)
		buf_add(&content, "content", 8);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		assert_int_equal(mkdirat(f->diff, folders[i], 0755), 0);
	put(f, "usr/lib/one", content.data, content.len);
	put(f, "usr/lib/small", content.data, 8191);
	put(f, "usr/lib/twice", content.data, content.len);
	assert_int_equal(linkat(f->diff, "usr/lib/twice", f->diff, "etc/again", 0), 0);
	put(f, "etc/one", content.data, content.len);
	f->share = share_new(NULL, f->stage, false);
	describe(f, &got);
	assert_int_equal(share_finish(f->share, &e), 0);
	share_free(f->share);
	/* As it will be found: layers/<short>/{share,diff}. */
	assert_int_equal(mkdirat(f->stage, "aaaa", 0755), 0);
	assert_int_equal(renameat(f->stage, "share", f->stage, "aaaa/share"), 0);
	assert_int_equal(renameat(f->stage, "diff", f->stage, "aaaa/diff"), 0);
	assert_true(is_listed(f, "usr/lib/one"));
	assert_false(is_listed(f, "usr/lib/small"));
	assert_false(is_listed(f, "usr/lib/twice"));
	assert_false(is_listed(f, "etc/one"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_index, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
