#include "tests/unit/unit.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

static void numbers_are_strict(void **state)
{
	uint64_t u;
	uint32_t w;
	int64_t i;
	(void)state;
	assert_true(parse_u64("18446744073709551615", &u));
	assert_true(u == UINT64_MAX);
	assert_false(parse_u64("18446744073709551616", &u));
	static const char *const bad[] = {"", " 1", "1 ", "+1", "0x1", "1a", "-1"};
	for (size_t n = 0; n < ARRAY_LEN(bad); n++)
		assert_false(parse_u64(bad[n], &u));
	assert_true(parse_u32("4294967295", &w));
	assert_false(parse_u32("4294967296", &w));
	assert_true(parse_i64("-9223372036854775808", &i));
	assert_true(i == INT64_MIN);
	assert_false(parse_i64("-9223372036854775809", &i));
	assert_false(parse_i64("9223372036854775808", &i));
	assert_false(parse_i64("-", &i));
}

static void lists_split_and_join(void **state)
{
	(void)state;
	auto_strv s = STRV_INIT;
	strv_split(&s, "a,,b,", ',');
	assert_int_equal(s.n, 4);
	assert_string_equal(s.v[1], "");
	assert_null(s.v[4]);
	auto_free char *joined = strv_join(&s, "+");
	assert_string_equal(joined, "a++b+");
	assert_true(strv_has(&s, "b"));
	assert_false(strv_has(&s, "c"));
}

static void distance_counts_edits(void **state)
{
	(void)state;
	assert_int_equal(str_distance("run", "run"), 0);
	assert_int_equal(str_distance("rnu", "run"), 1);
	assert_int_equal(str_distance("iamges", "images"), 1);
	assert_int_equal(str_distance("iamgse", "images"), 2);
	assert_int_equal(str_distance("", "abc"), 3);
}

static void errors_gather_context(void **state)
{
	(void)state;
	struct err e = {0};
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "cannot open %s", "/x"), -ENOENT);
	assert_int_equal(err_ctx(&e, "cannot stop %s", "web"), -ENOENT);
	assert_string_equal(e.msg, "cannot stop web: cannot open /x: No such file or directory");
	char big[4000];
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_ctx(&e, "%s", big);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

static void times_are_gos(void **state)
{
	int64_t ns;
	(void)state;
	assert_true(clock_parse_rfc3339("2026-01-02T15:04:05.000000123Z", &ns));
	auto_free char *fixed = clock_rfc3339_fixed(ns);
	auto_free char *shown = clock_rfc3339(ns);
	assert_string_equal(fixed, "2026-01-02T15:04:05.000000123Z");
	assert_string_equal(shown, fixed);
	assert_true(clock_parse_rfc3339("2026-01-02T17:04:05.5+02:00", &ns));
	auto_free char *zoned = clock_rfc3339(ns);
	assert_string_equal(zoned, "2026-01-02T15:04:05.5Z");
	auto_free char *never = clock_rfc3339(0);
	assert_string_equal(never, "0001-01-01T00:00:00Z");
	assert_true(clock_parse_rfc3339(never, &ns));
	assert_int_equal(ns, 0);
	static const char *const bad[] = {"", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00",
		"2026-01-01T25:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(clock_parse_rfc3339(bad[i], &ns));
}

static void durations_are_gos(void **state)
{
	int64_t ns;
	(void)state;
	assert_true(clock_parse_duration("1h2m3.5s", &ns));
	assert_true(ns == INT64_C(3723500000000));
	assert_true(clock_parse_duration("300ms", &ns));
	assert_int_equal(ns, 300000000);
	assert_true(clock_parse_duration("-1s", &ns));
	assert_true(ns == -NS_PER_S);
	assert_true(clock_parse_duration("0", &ns));
	static const char *const bad[] = {"", "1", "s", "1d", "1s2", "1 s", "9999999999h", ".s"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(clock_parse_duration(bad[i], &ns));
}

static void json_is_limited(void **state)
{
	struct err e = {0};
	(void)state;
	assert_null(json_parse("{\"a\":1,\"a\":2}", 13, "doc", &e));
	assert_non_null(strstr(e.msg, "doc"));
	auto_buf deep = BUF_INIT;
	for (int i = 0; i < 10000; i++)
		buf_putc(&deep, '[');
	assert_null(json_parse(deep.data, deep.len, "deep", &e));
	assert_non_null(strstr(e.msg, "nested"));
	static const char text[] = "{\"a\":{\"b\":[\"x\",1,\"y\"],\"n\":7,\"s\":\"[[[[\"}}";
	auto_json j = json_parse(text, strlen(text), "ok", &e);
	assert_non_null(j);
	assert_int_equal(json_int_or(j, "a/n", 0), 7);
	assert_int_equal(json_int_or(j, "a/b", 3), 3);
	assert_null(json_str(j, "a/b/c"));
	auto_strv s = STRV_INIT;
	json_to_strv(json_at(j, "a/b"), &s);
	assert_int_equal(s.n, 2);
	json_set_str(j, "bad", "\xff!");
	assert_string_equal(json_str(j, "bad"), "\xef\xbf\xbd!");
}

static void foreign_text_orders_nothing(void **state)
{
	static const char *const cases[][3] = {
		{"", "", ""},
		{"a\033[31mb\x7f", "", "a?[31mb?"},
		{"a\nb\tc\r", "\n\t", "a\nb\tc?"},
		{"a\nb", "", "a?b"},
		/* U+009B and U+0080, as UTF-8 and alone; what is text stays, cut characters too. */
		{"\xc2\x9b"
		 "31m \xc2\x80 \xc2\xa0",
			"", "??31m ?? \xc2\xa0"},
		{"\x9b"
		 "31m \xe4\xb8",
			"", "?31m \xe4\xb8"},
		/* U+202E and U+2066; U+2029 and U+20AC are others. */
		{"a\xe2\x80\xae"
		 "b\xe2\x81\xa6 \xe2\x80\xa9\xe2\x82\xac",
			"", "a???b??? \xe2\x80\xa9\xe2\x82\xac"},
		{"\xc3\x9b \xe2\x82\x9b \xf0\x9f\x90\x8b", "",
			"\xc3\x9b \xe2\x82\x9b \xf0\x9f\x90\x8b"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *s = xstrdup(cases[i][0]);
		shown_text(s, cases[i][1]);
		assert_string_equal(s, cases[i][2]);
	}
}

static void addresses_are_shown_without_secrets(void **state)
{
	static const char *const cases[][3] = {
		{"https://host/a/b?sig=x#y", "https://host/a/b", "https://host/a/b?sig=x#y"},
		{"http://u:p@host:1/a?b", "http://host:1/a", "http://xxxxx:xxxxx@host:1/a?b"},
		{"http://u@p@host", "http://host", "http://xxxxx:xxxxx@host"},
		{"http://host/a@b", "http://host/a@b", "http://host/a@b"},
		{"http://host?a@b", "http://host", "http://host?a@b"},
		{"host:3128", "host:3128", "host:3128"},
		{"u:p@host:1", "u:p@host:1", "xxxxx:xxxxx@host:1"},
		{"http://u:p/w@host:1", "http://host:1", "http://xxxxx:xxxxx@host:1"},
		{"http://u:1#w@host", "http://u:1", "http://u:1#w@host"},
		{"u:p?w@host", "u:p?w@host", "xxxxx:xxxxx@host"},
		{"http://[::1]:1/a@b", "http://[::1]:1/a@b", "http://[::1]:1/a@b"},
		{"http://host:1/a@b", "http://host:1/a@b", "http://host:1/a@b"},
		{"host:1/a@b", "host:1/a@b", "host:1/a@b"},
		{"file?x.tar", "file?x.tar", "file?x.tar"},
		{"", "", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char shown[64];
		auto_free char *masked = shown_url_masked(cases[i][0]);
		shown_url(cases[i][0], shown, sizeof(shown));
		assert_string_equal(shown, cases[i][1]);
		assert_string_equal(masked, cases[i][2]);
	}
	char small[12];
	shown_url("https://host/long", small, sizeof(small));
	assert_string_equal(small, "https://hos");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(lists_split_and_join),
		cmocka_unit_test(distance_counts_edits),
		cmocka_unit_test(errors_gather_context),
		cmocka_unit_test(times_are_gos),
		cmocka_unit_test(durations_are_gos),
		cmocka_unit_test(json_is_limited),
		cmocka_unit_test(foreign_text_orders_nothing),
		cmocka_unit_test(addresses_are_shown_without_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
