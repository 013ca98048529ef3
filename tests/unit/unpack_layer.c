/* Layers: what is written, what is refused, and that the exact tar can be made again. */
#include "tests/unit/unit.h"
#include "tests/unit/unpack_tar_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "storage/tarsplit.h"
#include "storage/unpack.h"

struct world {
	char dir[64];
	int dir_fd;
	int stage_fd; /* of the last unpacking */
	struct unpack_result got;
	struct err e;
};

static int world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	snprintf(w->dir, sizeof(w->dir), "/tmp/moss-unpack-test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->stage_fd = -1;
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;
	auto_free char *clean = xasprintf("chmod -R u+rwX %s; rm -rf %s", w->dir, w->dir);
	unpack_result_deinit(&w->got);
	close(w->dir_fd);
	if (w->stage_fd >= 0)
		close(w->stage_fd);
	assert_int_equal(system(clean), 0);
	free(w);
	return 0;
}

static int unpack_file(struct world *w, const char *path)
{
	struct err ignored;
	const struct unpack_job job = {.size = -1, .is_single_id = true};
	auto_fd data = openat(w->dir_fd, path, O_RDONLY | O_CLOEXEC);
	assert_true(data >= 0);
	unpack_result_deinit(&w->got);
	if (w->stage_fd >= 0)
		close(w->stage_fd);
	(void)path_remove_at(w->dir_fd, "stage", &ignored);
	assert_int_equal(mkdirat(w->dir_fd, "stage", 0700), 0);
	w->stage_fd = openat(w->dir_fd, "stage", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return unpack_layer(data, w->stage_fd, &job, &w->got, &w->e);
}

static int unpack_buf(struct world *w, struct buf *b)
{
	struct err e;
	assert_int_equal(write_file_at(w->dir_fd, "x.tar", b->data, b->len, 0600, false, &e), 0);
	int r = unpack_file(w, "x.tar");
	buf_free(b);
	return r;
}

static int add_piece(void *arg, const void *p, size_t n, struct err *e)
{
	(void)e;
	buf_add(arg, p, n);
	return 0;
}

static void assert_same_tar(struct world *w, const char *path)
{
	auto_buf wanted = BUF_INIT, made = BUF_INIT;
	assert_int_equal(read_file_at(w->dir_fd, path, 1 << 30, &wanted, &w->e), 0);
	int r = tarsplit_assemble(w->stage_fd, add_piece, &made, &w->e);
	if (r < 0)
		print_error("%s\n", w->e.msg);
	assert_int_equal(r, 0);
	assert_int_equal(made.len, wanted.len);
	assert_memory_equal(made.data, wanted.data, wanted.len);
}

static void assert_content(struct world *w, const char *path, const char *wanted)
{
	auto_buf text = BUF_INIT;
	auto_free char *name = path_join("diff", path);
	int r = read_file_at(w->stage_fd, name, 1 << 20, &text, &w->e);
	if (r < 0)
		print_error("%s\n", w->e.msg);
	assert_int_equal(r, 0);
	assert_string_equal(text.data ? text.data : "", wanted);
}

static struct stat diff_stat(struct world *w, const char *path)
{
	struct stat st;
	auto_free char *name = path_join("diff", path);
	if (fstatat(w->stage_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		memset(&st, 0, sizeof(st));
	return st;
}

static void unpacks(struct world *w, struct buf *b)
{
	make_end(b);
	int r = unpack_buf(w, b);
	if (r < 0)
		print_error("%s\n", w->e.msg);
	assert_int_equal(r, 0);
	assert_same_tar(w, "x.tar");
}

static void is_refused(struct world *w, struct buf *b, const char *words)
{
	make_end(b);
	assert_true(unpack_buf(w, b) < 0);
	if (!strstr(w->e.msg, words))
		fail_msg("\"%s\" does not contain \"%s\"", w->e.msg, words);
}

static void run(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void run(struct world *w, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	auto_free char *command = xvasprintf(fmt, ap);
	va_end(ap);
	auto_free char *whole = xasprintf("cd %s && %s", w->dir, command);
	if (system(whole) != 0)
		fail_msg("%s", command);
}

/* ---- plain things ---- */

static void test_kinds(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	make_entry(&b, '5', "./", NULL, NULL);
	make_entry(&b, '5', "dir/", NULL, NULL);
	make_file(&b, "dir/file", "hello");
	make_file(&b, "implied/parent/file", "deep");
	make_entry(&b, '2', "link", "dir/file", NULL);
	make_entry(&b, '1', "hard", "dir/file", NULL);
	make_entry(&b, '6', "fifo", NULL, NULL);
	make_entry(&b, '3', "device", NULL, NULL);
	make_entry(&b, 'g', "global", NULL, "16 comment=hello\n");
	make_file(&b, "empty", "");
	unpacks(w, &b);
	assert_content(w, "dir/file", "hello");
	assert_content(w, "implied/parent/file", "deep");
	assert_int_equal(diff_stat(w, "dir/file").st_ino, diff_stat(w, "hard").st_ino);
	assert_int_equal(diff_stat(w, "dir/file").st_mode & 07777, 0644);
	assert_int_equal(diff_stat(w, "dir/file").st_mtime, 014000000000);
	assert_int_equal(diff_stat(w, "dir").st_mtime, 014000000000);
	assert_int_equal(diff_stat(w, "implied").st_mode & 07777, 0755);
	assert_true(S_ISLNK(diff_stat(w, "link").st_mode));
	assert_true(S_ISFIFO(diff_stat(w, "fifo").st_mode));
	assert_int_equal(diff_stat(w, "device").st_mode, 0);
	assert_int_equal(w->got.size, 9);
	assert_int_equal(w->got.warnings.n, 1);
}

static void test_empty(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	unpacks(w, &b);
	assert_string_equal(w->got.diff_id,
		"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
	auto_buf none = BUF_INIT;
	buf_add(&none, "", 0);
	assert_int_equal(unpack_buf(w, &none), 0);
}

static void test_names(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	char path[2000], component[200];
	memset(component, 'n', sizeof(component));
	component[199] = '\0';
	snprintf(path, sizeof(path), "%s/%s/%s", component, component, component);
	make_pax(&b, "path", path);
	make_file(&b, "short", "long by PAX");
	path[0] = 'g';
	make_entry(&b, 'L', "././@LongLink", NULL, path);
	make_file(&b, "short", "long by GNU");
	make_file(&b, "\377\376bytes", "no UTF-8");
	make_file(&b, "/absolute", "stays inside");
	make_file(&b, "a/./b//../c", "cleaned");
	unpacks(w, &b);
	assert_content(w, path, "long by GNU");
	path[0] = 'n';
	assert_content(w, path, "long by PAX");
	assert_content(w, "\377\376bytes", "no UTF-8");
	assert_content(w, "absolute", "stays inside");
	assert_content(w, "a/c", "cleaned");
}

static void test_attributes(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	char value[32];
	make_pax(&b, "SCHILY.xattr.user.kept", "v=1");
	make_file(&b, "f", "x");
	make_pax(&b, "SCHILY.xattr.user.overlay.opaque", "y");
	make_entry(&b, '5', "d", NULL, NULL);
	make_pax(&b, "SCHILY.xattr.trusted.overlay.opaque", "y");
	make_pax(&b, "mtime", "1234.5");
	make_file(&b, "t", "x");
	unpacks(w, &b);
	auto_free char *f = path_join(w->dir, "stage/diff/f"),
		       *d = path_join(w->dir, "stage/diff/d");
	assert_int_equal(getxattr(f, "user.kept", value, sizeof(value)), 3);
	assert_memory_equal(value, "v=1", 3);
	assert_true(getxattr(d, "user.overlay.opaque", value, sizeof(value)) < 0);
	assert_int_equal(diff_stat(w, "t").st_mtim.tv_sec, 1234);
	assert_int_equal(diff_stat(w, "t").st_mtim.tv_nsec, 500000000);
	assert_int_equal(w->got.warnings.n, 1);
}

/* ---- layers ---- */

static bool is_whiteout(struct world *w, const char *path)
{
	struct stat st = diff_stat(w, path);
	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

static bool is_opaque(struct world *w, const char *path)
{
	char value[4];
	auto_free char *whole = xasprintf("%s/stage/diff/%s", w->dir, path);
	return getxattr(whole, "user.overlay.opaque", value, sizeof(value)) == 1 && *value == 'y';
}

static void test_whiteouts(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	make_file(&b, "dir/.wh.gone", "");
	make_file(&b, "opaque/.wh..wh..opq", "");
	make_file(&b, "stays", "of this layer");
	make_file(&b, ".wh.stays", "");
	make_file(&b, ".wh.file", "");
	make_file(&b, "file", "after its whiteout");
	make_file(&b, ".wh.folder", "");
	make_entry(&b, '5', "folder", NULL, NULL);
	make_file(&b, ".wh.implied", "");
	make_file(&b, "implied/x", "x");
	make_file(&b, ".wh..wh.plnk/1", "");
	unpacks(w, &b);
	assert_true(is_whiteout(w, "dir/gone"));
	assert_true(is_opaque(w, "opaque"));
	assert_content(w, "stays", "of this layer");
	assert_content(w, "file", "after its whiteout");
	assert_true(is_opaque(w, "folder"));
	assert_true(is_opaque(w, "implied"));
	assert_content(w, "implied/x", "x");
}

static void test_replacing(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	make_file(&b, "f", "first");
	make_entry(&b, '1', "other", "f", NULL);
	make_file(&b, "f", "second");
	make_file(&b, "f", "third");
	make_file(&b, "d/a", "a");
	make_file(&b, "d/b/c", "c");
	make_file(&b, "d", "a file now");
	make_entry(&b, '2', "l", "f", NULL);
	make_file(&b, "l", "no link any more");
	make_entry(&b, '5', "merged", NULL, NULL);
	make_file(&b, "merged/x", "x");
	make_entry(&b, '5', "merged", NULL, NULL);
	unpacks(w, &b);
	assert_content(w, "f", "third");
	assert_content(w, "other", "first");
	assert_content(w, "d", "a file now");
	assert_content(w, "l", "no link any more");
	assert_content(w, "merged/x", "x");
}

/* A link in the archive leads to a place in the layer, and never out of it. */
static void test_links_stay_inside(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	auto_free char *outside = path_join(w->dir, "outside");
	assert_int_equal(mkdir(outside, 0755), 0);
	make_entry(&b, '2', "abs", outside, NULL);
	make_entry(&b, '5', outside + 1, NULL, NULL);
	make_file(&b, "abs/file", "inside");
	make_entry(&b, '2', "up", "../../../../../..", NULL);
	make_file(&b, "up/root-file", "inside too");
	make_entry(&b, '5', "etc", NULL, NULL);
	make_entry(&b, '2', "etc-link", "/etc", NULL);
	make_file(&b, "etc-link/.wh.passwd", "");
	make_file(&b, "etc-link/.wh..wh..opq", "");
	unpacks(w, &b);
	auto_free char *leaked = path_join(outside, "file");
	assert_int_not_equal(access(leaked, F_OK), 0);
	assert_content(w, leaked + 1, "inside");
	assert_content(w, "root-file", "inside too");
	assert_true(is_whiteout(w, "etc/passwd"));
	assert_true(is_opaque(w, "etc"));
}

/* ---- refusals ---- */

static void test_refused(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	make_file(&b, "../out", "x");
	is_refused(w, &b, "breaks out");
	make_file(&b, "a/../../out", "x");
	is_refused(w, &b, "breaks out");
	make_entry(&b, '1', "h", "../../etc/passwd", NULL);
	is_refused(w, &b, "invalid hardlink");
	make_entry(&b, '1', "h", "/etc/passwd", NULL);
	is_refused(w, &b, "invalid hardlink h -> /etc/passwd: its target is not in the layer");
	make_file(&b, "dir/.wh...", "");
	is_refused(w, &b, "invalid whiteout");
	make_file(&b, ".wh.", "");
	is_refused(w, &b, "invalid whiteout");
	make_file(&b, ".", "x");
	is_refused(w, &b, "root is not a folder");
	make_entry(&b, 'V', "volume", NULL, NULL);
	is_refused(w, &b, "unhandled tar header type");
	make_file(&b, "f", "x");
	make_file(&b, "f/below", "x");
	is_refused(w, &b, "Not a directory");
	make_pax(&b, "size", "99999999999999999999");
	make_file(&b, "f", "x");
	is_refused(w, &b, "PAX record size");
	make_pax(&b, "size", "9223372036854775807");
	make_file(&b, "f", "x");
	is_refused(w, &b, "size");
	make_entry(&b, 'x', "pax", NULL, "999 path=x\n");
	make_file(&b, "f", "x");
	is_refused(w, &b, "malformed PAX");
	make_pax(&b, "path", "../../pax-out");
	make_file(&b, "f", "x");
	is_refused(w, &b, "breaks out");
}

static void test_damaged(void **state)
{
	struct world *w = *state;
	unsigned char h[512];
	auto_buf b = BUF_INIT;
	make_file(&b, "f", "x");
	b.data[3] ^= 1;
	is_refused(w, &b, "checksum");
	make_header(h, '0', "negative", NULL, 0);
	memcpy(h + 124, "\377\377\377\377\377\377\377\377\377\377\377\376", 12);
	make_checksum(h);
	buf_add(&b, h, 512);
	is_refused(w, &b, "size");
	make_header(h, '0', "huge", NULL, 0);
	memcpy(h + 124, "\200\000\000\000\177\377\377\377\377\377\377\377", 12);
	make_checksum(h);
	buf_add(&b, h, 512);
	is_refused(w, &b, "size");
	make_header(h, '0', "cut", NULL, 100000);
	buf_add(&b, h, 512);
	is_refused(w, &b, "truncated");
	make_header(h, 'x', "pax", NULL, 2000000);
	buf_add(&b, h, 512);
	is_refused(w, &b, "too large");
	buf_add(&b, "\x1f\x8b\x08garbage that is no gzip", 25);
	is_refused(w, &b, "gzip data is corrupt");
}

/* ---- compression ---- */

static void test_compressions(void **state)
{
	static const char *const commands[] = {
		"cp x.tar y",
		"gzip -c x.tar >y",
		"(head -c 700 x.tar | gzip -c; tail -c +701 x.tar | gzip -c; gzip -c </dev/null) "
		">y",
		"zstd -q -f x.tar -o y",
		"(head -c 700 x.tar | zstd -q -c; tail -c +701 x.tar | zstd -q -c) >y",
		"zstd -q -f --ultra -20 x.tar -o y",
		"bzip2 -c x.tar >y",
		"xz -c x.tar >y",
	};
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	make_file(&b, "f", "some content");
	unpacks(w, &b);
	char diff_id[72];
	memcpy(diff_id, w->got.diff_id, sizeof(diff_id));
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		run(w, "%s", commands[i]);
		int r = unpack_file(w, "y");
		if (r < 0)
			fail_msg("%s: %s", commands[i], w->e.msg);
		assert_string_equal(w->got.diff_id, diff_id);
		assert_same_tar(w, "x.tar");
		run(w, "test sha256:$(sha256sum <y | cut -d' ' -f1) = %s", w->got.digest);
	}
}

static void test_cut_compressions(void **state)
{
	static const char *const commands[] = {
		"gzip -c x.tar | head -c 60 >y",
		"(gzip -c x.tar; printf junk) >y",
		"(gzip -c x.tar; printf '\\037\\213\\010\\000') >y",
		"zstd -q -c x.tar | head -c 60 >y",
		"xz -c x.tar | head -c 60 >y",
		"head -c 1000 x.tar >y",
	};
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	make_file(&b, "f", "some content that is long enough to be cut somewhere in the middle");
	unpacks(w, &b);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		run(w, "%s", commands[i]);
		if (unpack_file(w, "y") != -EBADMSG)
			fail_msg("%s: %s", commands[i], w->e.msg);
	}
}

/* ---- what tar programs write ---- */

static void make_tree(struct world *w)
{
	run(w, "mkdir -p tree/sub/deeper && cd tree && "
	       "head -c 300000 /dev/urandom >sub/big && seq 1 2000 >sub/deeper/text && "
	       "ln sub/big hard && ln -s sub/big soft && mkfifo fifo && : >empty && "
	       "long=$(printf '%%0120d' 7) && mkdir -p $long/$long && echo x >$long/$long/$long && "
	       "ln $long/$long/$long longhard && ln -s $long/$long/$long longsoft && "
	       "truncate -s 3M sparse && printf data | dd of=sparse bs=1 seek=1048576 conv=notrunc "
	       "status=none && printf end | dd of=sparse bs=1 seek=3145725 conv=notrunc "
	       "status=none && "
	       "chmod 4755 sub/big && chmod 1777 sub && touch -d '2001-02-03 04:05:06.789' empty "
	       "&& "
	       "printf x >\"$(printf 'latin\\351')\"");
}

static void test_tar_programs(void **state)
{
	static const char *const commands[] = {
		"tar --format=gnu -cf x.tar -C tree .",
		"tar --format=oldgnu -S -cf x.tar -C tree .",
		"tar --format=pax -cf x.tar -C tree .",
		"tar --format=pax -S --sparse-version=0.0 -cf x.tar -C tree .",
		"tar --format=pax -S --sparse-version=0.1 -cf x.tar -C tree .",
		"tar --format=pax -S --sparse-version=1.0 -cf x.tar -C tree .",
		"tar --format=ustar -cf x.tar -C tree sub hard soft fifo empty sparse",
		"tar --format=v7 -cf x.tar -C tree sub hard soft empty",
		"tar --format=gnu -cf x.tar -C tree . && tar -rf x.tar -C tree empty sub/big",
		"python3 -c 'import tarfile; t = tarfile.open(\"x.tar\", \"w\"); t.add(\"tree\", "
		"\".\")'",
		"! type bsdtar >/dev/null 2>&1 || bsdtar --format=pax -cf x.tar -C tree .",
	};
	struct world *w = *state;
	make_tree(w);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		run(w, "%s", commands[i]);
		if (unpack_file(w, "x.tar") < 0)
			fail_msg("%s: %s", commands[i], w->e.msg);
		assert_same_tar(w, "x.tar");
		bool is_whole = str_ends(commands[i], " .");
		run(w, "cmp tree/sub/big stage/diff/sub/big && cmp tree/sub/big stage/diff/hard");
		if (is_whole)
			run(w, "diff -r --no-dereference -x fifo tree stage/diff && "
			       "(cd tree && find . -printf '%%p %%y %%m %%l %%TY%%Tm%%Td%%TH%%TM "
			       "%%n\\n' | "
			       "grep -av '^./[a-z]*hard ' | sort) >a && "
			       "(cd stage/diff && find . -printf '%%p %%y %%m %%l "
			       "%%TY%%Tm%%Td%%TH%%TM %%n\\n' | "
			       "grep -av '^./[a-z]*hard ' | sort) >b && diff a b");
	}
}

/* ---- digests, and what a changed layer gives ---- */

static void test_wrong_digests(void **state)
{
	struct world *w = *state;
	auto_buf b = BUF_INIT;
	make_file(&b, "f", "x");
	unpacks(w, &b);
	const char *wrong =
		"sha256:0000000000000000000000000000000000000000000000000000000000000000";
	const struct unpack_job jobs[] = {
		{.digest = wrong, .size = -1, .is_single_id = true},
		{.diff_id = wrong, .size = -1, .is_single_id = true},
		{.size = 1, .is_single_id = true},
	};
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		struct unpack_result got;
		auto_fd data = openat(w->dir_fd, "x.tar", O_RDONLY | O_CLOEXEC);
		run(w, "rm -rf stage2 && mkdir stage2");
		auto_fd stage = openat(w->dir_fd, "stage2", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(unpack_layer(data, stage, &jobs[i], &got, &w->e), -EBADMSG);
		unpack_result_deinit(&got);
	}
}

static void test_altered_layer(void **state)
{
	static const char *const harms[] = {
		"printf y >stage/diff/f",
		"rm stage/diff/f",
		"rm stage/diff/f && mkfifo stage/diff/f",
		"rm stage/diff/f && ln -s /etc/passwd stage/diff/f",
		": >stage/diff/f",
		"truncate -s -3 stage/tar-split",
		"printf zz | dd of=stage/tar-split bs=1 seek=20 conv=notrunc status=none",
	};
	struct world *w = *state;
	for (size_t i = 0; i < ARRAY_LEN(harms); i++) {
		auto_buf b = BUF_INIT, made = BUF_INIT;
		make_file(&b, "f", "x");
		unpacks(w, &b);
		run(w, "%s", harms[i]);
		if (tarsplit_assemble(w->stage_fd, add_piece, &made, &w->e) == 0)
			fail_msg("not noticed: %s", harms[i]);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_kinds),
		T(test_empty),
		T(test_names),
		T(test_attributes),
		T(test_whiteouts),
		T(test_replacing),
		T(test_links_stay_inside),
		T(test_refused),
		T(test_damaged),
		T(test_compressions),
		T(test_cut_compressions),
		T(test_tar_programs),
		T(test_wrong_digests),
		T(test_altered_layer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
