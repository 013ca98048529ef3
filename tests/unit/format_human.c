#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/human.h"
#include "cmd/format/tabwriter.h"

static void test_durations(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {{-5, "Less than a second"}, {0, "Less than a second"},
		{0.9, "Less than a second"}, {1, "1 second"}, {1.9, "1 second"}, {2, "2 seconds"},
		{59.9, "59 seconds"}, {60, "About a minute"}, {119, "About a minute"},
		{120, "2 minutes"}, {3599, "59 minutes"}, {3600, "About an hour"},
		{5399, "About an hour"}, {5400, "2 hours"}, {47.4 * 3600, "47 hours"},
		{47.6 * 3600, "2 days"}, {13.9 * 86400, "13 days"}, {14 * 86400, "2 weeks"},
		{59 * 86400, "8 weeks"}, {60 * 86400, "2 months"}, {729 * 86400, "24 months"},
		{730.0 * 86400, "2 years"}, {2000.0 * 86400, "5 years"}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *text = human_duration((int64_t)(cases[i].seconds * NS_PER_S));
		assert_string_equal(text, cases[i].text);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		int64_t bytes;
		const char *three, *four, *binary;
	} cases[] = {{0, "0B", "0B", "0B"}, {999, "999B", "999B", "999B"},
		{1000, "1kB", "1kB", "1000B"}, {1024, "1.02kB", "1.024kB", "1KiB"},
		{1536, "1.54kB", "1.536kB", "1.5KiB"}, {2024686, "2.02MB", "2.025MB", "1.931MiB"},
		{21500000, "21.5MB", "21.5MB", "20.5MiB"},
		{123456789, "123MB", "123.5MB", "117.7MiB"},
		{INT64_C(5000000000), "5GB", "5GB", "4.657GiB"},
		{INT64_C(1200000000000), "1.2TB", "1.2TB", "1.091TiB"}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *three = human_size(cases[i].bytes);
		auto_free char *four = human_size4(cases[i].bytes);
		auto_free char *binary = human_bytes_binary(cases[i].bytes);
		assert_string_equal(three, cases[i].three);
		assert_string_equal(four, cases[i].four);
		assert_string_equal(binary, cases[i].binary);
	}
}

static void test_table(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {{"", ""}, {"a\n", "a\n"}, {"a\tb\n", "a         b\n"},
		{"A\tB\nlonger than ten\tx\n", "A                 B\nlonger than ten   x\n"},
		{"a\tb\nno cells\nlonger than ten\tb\n",
			"a         b\nno cells\nlonger than ten   b\n"},
		{"a\t\tc\n", "a                   c\n"}, {"a\t\n", "a         \n"},
		{"é\tb\n", "é         b\n"},
		{"a\tb\tc\nd\te\n12345678\tx\ty\n",
			"a          b         c\nd          e\n12345678   x         y\n"}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf out = BUF_INIT;
		tabwriter_align(&out, cases[i].in, strlen(cases[i].in));
		assert_string_equal(out.data ? out.data : "", cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
