/* progress and platform: what a pull prints and which image it wants. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/platform.h"
#include "engine/transfer/progress.h"

static char *printed(int fd)
{
	auto_buf text = BUF_INIT;
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(read_fd(fd, 1 << 20, &text), 0);
	return buf_take(&text);
}

static void test_plain_lines(void **state)
{
	(void)state;
	auto_fd fd = memfd_create("out", MFD_CLOEXEC);
	auto_progress p = progress_new(fd, false, false);
	progress_say(p, "12: Pulling from %s", "library/debian");
	progress_status(p, "a", "Pulling fs layer");
	progress_bar(p, "a", "Downloading", 1, 2);
	progress_status(p, "a", "Download complete");
	progress_status(p, "a", "Download complete");
	auto_free char *text = printed(fd);
	assert_string_equal(text, "12: Pulling from library/debian\na: Pulling fs layer\n"
				  "a: Download complete\n");
}

static void test_silent(void **state)
{
	(void)state;
	auto_fd fd = memfd_create("out", MFD_CLOEXEC);
	auto_progress p = progress_new(fd, true, true);
	progress_say(p, "x");
	progress_status(p, "a", "b");
	progress_bar(p, "a", "c", 1, 2);
	auto_free char *text = printed(fd);
	assert_string_equal(text, "");
}

static void test_terminal(void **state)
{
	(void)state;
	auto_fd fd = memfd_create("out", MFD_CLOEXEC);
	auto_progress p = progress_new(fd, true, false);
	progress_status(p, "a", "one");
	progress_status(p, "b", "two");
	progress_status(p, "a", "three");
	auto_free char *text = printed(fd);
	assert_string_equal(text, "\n\033[1A\033[2K\ra: one \r\033[1B"
				  "\n\033[1A\033[2K\rb: two \r\033[1B"
				  "\033[2A\033[2K\ra: three \r\033[2B");
}

static void test_bars(void **state)
{
	(void)state;
	static const struct {
		int64_t current, total;
		unsigned width;
		const char *text;
	} cases[] = {
		{0, 0, 200, ""},
		{1500, 0, 200, "   1.5kB"},
		{500, 1000, 80, "    500B/1kB"},
		{12345678, 30000000, 80, " 12.35MB/30MB"},
		{500, 1000, 200,
			"[=========================>                         ]     500B/1kB"},
		{1000, 1000, 200,
			"[==================================================>]      1kB/1kB"},
		{1, 1000, 200,
			"[>                                                  ]       1B/1kB"},
		{2000, 1000, 80, "     2kB"},
		{3221225472, 4294967296, 80, " 3.221GB/4.295GB"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *text =
			progress_bar_text(cases[i].current, cases[i].total, cases[i].width);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_platforms(void **state)
{
	(void)state;
	static const struct {
		const char *text, *os, *architecture, *variant;
	} cases[] = {
		{"linux/amd64", "linux", "amd64", NULL},
		{"linux/x86_64", "linux", "amd64", NULL},
		{"LINUX/AMD64", "linux", "amd64", NULL},
		{"linux/arm64/v8", "linux", "arm64", "v8"},
		{"linux/arm", "linux", "arm", "v7"},
		{"linux/arm/v6", "linux", "arm", "v6"},
		{"arm64", "linux", "arm64", NULL},
		{"armhf", "linux", "arm", "v7"},
		{"windows/amd64", "windows", "amd64", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_platform p;
		assert_int_equal(platform_parse(cases[i].text, &p, &e), 0);
		assert_string_equal(p.os, cases[i].os);
		assert_string_equal(p.architecture, cases[i].architecture);
		if (cases[i].variant)
			assert_string_equal(p.variant, cases[i].variant);
		else
			assert_null(p.variant);
	}
	static const char *const bad[] = {
		"linux/", "/amd64", "linux/amd64/v1/x", "li nux", "a/b/c/d/e"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		auto_platform p;
		assert_true(platform_parse(bad[i], &p, &e) < 0);
		assert_non_null(strstr(e.msg, "is an invalid component of"));
	}
	setenv("DOCKER_DEFAULT_PLATFORM", "linux/s390x", 1);
	struct err e = {0};
	auto_platform p;
	assert_int_equal(platform_parse(NULL, &p, &e), 0);
	assert_string_equal(p.architecture, "s390x");
	unsetenv("DOCKER_DEFAULT_PLATFORM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_lines),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_platforms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
