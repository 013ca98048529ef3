#include "tests/unit/unit.h"

#include "base/err.h"
#include "engine/copy_plan.h"

#include <stdlib.h>
#include <string.h>

struct row {
	const char *src;
	bool src_folder;
	const char *rebase;
	const char *dst;
	bool exists, dst_folder;
	const char *folder, *name; /* or NULL and the error */
};

static void test_table(void **state)
{
	static const struct row rows[] = {
		{"/w/f", false, NULL, "/new", false, false, "/", "new"},
		{"/w/f", false, NULL, "/new/", false, false, NULL, "no such directory"},
		{"/w/f", false, NULL, "", false, false, NULL, "no such directory"},
		{"/w/f", false, NULL, "/etc/old", true, false, "/etc", "old"},
		{"/w/f", false, NULL, "/etc", true, true, "/etc", "f"},
		{"/w/f", false, "l", "/etc/", true, true, "/etc/", "l"},
		{"/w/d", true, NULL, "/new", false, false, "/", "new"},
		{"/w/d/.", true, NULL, "/new/", false, false, "/", "new"},
		{"/w/d", true, NULL, "/etc/old", true, false, NULL, "cannot copy directory"},
		{"/w/d", true, NULL, "/etc", true, true, "/etc", "d"},
		{"/w/d/", true, NULL, "/etc", true, true, "/etc", "d"},
		{"/w/d/.", true, NULL, "/etc", true, true, "/etc", "."},
		{"/", true, NULL, "/w", true, true, "/w", "/"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *w = &rows[i];
		struct copy_end src = {
			strdup(w->src), w->rebase ? strdup(w->rebase) : NULL, true, w->src_folder};
		struct copy_end dst = {strdup(w->dst), NULL, w->exists, w->dst_folder};
		struct copy_plan plan;
		struct err e = {0};
		int r = copy_plan_make(&src, &dst, &plan, &e);
		if (w->folder) {
			assert_int_equal(r, 0);
			assert_string_equal(plan.folder, w->folder);
			assert_string_equal(plan.name, w->name);
		} else {
			assert_true(r < 0);
			assert_string_equal(e.msg, w->name);
		}
		copy_plan_deinit(&plan);
		copy_end_deinit(&src);
		copy_end_deinit(&dst);
	}
}

static void test_operands(void **state)
{
	static const struct {
		const char *arg, *container, *path;
	} rows[] = {{"c:/x", "c", "/x"}, {"c:", "c", ""}, {"/a:b", NULL, "/a:b"},
		{"./a:b", NULL, "./a:b"}, {"plain", NULL, "plain"}, {":/x", NULL, "/x"},
		{"-", NULL, "-"}, {"c:x:y", "c", "x:y"}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *container;
		assert_string_equal(copy_split(rows[i].arg, &container), rows[i].path);
		if (rows[i].container)
			assert_string_equal(container, rows[i].container);
		else
			assert_null(container);
		free(container);
	}
}

static void test_endings(void **state)
{
	static const char *const rows[][3] = {{"/d", "d/", "/d/"}, {"/d", "d/.", "/d/."},
		{"/d", "d", "/d"}, {"/", "/", "/"}, {"/", "/.", "/."}, {"/d", "d/./", "/d/./"}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *whole = copy_keep_ending(rows[i][0], rows[i][1]);
		assert_string_equal(whole, rows[i][2]);
		free(whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),
		cmocka_unit_test(test_operands), cmocka_unit_test(test_endings)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
