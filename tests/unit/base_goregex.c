/* Go's regular expressions: what matches, what is refused and in which words. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/goregex.h"
#include "base/scope.h"
#include "base/str.h"

#include <string.h>
#include <time.h>

static bool matches(const char *pattern, const char *text)
{
	struct err e = {0};
	struct goregex *re = NULL;
	if (goregex_compile(pattern, &re, &e) < 0)
		fail_msg("%s: %s", pattern, e.msg);
	bool found = goregex_match(re, text);
	goregex_free(re);
	return found;
}

static void match(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *yes, *no; /* lists with blanks; "~" stands for "" */
	} cases[] = {
		{"", "~ a", ""},
		{"a", "a bab", "~ b"},
		{"^a$", "a", "ab ba ~"},
		{"a|bc", "a xbcx", "b c"},
		{"^(ab)+$", "ab abab", "a aba ~"},
		{"^a?b*c+?$", "c bbc abccc", "ab bb ~"},
		{"^[a-c1]x[^0-9]$", "axz 1x- bxx", "dxa ax5 ax"},
		{"^\\d{2,3}$", "12 123", "1 1234 1a"},
		{"^x{2}$", "xx", "x xxx"},
		{"^x{0}y{2,}$", "yy yyyy", "y xyy"},
		{"^\\w+\\.\\S$", "a_1.b", "a-b.c a.\t"},
		{"^[[:alpha:]][[:^digit:]]$", "ab a-", "1a a1"},
		{"(?i)^FoO$", "foo FOO", "fo"},
		{"^(?i:a)b$", "ab Ab", "aB"},
		{"^(?P<name>x)(?:y)$", "xy", "x"},
		{"\\bcat\\b", "cat a-cat", "concat cats"},
		{"\\Bat", "cat", "at"},
		{"^\\Qa.b\\E$", "a.b", "axb"},
		{"^.$", "a \xc3\xa9 \xf0\x9f\x98\x80", "ab"},
		{"^\\pL\\PN$", "ab \xc3\xa9x", "1a a1"},
		{"^\\x41\\x{e9}\\t$", "A\xc3\xa9\t", "A"},
		{"^a{,2}$", "a{,2}", "aa"},
		{"^[]a]$", "] a", "b"},
		{"(a*)*b", "b aab", "a"},
		{"^(a|b|)c$", "c ac bc", "abc"},
		{"(?m)^b$", "a\nb", "ab"},
		{"^a.b$", "axb", "a\nb"},
		{"(?s)^a.b$", "a\nb", "ab"},
		{"^[^a]$", "b", "a"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int yes = 0; yes < 2; yes++) {
			auto_strv list = STRV_INIT;
			const char *texts = yes ? cases[i].yes : cases[i].no;
			if (!*texts)
				continue;
			strv_split(&list, texts, ' ');
			for (size_t k = 0; k < list.n; k++) {
				const char *t = strcmp(list.v[k], "~") ? list.v[k] : "";
				if (matches(cases[i].pattern, t) != yes)
					fail_msg("%s: %s", cases[i].pattern, t);
			}
		}
	}
}

static void refuse(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *words;
	} cases[] = {
		{"(", "missing closing ): `(`"},
		{"^(", "missing closing ): `^(`"},
		{")", "unexpected ): `)`"},
		{"[", "missing closing ]: `[`"},
		{"a[bc", "missing closing ]: `[bc`"},
		{"a**", "invalid nested repetition operator: `**`"},
		{"*", "missing argument to repetition operator: `*`"},
		{"\\", "trailing backslash at end of expression: ``"},
		{"x{1001}", "invalid repeat count: `{1001}`"},
		{"x{2,1}", "invalid repeat count: `{2,1}`"},
		{"(?=x)", "invalid or unsupported Perl syntax: `(?=`"},
		{"(?z)", "invalid or unsupported Perl syntax: `(?z`"},
		{"\\1", "invalid escape sequence: `\\1`"},
		{"[z-a]", "invalid character class range: `z-a`"},
		{"[[:foo:]]", "invalid character class range: `[:foo:]`"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct goregex *re = NULL;
		auto_free char *want = xasprintf("error parsing regexp: %s", cases[i].words);
		assert_true(goregex_compile(cases[i].pattern, &re, &e) < 0);
		assert_string_equal(e.msg, want);
	}
}

/* What makes a backtracker take for ever. */
static void bounded(void **state)
{
	(void)state;
	struct err e = {0};
	struct goregex *re = NULL;
	char text[2001];
	memset(text, 'a', 2000);
	text[2000] = '\0';
	clock_t start = clock();
	assert_false(matches("^(a|a)*(a*)*(a+)+b$", text));
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	assert_true(goregex_compile("((x{1000}){1000}){1000}", &re, &e) < 0);
	auto_buf deep = BUF_INIT;
	for (int i = 0; i < 400; i++)
		buf_putc(&deep, '(');
	assert_true(goregex_compile(deep.data, &re, &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match),
		cmocka_unit_test(refuse),
		cmocka_unit_test(bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
