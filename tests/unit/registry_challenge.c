#include "registry/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_text(const char *got, const char *wanted)
{
	if (!wanted)
		assert_null(got);
	else
		assert_string_equal(got, wanted);
}

static void test_single(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		enum challenge_kind kind;
		const char *realm, *service, *scope;
	} cases[] = {
		{"Bearer realm=\"https://a/t\",service=\"r\",scope=\"repository:x:pull\"",
			CHALLENGE_BEARER, "https://a/t", "r", "repository:x:pull"},
		{"bearer REALM=https-token , Service = \"r\"", CHALLENGE_BEARER, "https-token", "r",
			NULL},
		{"Basic realm=\"Registry\"", CHALLENGE_BASIC, "Registry", NULL, NULL},
		{"basic", CHALLENGE_BASIC, NULL, NULL, NULL},
		{"Bearer realm=\"a\\\"b,c\"", CHALLENGE_BEARER, "a\"b,c", NULL, NULL},
		{"Bearer service=\"r\"", CHALLENGE_NONE, NULL, NULL, NULL},
		{"Bearer realm=\"not closed", CHALLENGE_NONE, NULL, NULL, NULL},
		{"Negotiate", CHALLENGE_NONE, NULL, NULL, NULL},
		{"", CHALLENGE_NONE, NULL, NULL, NULL},
		{",,,", CHALLENGE_NONE, NULL, NULL, NULL},
		{"=\"x\"", CHALLENGE_NONE, NULL, NULL, NULL},
		{"Bearer realm=\"a\", realm=\"b\"", CHALLENGE_BEARER, "b", NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_challenge c = CHALLENGE_INIT;
		challenge_read(&c, cases[i].value);
		if (c.kind != cases[i].kind)
			fail_msg("%s: kind %d", cases[i].value, c.kind);
		assert_text(c.realm, cases[i].realm);
		assert_text(c.service, cases[i].service);
		assert_text(c.scope, cases[i].scope);
	}
}

static void test_several(void **state)
{
	(void)state;
	static const char *const values[] = {
		"Basic realm=\"x\", Bearer realm=\"https://t\",service=\"s\"",
		"Negotiate, Bearer realm=\"https://t\",service=\"s\", Basic realm=\"x\"",
		"Negotiate abc==, Bearer realm=\"https://t\", service=s",
		"Digest realm=\"d\", nonce=\"n\", Bearer realm=\"https://t\" , service=\"s\"",
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		auto_challenge c = CHALLENGE_INIT;
		challenge_read(&c, values[i]);
		if (c.kind != CHALLENGE_BEARER)
			fail_msg("%s: kind %d", values[i], c.kind);
		assert_text(c.realm, "https://t");
		assert_text(c.service, "s");
	}
}

static void test_headers_add_up(void **state)
{
	(void)state;
	auto_challenge c = CHALLENGE_INIT;
	challenge_read(&c, "Basic realm=\"x\"");
	challenge_read(&c, "Bearer realm=\"t\"");
	challenge_read(&c, "Basic realm=\"y\"");
	assert_int_equal(c.kind, CHALLENGE_BEARER);
	assert_text(c.realm, "t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_headers_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
