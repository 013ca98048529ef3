#include "registry/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#define HEX "b5a2c96250612366ea272ffac6d9744aaf4b45aacd96aa7cfcb931ee3b558259"

static void test_transports(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *hint;
	} cases[] = {
		{"containers-storage:debian:12", "copy it: podman save debian:12 | moss load"},
		{"docker-daemon:debian:12", "copy it: docker save debian:12 | moss load"},
		{"oci:/images/x:1", "moss pull oci:/images/x:1 takes its image in"},
		{"oci-archive:./x.tar", "moss pull oci-archive:./x.tar takes its image in"},
		{"docker-archive:/x.tar:a:1",
			"moss pull docker-archive:/x.tar:a:1 takes its image in"},
		{"dir:/x", "moss pull dir:/x takes its image in"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_reference r;
		assert_true(reference_parse(cases[i].typed, true, &r, &e) < 0);
		if (strcmp(e.hint, cases[i].hint) != 0 || !str_starts(e.msg, cases[i].typed))
			fail_msg("%s: %s", cases[i].typed, e.msg);
	}
	struct err e = {0};
	auto_reference r;
	assert_true(reference_parse("docker://docker://x", true, &r, &e) < 0);
}

static void test_normalised(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *full, *familiar;
	} cases[] = {
		{"debian", "docker.io/library/debian:latest", "debian:latest"},
		{"debian:12", "docker.io/library/debian:12", "debian:12"},
		{"library/debian", "docker.io/library/debian:latest", "debian:latest"},
		{"docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
		{"index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
		{"docker.io/library/debian:x", "docker.io/library/debian:x", "debian:x"},
		{"user/repo", "docker.io/user/repo:latest", "user/repo:latest"},
		{"docker.io/user/repo", "docker.io/user/repo:latest", "user/repo:latest"},
		{"library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
		{"localhost/x", "localhost/x:latest", "localhost/x:latest"},
		{"localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"},
		{"127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b:1"},
		{"[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"},
		{"[2001:db8::1]/x", "[2001:db8::1]/x:latest", "[2001:db8::1]/x:latest"},
		{"Upper/x", "Upper/x:latest", "Upper/x:latest"},
		{"REG.example.com:443/x:Tag_1.2-3", "REG.example.com:443/x:Tag_1.2-3",
			"REG.example.com:443/x:Tag_1.2-3"},
		{"x:_t", "docker.io/library/x:_t", "x:_t"},
		{"a1-2/b", "docker.io/a1-2/b:latest", "a1-2/b:latest"},
		{"debian@sha256:" HEX, "docker.io/library/debian@sha256:" HEX,
			"debian@sha256:" HEX},
		{"debian:12@sha256:" HEX, "docker.io/library/debian:12@sha256:" HEX,
			"debian:12@sha256:" HEX},
		{"localhost", "docker.io/library/localhost:latest", "localhost:latest"},
		{"foo.com", "docker.io/library/foo.com:latest", "foo.com:latest"},
		{"foo.com:80", "docker.io/library/foo.com:80", "foo.com:80"},
		{"docker://debian", "docker.io/library/debian:latest", "debian:latest"},
		{"docker://localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"},
		{"oci:1", "docker.io/library/oci:1", "oci:1"},
		{HEX "0", "docker.io/library/" HEX "0:latest", HEX "0:latest"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_reference r;
		if (reference_parse(cases[i].typed, true, &r, &e) < 0)
			fail_msg("%s: %s", cases[i].typed, e.msg);
		auto_free char *full = reference_full(&r);
		auto_free char *familiar = reference_familiar(&r);
		assert_string_equal(full, cases[i].full);
		assert_string_equal(familiar, cases[i].familiar);
		/* With both the digest decides. */
		auto_free char *key = reference_key(&r);
		assert_string_equal(key, r.digest ? "docker.io/library/debian@sha256:" HEX : full);
		/* A normalised name is a fixed point. */
		auto_reference again;
		assert_int_equal(reference_parse(full, true, &again, &e), 0);
		auto_free char *full_again = reference_full(&again);
		assert_string_equal(full_again, full);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *message;
	} cases[] = {
		{"", "invalid reference format"},
		{"/", "invalid reference format"},
		{"/x", "invalid reference format"},
		{"x/", "invalid reference format"},
		{"a//b", "invalid reference format"},
		{" x", "invalid reference format"},
		{"x y", "invalid reference format"},
		{"x:", "invalid reference format"},
		{"x:-t", "invalid reference format"},
		{"x:.t", "invalid reference format"},
		{"x:a:b", "invalid reference format"},
		{"x@", "invalid reference format"},
		{"x@sha256:abc", "invalid reference format"},
		{"x@sha256" HEX, "invalid reference format"},
		{"-x", "invalid reference format"},
		{"x-", "invalid reference format"},
		{"x_", "invalid reference format"},
		{"x___y", "invalid reference format"},
		{"x..y", "invalid reference format"},
		{"x._y", "invalid reference format"},
		{"a/./b", "invalid reference format"},
		{"../x", "invalid reference format"},
		{"-foo.com/x", "invalid reference format"},
		{"foo-.com/x", "invalid reference format"},
		{"foo.com:/x", "invalid reference format"},
		{"foo.com:abc/x", "invalid reference format"},
		{"[::1/x", "invalid reference format"},
		{"[fe80::1%eth0]:5000/x", "invalid reference format"},
		{"https://foo.com/x", "invalid reference format"},
		{"x\xc3\xa9", "invalid reference format"},
		{"Debian", "invalid reference format: repository name (library/Debian) must be "
			   "lowercase"},
		{"foo.com/Bar:Tag",
			"invalid reference format: repository name (Bar) must be lowercase"},
		{HEX, "invalid repository name (" HEX
		      "), cannot specify 64-byte hexadecimal strings"},
		{"x@sha256:" HEX "00", "invalid checksum digest length"},
		{"x@md5:00112233445566778899aabbccddeeff", "unsupported digest algorithm"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_reference r;
		if (reference_parse(cases[i].typed, true, &r, &e) >= 0)
			fail_msg("accepted: %s", cases[i].typed);
		assert_string_equal(e.msg, cases[i].message);
		assert_null(r.domain);
	}
}

static void test_lengths(void **state)
{
	(void)state;
	struct err e = {0};
	char tag[160] = "x:";
	memset(tag + 2, 't', 128);
	auto_reference a;
	assert_int_equal(reference_parse(tag, true, &a, &e), 0);
	tag[130] = 't';
	auto_reference b;
	assert_true(reference_parse(tag, true, &b, &e) < 0);
	char name[300] = {0};
	memset(name, 'n', 255 - strlen("docker.io/library/"));
	auto_reference c;
	assert_int_equal(reference_parse(name, true, &c, &e), 0);
	name[strlen(name)] = 'n';
	auto_reference d;
	assert_true(reference_parse(name, true, &d, &e) < 0);
	assert_non_null(strstr(e.msg, "must not be more than 255 characters"));
}

static void test_parts(void **state)
{
	(void)state;
	struct err e = {0};
	auto_reference r;
	assert_int_equal(reference_parse("quay.io:443/a/b@sha256:" HEX, true, &r, &e), 0);
	assert_string_equal(r.domain, "quay.io:443");
	assert_string_equal(r.path, "a/b");
	assert_null(r.tag);
	assert_string_equal(r.digest, "sha256:" HEX);
	auto_free char *name = reference_name(&r);
	assert_string_equal(name, "quay.io:443/a/b");
	auto_reference bare;
	assert_int_equal(reference_parse("debian", false, &bare, &e), 0);
	assert_null(bare.tag);
	auto_free char *familiar = reference_familiar_name(&bare);
	assert_string_equal(familiar, "debian");
}

static void test_digest_valid(void **state)
{
	(void)state;
	assert_true(digest_valid("sha256:" HEX));
	assert_false(digest_valid(NULL));
	assert_false(digest_valid(""));
	assert_false(digest_valid("sha256:"));
	assert_false(digest_valid(HEX));
	assert_false(digest_valid("sha256:" HEX "0"));
	assert_false(digest_valid("sha256:../../etc/passwd"));
	assert_false(digest_valid("SHA256:" HEX));
	assert_false(digest_valid(
		"sha256:B5a2c96250612366ea272ffac6d9744aaf4b45aacd96aa7cfcb931ee3b558259"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalised),
		cmocka_unit_test(test_transports),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_digest_valid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
