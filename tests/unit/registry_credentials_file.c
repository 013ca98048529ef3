#include "registry/credentials_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/credentials.h"

static char dir[64];

static char *file(const char *name) { return xasprintf("%s/%s", dir, name); }

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/moss-unit-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	static const char *const names[] = {"config.json", "broken", "urls.json", "blank.json"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *path = file(names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static void test_servers(void **state)
{
	(void)state;
	static const struct {
		const char *typed;
		bool keeps_path;
		const char *key, *host; /* NULL = refused */
	} cases[] = {
		{"", false, "https://index.docker.io/v1/", "docker.io"},
		{"docker.io", false, "https://index.docker.io/v1/", "docker.io"},
		{"https://index.docker.io/v1/", false, "https://index.docker.io/v1/", "docker.io"},
		{"registry-1.docker.io", true, "https://index.docker.io/v1/", "docker.io"},
		{"ghcr.io", false, "ghcr.io", "ghcr.io"},
		{"https://ghcr.io/v2/", false, "ghcr.io", "ghcr.io"},
		{"http://localhost:5000/", false, "localhost:5000", "localhost:5000"},
		{"ghcr.io/team/app", false, "ghcr.io", "ghcr.io"},
		{"ghcr.io/team/app/", true, "ghcr.io/team/app", "ghcr.io"},
		{"https://ghcr.io/team", true, "ghcr.io", "ghcr.io"},
		{"[::1]:5000", false, "[::1]:5000", "[::1]:5000"},
		{"registry", false, "registry", "registry"},
		{"a b", false, NULL, NULL},
		{"a\nb", false, NULL, NULL},
		{"user@host", false, NULL, NULL},
		{"../x", false, NULL, NULL},
		{"host:port", false, NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_server s = {0};
		int r = credentials_server_parse(cases[i].typed, cases[i].keeps_path, &s, &e);
		if ((r == 0) != (cases[i].key != NULL))
			fail_msg("\"%s\": %d", cases[i].typed, r);
		if (r < 0)
			continue;
		assert_string_equal(s.key, cases[i].key);
		assert_string_equal(s.host, cases[i].host);
	}
}

static void test_store_and_erase(void **state)
{
	(void)state;
	struct err e = {0};
	bool in_helper, had;
	struct stat st;
	auto_free char *path = file("config.json");
	assert_int_equal(
		write_file_at(-1, path, "{\"x\":[1],\"auths\":{\"a.io\":{\"email\":\"m\"}}}", 40,
			0644, false, &e),
		0);
	struct credentials c = {.username = (char *)"u", .password = (char *)"p:q"}, got;
	assert_int_equal(credentials_file_store(path, "a.io", &c, &in_helper, &e), 0);
	assert_false(in_helper);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(credentials_file_get(path, "a.io", &got, &e), CREDENTIALS_FOUND);
	assert_string_equal(got.username, "u");
	assert_string_equal(got.password, "p:q");
	credentials_deinit(&got);
	auto_buf text = BUF_INIT;
	assert_int_equal(read_file(path, 4096, &text, &e), 0);
	auto_json j = json_parse(text.data, text.len, "file", &e);
	assert_string_equal(json_str(json_at(json_at(j, "auths"), "a.io"), "email"), "m");
	assert_int_equal(json_array_size(json_at(j, "x")), 1);
	/* An identity token: no password in the file. */
	struct credentials token = {.username = (char *)"u", .identity_token = (char *)"t"};
	assert_int_equal(credentials_file_store(path, "a.io", &token, &in_helper, &e), 0);
	assert_int_equal(credentials_file_get(path, "a.io", &got, &e), CREDENTIALS_FOUND);
	assert_string_equal(got.identity_token, "t");
	assert_string_equal(got.password, "");
	credentials_deinit(&got);
	auto_server s = {0};
	assert_int_equal(credentials_server_parse("https://a.io", false, &s, &e), 0);
	assert_int_equal(credentials_file_erase(path, &s, &had, &e), 0);
	assert_true(had);
	assert_int_equal(credentials_file_erase(path, &s, &had, &e), 0);
	assert_false(had);
	assert_int_equal(credentials_file_get(path, "a.io", &got, &e), CREDENTIALS_NONE);
}

static void test_keys_that_are_urls(void **state)
{
	(void)state;
	static const char text[] = "{\"auths\":{\"https://a.io/v1/\":{\"auth\":\"dTpw\"},"
				   "\"a.io/team\":{\"auth\":\"dDpw\"},\"a.io/\":{}}}";
	struct err e = {0};
	bool had;
	struct credentials got;
	auto_free char *path = file("urls.json");
	assert_int_equal(write_file_at(-1, path, text, sizeof(text) - 1, 0600, false, &e), 0);
	assert_int_equal(credentials_file_get(path, "a.io", &got, &e), CREDENTIALS_FOUND);
	assert_string_equal(got.username, "u");
	credentials_deinit(&got);
	assert_int_equal(credentials_file_get(path, "a.io/other", &got, &e), CREDENTIALS_NONE);
	auto_server s = {0};
	assert_int_equal(credentials_server_parse("a.io", true, &s, &e), 0);
	assert_int_equal(credentials_file_erase(path, &s, &had, &e), 0);
	assert_true(had);
	assert_int_equal(credentials_file_get(path, "a.io", &got, &e), CREDENTIALS_NONE);
	assert_int_equal(credentials_file_get(path, "a.io/team", &got, &e), CREDENTIALS_FOUND);
	credentials_deinit(&got);
}

static void test_blank_file(void **state)
{
	(void)state;
	struct err e = {0};
	struct credentials got;
	auto_free char *path = file("blank.json");
	assert_int_equal(write_file_at(-1, path, " \n\t\r\n", 5, 0600, false, &e), 0);
	assert_int_equal(credentials_file_get(path, "a.io", &got, &e), CREDENTIALS_NONE);
}

static void test_broken_file(void **state)
{
	(void)state;
	struct err e = {0};
	bool in_helper;
	auto_free char *path = file("broken");
	assert_int_equal(write_file_at(-1, path, "[]", 2, 0600, false, &e), 0);
	struct credentials c = {.username = (char *)"u", .password = (char *)"p"};
	assert_true(credentials_file_store(path, "a.io", &c, &in_helper, &e) < 0);
	auto_buf text = BUF_INIT;
	assert_int_equal(read_file(path, 64, &text, &e), 0);
	assert_string_equal(text.data, "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_store_and_erase),
		cmocka_unit_test(test_keys_that_are_urls),
		cmocka_unit_test(test_blank_file),
		cmocka_unit_test(test_broken_file),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
