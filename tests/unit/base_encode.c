/* base64 and JSON over several lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"

/* RFC 4648, section 10. */
static void test_base64(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfd", "//79"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *coded = base64_encode(cases[i][0], strlen(cases[i][0]));
		assert_string_equal(coded, cases[i][1]);
		auto_free char *plain = base64_decode_text(coded);
		assert_string_equal(plain, cases[i][0]);
	}
	auto_free char *bare = base64_decode_text("Zm9vYg");
	assert_string_equal(bare, "foob");
	assert_null(base64_decode_text("Zm9v!"));
	assert_null(base64_decode_text("Zm 9v"));
	assert_null(base64_decode_text("AAAA")); /* NUL bytes */
}

static void test_pretty(void **state)
{
	(void)state;
	struct err e = {0};
	static const char text[] =
		"{\"b\":{},\"a\":[],\"c\":[1,\"x/<y>\",null],\"d\":{\"e\":true}}";
	auto_json j = json_parse(text, strlen(text), "text", &e);
	assert_non_null(j);
	auto_free char *shown = json_pretty(j, "\t");
	assert_string_equal(shown, "{\n\t\"b\": {},\n\t\"a\": [],\n\t\"c\": "
				   "[\n\t\t1,\n\t\t\"x/<y>\",\n\t\tnull\n\t],\n"
				   "\t\"d\": {\n\t\t\"e\": true\n\t}\n}");
	auto_json empty = json_object();
	auto_free char *nothing = json_pretty(empty, "   ");
	assert_string_equal(nothing, "{}");
}

static void test_secret_is_not_quoted(void **state)
{
	(void)state;
	static const char *const cases[] = {"{\"auth\": \"geheim\n\"}", "{\"auth\": geheim}",
		"{\"geheim\":1,\"geheim\":2}", "{\"a\": \"\\ugeheim\"}", "\"geheim",
		"[\"geheim\" \"geheim\"]"};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = {0};
		assert_null(json_parse_secret(cases[i], strlen(cases[i]), "file", &e));
		if (strstr(e.msg, "gehei") || !strstr(e.msg, "file: not valid JSON: line "))
			fail_msg("%s", e.msg);
	}
	struct err e = {0};
	assert_null(json_parse_secret("[x]", 3, "file", &e));
	assert_string_equal(e.msg, "file: not valid JSON: line 1: invalid token");
	assert_null(json_parse("[x]", 3, "file", &e));
	assert_string_equal(e.msg, "file: not valid JSON: line 1: invalid token near 'x'");
	auto_json good = json_parse_secret("{\"a\":1}", 7, "file", &e);
	assert_non_null(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_secret_is_not_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
