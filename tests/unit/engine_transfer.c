/* platform: which image a pull wants. */
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
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"linux/", "is an invalid component of"},
		{"/amd64", "is an invalid component of"},
		{"li nux", "is an invalid component of"},
		{"linux/amd64/v1/x", "cannot parse platform specifier"},
		{"a/b/c/d/e", "cannot parse platform specifier"},
		{"linus", "unknown operating system or architecture"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		auto_platform p;
		assert_true(platform_parse(bad[i].text, &p, &e) < 0);
		assert_non_null(strstr(e.msg, bad[i].words));
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
		cmocka_unit_test(test_platforms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
