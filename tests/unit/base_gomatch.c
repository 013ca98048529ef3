/* Patterns for names: what Go's path.Match says to them. */
#include "tests/unit/unit.h"

#include "base/gomatch.h"

static void match(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{"abc", "abc", true},
		{"*", "abc", true},
		{"*c", "abc", true},
		{"a*", "a", true},
		{"a*", "abc", true},
		{"a*", "ab/c", false},
		{"a*/b", "abc/b", true},
		{"a*/b", "a/c/b", false},
		{"a*b*c*d*e*/f", "axbxcxdxe/f", true},
		{"a*b*c*d*e*/f", "axbxcxdxexxx/f", true},
		{"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false},
		{"a*b?c*x", "abxbbxdbxebxczzx", true},
		{"a*b?c*x", "abxbbxdbxebxczzy", false},
		{"ab[c]", "abc", true},
		{"ab[b-d]", "abc", true},
		{"ab[e-g]", "abc", false},
		{"ab[^c]", "abc", false},
		{"ab[^e-g]", "abc", true},
		{"a\\*b", "a*b", true},
		{"a\\*b", "ab", false},
		{"a?b", "a/b", false},
		{"a[^a]b", "a/b", true},
		{"[\\]a]", "]", true},
		{"[\\-]", "-", true},
		{"[x\\-]", "z", false},
		{"*x", "xxx", true},
		{"", "", true},
		{"", "a", false},
		{"**", "ab", true},
		{"*:1", "b:1", true},
		{"b*", "busybox:latest", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (gomatch(cases[i].pattern, cases[i].name) != cases[i].matches)
			fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].name);
}

static void malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {"[", "[^", "[]a]", "[-]", "[x-]", "[-x]", "a[", "a\\",
		"[\\", "[a-\\", "*[", "[a", "[^]"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (gomatch_valid(bad[i]) || gomatch(bad[i], "a"))
			fail_msg("\"%s\" is taken for valid", bad[i]);
	assert_true(gomatch_valid("[a-z]*?\\["));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(match), cmocka_unit_test(malformed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
