#include "tests/unit/unit.h"

#include "base/err.h"
#include "engine/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One user with 65536 ids from 100000 and 10 from 400000; in all 65547. */
static const struct id_range own[] = {{0, 1000, 1}, {1, 100000, 65536}, {65537, 400000, 10}};
enum { TOTAL = 65547 };

static void check(const struct id_ranges *r, const char *expected)
{
	auto_buf b = BUF_INIT;
	for (size_t i = 0; i < r->n; i++)
		buf_printf(&b, "%s%u:%u:%u", i ? " " : "", r->v[i].inside, r->v[i].outside,
			r->v[i].count);
	assert_string_equal(b.data ? b.data : "", expected);
}

static void test_keep(void **state)
{
	static const struct {
		uint32_t id, size;
		const char *map;
	} table[] = {
		{1000, 0, "0:1:1000 1000:0:1 1001:1001:64546"},
		{0, 0, "0:0:1 1:1:65546"},
		{200000, 0, "0:1:65546 200000:0:1"},
		{65546, 0, "0:1:65546 65546:0:1"},
		{1000, 100, "0:1:99 1000:0:1"},
		{5, 10, "0:1:5 5:0:1 6:6:4"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct id_ranges r = {0};
		struct err e = {0};
		idmap_keep(TOTAL, table[i].id, table[i].size, &r);
		check(&r, table[i].map);
		assert_int_equal(idmap_check(&r, false, own, 3, &e), 0);
		id_ranges_deinit(&r);
	}
	/* With no subordinate ids there is no root. */
	struct id_ranges r = {0};
	struct err e = {0};
	idmap_keep(1, 1000, 0, &r);
	check(&r, "1000:0:1");
	assert_int_equal(idmap_check(&r, false, own, 1, &e), -EINVAL);
	id_ranges_deinit(&r);
}

/* Podman's own results. */
static void test_lists(void **state)
{
	static const struct {
		const char *uids, *gids, *uid_map, *gid_map;
	} table[] = {
		{"0:1:100", "", "0:1:100", "0:1:100"},
		{"", "0:1:100", "0:1:100", "0:1:100"},
		{"0:1:50", "g0:1:100", "0:1:50", "0:1:100"},
		{"u0:1:100", "", "0:1:100", "0:0:65547"},
		{"0:1", "", "0:1:1", "0:1:1"},
		{"0:@100000:5", "", "0:1:5", "0:1:5"},
		{"0:@400003:2", "", "0:65540:2", "0:65540:2"},
		{"+7:@1000:1", "", "7:0:1 0:1:7 8:8:65539", "7:0:1 0:1:7 8:8:65539"},
		{"+g7:@1000:1", "", "0:0:65547", "7:0:1 0:1:7 8:8:65539"},
		{"+7:@100000:5", "", "7:1:5 0:0:1 1:6:6 12:12:65535",
			"7:1:5 0:0:1 1:6:6 12:12:65535"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		auto_strv uids = STRV_INIT, gids = STRV_INIT;
		const struct idmap_lists lists = {&uids, &gids};
		struct id_ranges u = {0}, g = {0};
		struct err e = {0};
		if (*table[i].uids)
			strv_add(&uids, table[i].uids);
		if (*table[i].gids)
			strv_add(&gids, table[i].gids);
		assert_int_equal(idmap_parse(&lists, false, own, 3, &u, &e), 0);
		assert_int_equal(idmap_parse(&lists, true, own, 3, &g, &e), 0);
		check(&u, table[i].uid_map);
		check(&g, table[i].gid_map);
		id_ranges_deinit(&u);
		id_ranges_deinit(&g);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"", "0", "0:", ":0", "0:1:2:3", "x0:1:1", "0:-1:1",
		"0:1:4294967296", "4294967295:0:1", "0:4294967295:2", "0:@5:1", "@0:1:1", "0: 1:1"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_strv uids = STRV_INIT, gids = STRV_INIT;
		const struct idmap_lists lists = {&uids, &gids};
		struct id_ranges r = {0};
		struct err e = {0};
		strv_add(&uids, bad[i]);
		assert_int_equal(idmap_parse(&lists, false, own, 3, &r, &e), -EINVAL);
		id_ranges_deinit(&r);
	}
}

static void test_auto(void **state)
{
	struct id_ranges extra = {0}, r = {0};
	auto_strv list = STRV_INIT;
	struct err e = {0};
	(void)state;
	idmap_auto(1024, 501, &extra, &r);
	check(&r, "0:501:1024");
	id_ranges_deinit(&r);
	strv_add(&list, "5:1:2");
	assert_int_equal(idmap_parse_extra(&list, true, own, 3, &extra, &e), 0);
	idmap_auto(1024, 3, &extra, &r);
	check(&r, "0:3:5 7:8:1017 5:1:2");
	assert_int_equal(idmap_check(&r, true, own, 3, &e), 0);
	id_ranges_deinit(&r);
	id_ranges_deinit(&extra);
}

static void test_split(void **state)
{
	const struct id_range r[] = {{0, 65530, 10}, {20, 0, 3}};
	struct id_range *out;
	size_t n;
	struct err e = {0};
	(void)state;
	assert_int_equal(userns_ranges_split(r, 2, own, 3, &out, &n, &e), 0);
	struct id_ranges all = {out, n};
	check(&all, "0:65530:7 7:65537:3 20:0:1 21:1:2");
	id_ranges_deinit(&all);
	const struct id_range beyond = {0, 65540, 10};
	assert_int_equal(userns_ranges_split(&beyond, 1, own, 3, &out, &n, &e), -EINVAL);
	assert_null(out);
}

static void test_modes(void **state)
{
	static const struct {
		const char *text;
		enum idmap_kind kind;
	} table[] = {{"", IDMAP_NONE}, {"host", IDMAP_NONE}, {"keep-id", IDMAP_KEEP_ID},
		{"keep-id:uid=5,gid=6,size=10", IDMAP_KEEP_ID}, {"nomap", IDMAP_NOMAP},
		{"auto", IDMAP_AUTO}, {"auto:size=0,uidmapping=0:1:1", IDMAP_AUTO}};
	static const char *const bad[] = {"host:x", "nomap:x", "keep-idx",
		"keep-id:size=", "keep-id:uidmapping=0:1:1", "auto:uid=1", "private", "ns:/x",
		"container:x", "foo"};
	struct idmap_mode m;
	struct err e = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(idmap_mode_parse(table[i].text, &m, &e), 0);
		assert_int_equal(m.kind, table[i].kind);
		idmap_mode_deinit(&m);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(idmap_mode_parse(bad[i], &m, &e) < 0);
		idmap_mode_deinit(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_modes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
