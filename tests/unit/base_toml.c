#include "unit.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/toml.h"

static void test_accepted(void **state)
{
	(void)state;
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"", "{}"},
		{"\xef\xbb\xbf# only a comment\r\n\r\n", "{}"},
		{"a = 1\nb=\"x\"\nc = true\nd = false",
			"{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":false}"},
		{"a = [\n 1, # one\n 2,\n]\n", "{\"a\":[1,2]}"},
		{"a = 0xFf\nb = 0o17\nc = 0b101\nd = -9_223_372_036_854_775_808\ne = +7\nf = 0",
			"{\"a\":255,\"b\":15,\"c\":5,\"d\":-9223372036854775808,\"e\":7,\"f\":0}"},
		{"\"a b\".c.'d.e' = 'C:\\x'", "{\"a b\":{\"c\":{\"d.e\":\"C:\\\\x\"}}}"},
		{"a = \"t\\tn\\nq\\\"b\\\\u\\u00e9\\U0001F600\"",
			"{\"a\":\"t\\tn\\nq\\\"b\\\\u\xc3\xa9\xf0\x9f\x98\x80\"}"},
		{"a = \"\"\"\nx\ny \\\n\n   z\"\"\"", "{\"a\":\"x\\ny z\"}"},
		{"a = \"\"\"\"q\"\"\"\"\"", "{\"a\":\"\\\"q\\\"\\\"\"}"},
		{"a = '''\r\n'x'\\'''", "{\"a\":\"'x'\\\\\"}"},
		{"[a.b]\nc = 1\n[a]\nd = 2\n", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}"},
		{"[[r]]\nx = 1\n[[r.m]]\ny = 1\n[[r.m]]\n[[r]]\n[r.o]\n",
			"{\"r\":[{\"x\":1,\"m\":[{\"y\":1},{}]},{\"o\":{}}]}"},
		{"a = {}\nb = { x = 1, y.z = [ {q = 2} ] }",
			"{\"a\":{},\"b\":{\"x\":1,\"y\":{\"z\":[{\"q\":2}]}}}"},
		{"[f]\na.b = 1\na.c = 2\n[f.a.d]\n", "{\"f\":{\"a\":{\"b\":1,\"c\":2,\"d\":{}}}}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_json j = toml_parse(cases[i].text, strlen(cases[i].text), "f", &e);
		if (!j)
			fail_msg("%s: %s", cases[i].text, e.msg);
		auto_free char *text = json_text(j);
		assert_string_equal(text, cases[i].json);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"a", "f:1: \"=\" is missing after a"},
		{"\n\na =", "f:3: a value is missing here"},
		{"a = 1 b = 2", "f:1: the line should end here"},
		{"a = 1\na = 2", "f:2: a is given twice"},
		{"a = x", "f:1: no value: a string needs quotes"},
		{"a = 1.5", "f:1: no number that is understood here (integers are)"},
		{"a = 1979-05-27", "f:1: no number that is understood here (integers are)"},
		{"a = 007", "f:1: no number that is understood here (integers are)"},
		{"a = 1__0", "f:1: no number that is understood here (integers are)"},
		{"a = 9223372036854775808",
			"f:1: no number that is understood here (integers are)"},
		{"a = 0x", "f:1: no value: a string needs quotes"},
		{"a = \"x", "f:1: a string without an end"},
		{"a = \"x\ny\"", "f:1: a string without an end"},
		{"a = \"\\q\"", "f:1: unknown escape in a string"},
		{"a = \"\\u0000\"", "f:1: \\u0000 is no character"},
		{"a = \"\\ud800\"", "f:1: \\ud800 is no character"},
		{"a = \"\x01\"", "f:1: a control character in a string"},
		{"a = \"\xff\"", "f:1: a string that is not UTF-8"},
		{"\"\xff\" = 1", "f:1: a string that is not UTF-8"},
		{"# \x01", "f:1: a control character in a comment"},
		{"a = [1 2]", "f:1: \",\" or \"]\" is missing in an array"},
		{"a = [1,\n", "f:2: a value is missing here"},
		{"a = {x = 1,}", "f:1: \",\" before \"}\" in an inline table"},
		{"a = {x = 1\n}", "f:1: \",\" or \"}\" is missing in an inline table"},
		{"[a", "f:1: \"]\" is missing after a"},
		{"[[a]", "f:1: \"]]\" is missing after a"},
		{"[]", "f:1: a key is missing here"},
		{"[a]\n[a]", "f:2: table a is given twice"},
		{"[[a]]\n[a]", "f:2: table a is given twice"},
		{"a = []\n[[a]]", "f:2: a is given already, and is no array of tables"},
		{"a = {}\n[a.b]", "f:2: a is given already, nothing can be added to it"},
		{"a = {}\na.b = 1", "f:2: a is given already, nothing can be added to it"},
		{"a = 1\n[a.b]", "f:2: a is given already, nothing can be added to it"},
		{"[a.b]\n[a]\nb.c = 1", "f:3: b is given already, nothing can be added to it"},
		{"[a]\nb.c = 1\n[a.b]", "f:3: table b is given twice"},
		{"a = {b = {}}\n[a.b]", "f:2: a is given already, nothing can be added to it"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_json j = toml_parse(cases[i].text, strlen(cases[i].text), "f", &e);
		if (j)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(e.msg, cases[i].error);
	}
}

static void test_limits(void **state)
{
	(void)state;
	struct err e = {0};
	auto_buf deep = BUF_INIT, many = BUF_INIT, large = BUF_INIT;
	buf_puts(&deep, "a = ");
	for (int i = 0; i < 10000; i++)
		buf_putc(&deep, '[');
	assert_null(toml_parse(deep.data, deep.len, "f", &e));
	assert_string_equal(e.msg, "f:1: values more than 32 deep");
	for (int i = 0; i <= TOML_TABLES_MAX; i++)
		buf_printf(&many, "[t%d]\n", i);
	assert_null(toml_parse(many.data, many.len, "f", &e));
	assert_string_equal(e.msg, "f:4097: more than 4096 tables");
	for (int i = 0; i <= TOML_MAX; i++)
		buf_putc(&large, '\n');
	assert_null(toml_parse(large.data, large.len, "f", &e));
	assert_string_equal(e.msg, "f: larger than 1048576 bytes");
	assert_null(toml_parse("a\0b", 3, "f", &e));
	assert_string_equal(e.msg, "f: no text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
