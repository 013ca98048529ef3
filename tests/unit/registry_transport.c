#include "registry/transport.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#define HEX "b5a2c96250612366ea272ffac6d9744aaf4b45aacd96aa7cfcb931ee3b558259"

static void test_names(void **state)
{
	(void)state;
	assert_true(
		transport_is("dir:x") && transport_is("oci:") && transport_is("oci-archive:/x"));
	assert_true(transport_is("docker-archive:x"));
	static const char *const others[] = {"", "oci", "ocix:1", "docker://x", "OCI:/x", "/oci:x",
		"docker-daemon:x", "containers-storage:x", "dir", "x/dir:1"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(transport_is(others[i]));
	for (int k = TRANSPORT_DIR; k <= TRANSPORT_DOCKER_ARCHIVE; k++) {
		auto_free char *typed = xasprintf("%s:x", transport_name((enum transport_kind)k));
		struct err e = {0};
		auto_transport t;
		assert_int_equal(transport_parse(typed, &t, &e), 0);
		assert_int_equal(t.kind, k);
		assert_int_equal(transport_is_folder(t.kind), k <= TRANSPORT_OCI);
		enum transport_kind other = transport_other(t.kind), found;
		assert_int_not_equal(transport_is_folder(other), transport_is_folder(t.kind));
		assert_int_equal(transport_other(other), k);
		assert_true(transport_find(transport_name(t.kind), &found));
		assert_int_equal(found, k);
	}
	enum transport_kind ignored;
	assert_false(transport_find("docker-daemon", &ignored) || transport_find("", &ignored));
}

static void test_formats(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum transport_kind kind;
	} cases[] = {{"docker-dir", TRANSPORT_DIR}, {"oci-dir", TRANSPORT_OCI},
		{"oci-archive", TRANSPORT_OCI_ARCHIVE},
		{"docker-archive", TRANSPORT_DOCKER_ARCHIVE}};
	enum transport_kind kind;
	struct err e = {0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(transport_of_format(cases[i].text, &kind, &e), 0);
		assert_int_equal(kind, cases[i].kind);
	}
	assert_int_equal(transport_of_format("oci", &kind, &e), -EINVAL);
	assert_string_equal(e.msg,
		"unknown format oci: it is docker-archive, oci-archive, oci-dir or docker-dir");
}

static void assert_same(const char *typed, const char *a, const char *b)
{
	if (!a != !b || (a && strcmp(a, b) != 0))
		fail_msg("%s: %s instead of %s", typed, a ? a : "nothing", b ? b : "nothing");
}

static void test_parts(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *path, *ref;
		int64_t index;
	} cases[] = {
		{"dir:/a:b:c", "/a:b:c", NULL, -1},
		{"dir:x/../y", "x/../y", NULL, -1},
		{"dir::", ":", NULL, -1},
		{"oci:/x", "/x", NULL, -1},
		{"oci:/x:", "/x", NULL, -1},
		{"oci:/x:t", "/x", "t", -1},
		{"oci:/x:V1.0+b--2", "/x", "V1.0+b--2", -1},
		{"oci:x:quay.io/a/b:1", "x", "quay.io/a/b:1", -1},
		{"oci:x:a@sha256:" HEX, "x", "a@sha256:" HEX, -1},
		{"oci:x:@0", "x", NULL, 0},
		{"oci-archive:a b.tar:@7", "a b.tar", NULL, 7},
		{"oci-archive:x.tar:app:1", "x.tar", "app:1", -1},
		{"docker-archive:x.tar", "x.tar", NULL, -1},
		{"docker-archive:x.tar:app", "x.tar", "docker.io/library/app:latest", -1},
		{"docker-archive:x.tar:quay.io/a:2", "x.tar", "quay.io/a:2", -1},
		{"docker-archive:x.tar:@4294967295", "x.tar", NULL, 4294967295},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_transport t;
		if (transport_parse(cases[i].typed, &t, &e) < 0)
			fail_msg("%s: %s", cases[i].typed, e.msg);
		assert_same(cases[i].typed, t.path, cases[i].path);
		assert_same(cases[i].typed, t.ref, cases[i].ref);
		assert_int_equal(t.index, cases[i].index);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *message;
	} cases[] = {
		{"dir:", "dir:: the path is missing"},
		{"oci:", "oci:: the path is missing"},
		{"oci::t", "oci::t: the path is missing"},
		{"docker-archive::a", "docker-archive::a: the path is missing"},
		{"oci:x:-t", "oci:x:-t: \"-t\" is no reference of an image layout"},
		{"oci:x:t!", "oci:x:t!: \"t!\" is no reference of an image layout"},
		{"oci:x:a//b", "oci:x:a//b: \"a//b\" is no reference of an image layout"},
		{"oci:x:a---b", "oci:x:a---b: \"a---b\" is no reference of an image layout"},
		{"oci:x:a/", "oci:x:a/: \"a/\" is no reference of an image layout"},
		{"oci:x:\xc3\xa9",
			"oci:x:\xc3\xa9: \"\xc3\xa9\" is no reference of an image layout"},
		{"oci:x:@", "oci:x:@: invalid source index @: it is @ and a number from 0 on"},
		{"oci:x:@-1",
			"oci:x:@-1: invalid source index @-1: it is @ and a number from 0 on"},
		{"docker-archive:x:@4294967296",
			"docker-archive:x:@4294967296: invalid source index "
			"@4294967296: it is @ and a number from 0 on"},
		{"docker-archive:x:", "docker-archive:x:: invalid reference format"},
		{"docker-archive:x:A",
			"docker-archive:x:A: invalid reference format: repository name "
			"(library/A) must be lowercase"},
		{"docker-archive:x:a@sha256:" HEX,
			"docker-archive:x:a@sha256:" HEX
			": images of a docker-archive are named by tags only"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_transport t;
		if (transport_parse(cases[i].typed, &t, &e) >= 0)
			fail_msg("accepted: %s", cases[i].typed);
		assert_string_equal(e.msg, cases[i].message);
		assert_null(t.path);
	}
	char ref[1100];
	memset(ref, 'a', sizeof(ref));
	ref[1025] = '\0';
	assert_false(transport_ref_valid(ref));
	ref[1024] = '\0';
	assert_true(transport_ref_valid(ref));
}

static void test_full(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"dir:/a/../b:c", "dir:/b:c"}, {"oci:/x", "oci:/x"},
		{"oci:/x//y/:V1", "oci:/x/y:V1"}, {"oci-archive:/x:@3", "oci-archive:/x:@3"},
		{"docker-archive:/x:a", "docker-archive:/x:docker.io/library/a:latest"}};
	struct err e = {0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_transport t;
		assert_int_equal(transport_parse(cases[i][0], &t, &e), 0);
		auto_free char *full = transport_full(&t);
		assert_string_equal(full, cases[i][1]);
	}
	auto_transport t;
	assert_int_equal(transport_parse("oci:here:1", &t, &e), 0);
	auto_free char *full = transport_full(&t), *path = path_abs("here");
	auto_free char *wanted = xasprintf("oci:%s:1", path);
	assert_string_equal(full, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
