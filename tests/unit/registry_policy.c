#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/policy.h"
#include "registry/reference.h"

#define ACCEPT "[{\"type\":\"insecureAcceptAnything\"}]"
#define REJECT "[{\"type\":\"reject\"}]"

static json_t *parse(const char *text)
{
	struct err e = {0};
	json_t *j = json_parse(text, strlen(text), "p", &e);
	if (!j)
		fail_msg("%s", e.msg);
	return j;
}

static void test_scopes(void **state)
{
	(void)state;
	struct err e = {0};
	auto_reference ref = {0};
	auto_strv scopes = STRV_INIT, paths = STRV_INIT;
	assert_int_equal(reference_parse("r.a.example:80/x/y:1", true, &ref, &e), 0);
	policy_scopes(&ref, &scopes);
	auto_free char *all = strv_join(&scopes, " ");
	assert_string_equal(all, "r.a.example:80/x/y:1 r.a.example:80/x/y r.a.example:80/x "
				 "r.a.example:80 *.a.example *.example");
	policy_path_scopes("/a/b/c.tar", &paths);
	auto_free char *folders = strv_join(&paths, " ");
	assert_string_equal(folders, "/a/b/c.tar /a/b /a");
}

static void test_lookup(void **state)
{
	(void)state;
	static const char text[] =
		"{\"default\":" REJECT ",\"transports\":{\"docker\":{"
		"\"docker.io/library/a:1\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\","
		"\"keyPath\":\"/k\"}],\"docker.io/library\":" ACCEPT ",\"*.example.com\":" ACCEPT
		",\"quay.io\":" ACCEPT ",\"quay.io/bad\":" REJECT "},"
		"\"docker-archive\":{\"\":" ACCEPT "}}}";
	static const struct {
		const char *name;
		enum policy_verdict verdict;
	} cases[] = {
		{"a:1", POLICY_UNSUPPORTED},
		{"a:2", POLICY_ACCEPTS},
		{"docker.io/other/a", POLICY_REJECTS},
		{"x.example.com/a", POLICY_ACCEPTS},
		{"example.com/a", POLICY_REJECTS},
		{"quay.io/x/y", POLICY_ACCEPTS},
		{"quay.io/bad/y", POLICY_REJECTS},
		{"quay.io/badly/y", POLICY_ACCEPTS},
	};
	struct err e = {0};
	struct policy p = {.document = parse(text)};
	assert_int_equal(policy_check(p.document, "p", &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *why;
		auto_reference ref = {0};
		auto_strv scopes = STRV_INIT;
		assert_int_equal(reference_parse(cases[i].name, true, &ref, &e), 0);
		policy_scopes(&ref, &scopes);
		const json_t *list = policy_requirements(&p, "docker", &scopes);
		if (policy_verdict(json_array_get(list, 0), &why) != cases[i].verdict)
			fail_msg("%s: %s", cases[i].name, why);
	}
	auto_strv none = STRV_INIT;
	const char *why;
	const json_t *archive = policy_requirements(&p, "docker-archive", &none);
	const json_t *other = policy_requirements(&p, "oci-archive", &none);
	assert_int_equal(policy_verdict(json_array_get(archive, 0), &why), POLICY_ACCEPTS);
	assert_int_equal(policy_verdict(json_array_get(other, 0), &why), POLICY_REJECTS);
	policy_deinit(&p);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"[]", "p: no JSON object"},
		{"{}", "p: default policy is missing"},
		{"{\"default\":[]}", "p: default: list of verification policy requirements must "
				     "not be empty"},
		{"{\"default\":{}}", "p: default is no list of requirements"},
		{"{\"default\":" ACCEPT ",\"x\":1}", "p: unknown key \"x\""},
		{"{\"default\":[{\"type\":\"accept\"}]}",
			"p: default: requirement 1: unknown policy requirement type \"accept\""},
		{"{\"default\":[{\"type\":\"reject\",\"x\":1}]}",
			"p: default: requirement 1: unknown key \"x\""},
		{"{\"default\":[1]}", "p: default: requirement 1 has no type"},
		{"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"a.b\":[]}}}",
			"p: docker \"a.b\": list of verification policy requirements must not be "
			"empty"},
		{"{\"default\":[{\"type\":\"sigstoreSigned\"}]}",
			"p: default: requirement 1: exactly one of keyPath, keyPaths, keyData, "
			"keyDatas, fulcio and pki is needed"},
		{"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/a\",\"keyData\":\"b\"}]"
		 "}",
			"p: default: requirement 1: exactly one of keyPath, keyPaths, keyData, "
			"keyDatas, fulcio and pki is needed"},
		{"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/a\","
		 "\"signedIdentity\":{\"type\":\"exactRepository\",\"dockerRepository\":\"a:1\"}}]"
		 "}",
			"p: default: requirement 1: signedIdentity: dockerRepository: has a tag or "
			"digest"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_json j = parse(cases[i].text);
		if (policy_check(j, "p", &e) == 0)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(e.msg, cases[i].error);
	}
}

static void test_unsupported(void **state)
{
	(void)state;
	static const char *const texts[] = {"{\"type\":\"signedBy\"}",
		"{\"type\":\"signedBaseLayer\"}", "{\"type\":\"sigstoreSigned\",\"fulcio\":{}}",
		"{\"type\":\"sigstoreSigned\",\"keyPath\":\"/a\",\"rekorPublicKeyPath\":\"/b\"}",
		"{\"type\":\"sigstoreSigned\",\"pki\":{}}"};
	static const char *const whys[] = {
		"signedBy", "signedBaseLayer", "fulcio", "rekorPublicKeyPath", "pki"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *why;
		auto_json j = parse(texts[i]);
		assert_int_equal(policy_verdict(j, &why), POLICY_UNSUPPORTED);
		assert_string_equal(why, whys[i]);
	}
}

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_identity(void **state)
{
	(void)state;
	static const struct {
		const char *identity, *image, *signed_as;
		bool matches;
	} cases[] = {
		{"null", "a.b/c:1", "a.b/c:1", true},
		{"null", "a.b/c:1", "a.b/c:2", false},
		{"null", "a.b/c:1", "a.b/c", false},
		{"null", "a.b/c@" DIGEST, "a.b/c", true},
		{"null", "a.b/c@" DIGEST, "a.b/c:7", true},
		{"null", "a.b/c@" DIGEST, "a.b/d:7", false},
		{"null", "debian:12", "docker.io/library/debian:12", true},
		{"null", "a.b/c:1", "not a name", false},
		{"{\"type\":\"matchExact\"}", "a.b/c@" DIGEST, "a.b/c:7", false},
		{"{\"type\":\"matchExact\"}", "a.b/c:7", "a.b/c:7", true},
		{"{\"type\":\"matchRepository\"}", "a.b/c:1", "a.b/c", true},
		{"{\"type\":\"matchRepository\"}", "a.b/c:1", "a.b/c/d", false},
		{"{\"type\":\"exactReference\",\"dockerReference\":\"x.y/z:1\"}", "a.b/c:1",
			"x.y/z:1", true},
		{"{\"type\":\"exactReference\",\"dockerReference\":\"x.y/z:1\"}", "a.b/c:1",
			"a.b/c:1", false},
		{"{\"type\":\"exactRepository\",\"dockerRepository\":\"x.y/z\"}", "a.b/c:1",
			"x.y/z:9", true},
		{"{\"type\":\"exactRepository\",\"dockerRepository\":\"x.y/z\"}", "x.y/z:1",
			"x.y/zz:1", false},
		{"{\"type\":\"remapIdentity\",\"prefix\":\"m.n/p\",\"signedPrefix\":\"x.y\"}",
			"m.n/p/c:1", "x.y/c:1", true},
		{"{\"type\":\"remapIdentity\",\"prefix\":\"m.n/p\",\"signedPrefix\":\"x.y\"}",
			"m.n/p/c:1", "m.n/p/c:1", false},
		{"{\"type\":\"remapIdentity\",\"prefix\":\"m.n/p\",\"signedPrefix\":\"x.y\"}",
			"m.n/pp/c:1", "m.n/pp/c:1", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_free char *text = xasprintf("{\"signedIdentity\":%s}", cases[i].identity);
		auto_json requirement = parse(text);
		auto_reference ref = {0};
		if (!strcmp(cases[i].identity, "null"))
			json_object_del(requirement, "signedIdentity");
		assert_int_equal(reference_parse(cases[i].image, true, &ref, &e), 0);
		if (policy_identity_matches(requirement, &ref, cases[i].signed_as) !=
			cases[i].matches)
			fail_msg("%s: %s as %s", cases[i].identity, cases[i].image,
				cases[i].signed_as);
	}
}

static void test_yaml(void **state)
{
	(void)state;
	struct err e = {0};
	auto_json config = json_object();
	assert_int_equal(
		policy_read_yaml("---\n# c\ndefault-docker:\n"
				 "  lookaside-staging: file:///var/x # here\n\n"
				 "docker:\n  \"*.a.b\":\n    use-sigstore-attachments: true\n"
				 "  r.example:5000/x:\n      use-sigstore-attachments: 'no'\n"
				 "      other: a:b\n",
			"f", config, &e),
		0);
	auto_free char *text = json_text(config);
	assert_string_equal(text,
		"{\"default-docker\":{\"lookaside-staging\":\"file:///var/x\"},\"docker\":{"
		"\"*.a.b\":{\"use-sigstore-attachments\":\"true\"},\"r.example:5000/x\":{"
		"\"use-sigstore-attachments\":\"no\",\"other\":\"a:b\"}}}");
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"docker: {a: b}\n", "f:1: neither \"key:\" nor \"key: value\""},
		{"- a\n", "f:1: neither \"key:\" nor \"key: value\""},
		{"docker:\n\ta: b\n", "f:2: neither \"key:\" nor \"key: value\""},
		{"docker:\n    a:\n      b: c\n   d: e\n",
			"f:4: indented like none of the lines above"},
		{"docker:\n  a:\n    b:\n      c: d\n", "f:3: maps more than 3 deep"},
		{"docker:\n  a: b\n  a: c\n", "f:3: a is given twice"},
		{"docker: x\n", "f: docker is no map"},
		{"docker:\n  a\xff: b\n", "f: no UTF-8"},
		{"docker:\n  a: \"b\\n\"\n", "f:2: neither \"key:\" nor \"key: value\""},
		{"docker:\n  \"*.a.b\":\n    x: y\n", "f: *.a.b is given in another file, too"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		e = (struct err){0};
		if (policy_read_yaml(cases[i].text, "f", config, &e) == 0)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(e.msg, cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_yaml),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
