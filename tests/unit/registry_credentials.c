#include "registry/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "registry/reference.h"

/* YTpi is "a:b". */
static int find(const char *auths, const char *image, struct credentials *out)
{
	struct err e = {0};
	auto_json j = json_parse(auths, strlen(auths), "auths", &e);
	assert_non_null(j);
	auto_reference ref;
	assert_int_equal(reference_parse(image, true, &ref, &e), 0);
	return credentials_from_auths(j, &ref, out);
}

static void test_keys(void **state)
{
	(void)state;
	static const struct {
		const char *key, *image;
		int result;
	} cases[] = {
		{"https://index.docker.io/v1/", "debian", CREDENTIALS_FOUND},
		{"index.docker.io", "debian", CREDENTIALS_FOUND},
		{"docker.io", "user/x", CREDENTIALS_FOUND},
		{"registry-1.docker.io", "user/x", CREDENTIALS_FOUND},
		{"docker.io/user", "user/x", CREDENTIALS_FOUND},
		{"docker.io/use", "user/x", CREDENTIALS_NONE},
		{"docker.io/user/x", "user/x", CREDENTIALS_FOUND},
		{"docker.io/user/x/y", "user/x", CREDENTIALS_NONE},
		{"quay.io", "quay.io/a/b", CREDENTIALS_FOUND},
		{"https://quay.io", "quay.io/a/b", CREDENTIALS_FOUND},
		{"https://quay.io/v2/", "quay.io/a/b", CREDENTIALS_FOUND},
		{"quay.io:443", "quay.io/a/b", CREDENTIALS_NONE},
		{"quay.i", "quay.io/a/b", CREDENTIALS_NONE},
		{"", "quay.io/a/b", CREDENTIALS_NONE},
		{"/", "quay.io/a/b", CREDENTIALS_NONE},
		{"127.0.0.1:5000", "127.0.0.1:5000/x", CREDENTIALS_FOUND},
		{"127.0.0.1", "127.0.0.1:5000/x", CREDENTIALS_NONE},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200];
		snprintf(text, sizeof(text), "{\"%s\":{\"auth\":\"YTpi\"}}", cases[i].key);
		auto_credentials c;
		if (find(text, cases[i].image, &c) != cases[i].result)
			fail_msg("%s for %s", cases[i].key, cases[i].image);
		if (cases[i].result == CREDENTIALS_FOUND) {
			assert_string_equal(c.username, "a");
			assert_string_equal(c.password, "b");
		}
	}
}

static void test_most_specific_wins(void **state)
{
	(void)state;
	auto_credentials c;
	assert_int_equal(find("{\"q.io\":{\"auth\":\"eDp5\"},\"q.io/a/b\":{\"auth\":\"YTpi\"},"
			      "\"q.io/a\":{\"auth\":\"eDp5\"}}",
				 "q.io/a/b", &c),
		CREDENTIALS_FOUND);
	assert_string_equal(c.username, "a");
}

static void test_entries(void **state)
{
	(void)state;
	static const struct {
		const char *entry;
		int result;
		const char *user, *password, *identity;
	} cases[] = {
		{"{\"auth\":\"YTpi\"}", CREDENTIALS_FOUND, "a", "b", NULL},
		{"{\"auth\":\"YTpiOmM=\"}", CREDENTIALS_FOUND, "a", "b:c", NULL},
		{"{\"auth\":\"YTo=\"}", CREDENTIALS_FOUND, "a", "", NULL},
		{"{\"auth\":\"YTo\"}", CREDENTIALS_FOUND, "a", "", NULL},
		{"{\"username\":\"u\",\"password\":\"p\"}", CREDENTIALS_FOUND, "u", "p", NULL},
		{"{\"identitytoken\":\"t\"}", CREDENTIALS_FOUND, NULL, NULL, "t"},
		{"{\"auth\":\"YTpi\",\"identitytoken\":\"t\"}", CREDENTIALS_FOUND, "a", "b", "t"},
		{"{\"auth\":\"YWI=\"}", CREDENTIALS_NONE, NULL, NULL, NULL},
		{"{\"auth\":\"%%%\"}", CREDENTIALS_NONE, NULL, NULL, NULL},
		{"{\"auth\":\"YQA6Yg==\"}", CREDENTIALS_NONE, NULL, NULL, NULL},
		{"{\"auth\":7}", CREDENTIALS_NONE, NULL, NULL, NULL},
		{"{}", CREDENTIALS_NONE, NULL, NULL, NULL},
		{"[]", CREDENTIALS_NONE, NULL, NULL, NULL},
		{"null", CREDENTIALS_NONE, NULL, NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200];
		snprintf(text, sizeof(text), "{\"h.io\":%s}", cases[i].entry);
		auto_credentials c;
		if (find(text, "h.io/x", &c) != cases[i].result)
			fail_msg("%s", cases[i].entry);
		if (cases[i].user) {
			assert_string_equal(c.username, cases[i].user);
			assert_string_equal(c.password, cases[i].password);
		} else {
			assert_null(c.username);
		}
		if (cases[i].identity)
			assert_string_equal(c.identity_token, cases[i].identity);
	}
}

static void test_creds_flag(void **state)
{
	(void)state;
	struct err e = {0};
	auto_credentials c;
	assert_int_equal(credentials_parse("u:p:q", &c, &e), CREDENTIALS_FOUND);
	assert_string_equal(c.password, "p:q");
	auto_credentials d;
	assert_true(credentials_parse("user", &d, &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_most_specific_wins),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_creds_flag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
