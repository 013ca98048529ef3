/* Which image of an archive or layout a transport means, and one more in a layout's index. */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/unpack_layout.h"
#include "engine/transfer/unpack_select.h"
#include "registry/manifest.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TYPE "application/vnd.oci.image.manifest.v1+json"
#define PLAIN(digest) "{\"mediaType\":\"" TYPE "\",\"digest\":\"" digest "\",\"size\":1}"
#define NOTED(digest, notes)                                                                       \
	"{\"mediaType\":\"" TYPE "\",\"digest\":\"" digest "\",\"size\":1,\"annotations\":{" notes \
	"}}"
#define REF(name) "\"org.opencontainers.image.ref.name\":\"" name "\""
#define WHOLE(name) "\"io.containerd.image.name\":\"" name "\""
#define CALLED(digest, name) NOTED(digest, REF(name))
#define INDEX(list) "{\"schemaVersion\":2,\"manifests\":[" list "]}"

struct layout_case {
	const char *index;
	enum transport_kind kind;
	const char *ref;
	int64_t number;
	int chosen; /* -1: refused */
	const char *said; /* names, or the message and the hint */
	unsigned unwanted; /* bits */
};

static void check_layout(const struct layout_case *c)
{
	struct err e = {0};
	auto_manifest m = {0};
	auto_strv names = STRV_INIT;
	bool wanted[8] = {false};
	size_t chosen = 99;
	assert_int_equal(manifest_parse(c->index, strlen(c->index), NULL, &m, &e), 0);
	auto_json whole = json_parse(c->index, strlen(c->index), "index.json", &e);
	for (size_t i = 0; i < m.n_entries; i++)
		wanted[i] = !(c->unwanted >> i & 1);
	const struct selection s = {
		.is_one = true, .kind = c->kind, .ref = c->ref, .index = c->number};
	int r = selection_in_layout(&s, &m, whole, wanted, &chosen, &names, &e);
	auto_free char *said = r < 0 ? xasprintf("%s | %s", e.msg, e.hint) : strv_join(&names, " ");
	if ((r < 0) != (c->chosen < 0) || (r == 0 && chosen != (size_t)c->chosen) ||
		strcmp(said, c->said) != 0)
		fail_msg("%s of %s: %d, %s", c->ref ? c->ref : "any", c->index, r, said);
}

static void test_layouts(void **state)
{
	(void)state;
	static const struct layout_case cases[] = {
		{INDEX(PLAIN(A)), TRANSPORT_OCI, NULL, -1, 0, "", 0},
		{INDEX(CALLED(A, "t")), TRANSPORT_OCI, NULL, -1, 0, "", 0},
		{INDEX(CALLED(A, "t")), TRANSPORT_OCI_ARCHIVE, NULL, -1, 0, "t", 0},
		{INDEX(CALLED(A, "t") "," CALLED(B, "u")), TRANSPORT_OCI, "u", -1, 1, "u", 0},
		{INDEX(CALLED(A, "t") "," CALLED(B, "u")), TRANSPORT_OCI, NULL, 1, 1, "", 0},
		{INDEX(CALLED(A, "t") "," CALLED(B, "u")), TRANSPORT_OCI_ARCHIVE, NULL, 1, 1, "u",
			0},
		{INDEX(CALLED(A, "t") "," CALLED(B, "u")), TRANSPORT_OCI, NULL, 2, -1,
			"no image @2: this image layout has 2, counted from @0 | ", 0},
		{INDEX(CALLED(A, "t") "," CALLED(B, "u")), TRANSPORT_OCI, NULL, -1, -1,
			"more than one image in this image layout: choose one | in it: t, u", 0},
		{INDEX(CALLED(A, "t") "," CALLED(B, "u")), TRANSPORT_OCI_ARCHIVE, "v", -1, -1,
			"no image \"v\" in this archive | in it: t, u", 0},
		{INDEX(PLAIN(A) "," PLAIN(B)), TRANSPORT_OCI, NULL, -1, -1,
			"more than one image in this image layout: choose one | its images have no "
			"names: choose one with :@0, :@1 and so on",
			0},
		/* One is for another platform, or no image. */
		{INDEX(PLAIN(A) "," PLAIN(B)), TRANSPORT_OCI, NULL, -1, 1, "", 1},
		{INDEX(PLAIN(A)), TRANSPORT_OCI, NULL, -1, -1,
			"no image for this platform in this image layout | ", 1},
		/* Two names of one image. */
		{INDEX(CALLED(A, "t") "," CALLED(A, "u")), TRANSPORT_OCI_ARCHIVE, NULL, -1, 0,
			"t u", 0},
		{INDEX(CALLED(A, "t") "," CALLED(A, "u")), TRANSPORT_OCI_ARCHIVE, "u", -1, 1, "u",
			0},
		/* What Docker writes: the tag alone, and the whole name beside it. */
		{INDEX(NOTED(A, REF("1") "," WHOLE("docker.io/library/app:1"))),
			TRANSPORT_OCI_ARCHIVE, NULL, -1, 0, "docker.io/library/app:1", 0},
		{INDEX(NOTED(A, REF("1") "," WHOLE("docker.io/library/app:1"))), TRANSPORT_OCI,
			"app:1", -1, 0, "app:1", 0},
		/* The same name written otherwise; as it stands comes first. */
		{INDEX(CALLED(A, "docker.io/library/app:latest")), TRANSPORT_OCI, "app", -1, 0,
			"app", 0},
		{INDEX(CALLED(A, "docker.io/library/app:latest") "," CALLED(B, "app")),
			TRANSPORT_OCI, "app", -1, 1, "app", 0},
		{INDEX("{\"mediaType\":\"" TYPE "\",\"digest\":\"" A
		       "\",\"size\":1,\"annotations\":{\"org.opencontainers.image.ref.name\":7}}"),
			TRANSPORT_OCI_ARCHIVE, NULL, -1, 0, "", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_layout(&cases[i]);
}

#define DOCKER "[{\"RepoTags\":[\"a:1\",\"quay.io/b:2\"]},{\"RepoTags\":null},{\"RepoTags\":[5]}]"

static void test_docker(void **state)
{
	(void)state;
	static const struct {
		const char *list, *ref;
		int64_t number;
		int chosen;
		const char *message;
	} cases[] = {
		{DOCKER, "docker.io/library/a:1", -1, 0, NULL},
		{DOCKER, "quay.io/b:2", -1, 0, NULL},
		{DOCKER, NULL, 2, 2, NULL},
		{DOCKER, NULL, 3, -1, "no image @3: this archive has 3, counted from @0"},
		{DOCKER, NULL, -1, -1, "more than one image in this archive: choose one"},
		{DOCKER, "docker.io/library/a:2", -1, -1,
			"no image docker.io/library/a:2 in this archive"},
		{"[{}]", NULL, -1, 0, NULL},
		{"[]", NULL, -1, -1, "no image in this archive"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		size_t chosen = 99;
		auto_json list = json_parse(cases[i].list, strlen(cases[i].list), "list", &e);
		const struct selection s = {.kind = TRANSPORT_DOCKER_ARCHIVE,
			.ref = cases[i].ref,
			.index = cases[i].number};
		int r = selection_in_docker(&s, list, &chosen, &e);
		assert_int_equal(r < 0, cases[i].message != NULL);
		if (r < 0)
			assert_string_equal(e.msg, cases[i].message);
		else
			assert_int_equal(chosen, cases[i].chosen);
	}
}

static void assert_added(const char *before, const char *name, const char *after)
{
	struct err e = {0};
	auto_buf out = BUF_INIT;
	auto_json entry = json_pack("{s:s, s:s, s:i}", "mediaType", TYPE, "digest", B, "size", 1);
	if (name)
		json_set(entry, "annotations",
			json_pack("{s:s}", "org.opencontainers.image.ref.name", name));
	int r = layout_add(before, strlen(before), entry, &out, &e);
	buf_putc(&out, '\0');
	assert_string_equal(r < 0 ? e.msg : out.data, after);
}

static void test_layout_add(void **state)
{
	(void)state;
	assert_added("", NULL, INDEX(PLAIN(B)));
	assert_added("", "t", INDEX(CALLED(B, "t")));
	assert_added(INDEX(PLAIN(B)), "t", INDEX(CALLED(B, "t")));
	assert_added(INDEX(CALLED(B, "t")), "t", INDEX(CALLED(B, "t")));
	assert_added(INDEX(CALLED(A, "t")), "t", INDEX(PLAIN(A) "," CALLED(B, "t")));
	assert_added(INDEX(CALLED(B, "u")), "t", INDEX(CALLED(B, "u") "," CALLED(B, "t")));
	/* What we do not know stays. */
	assert_added(
		"{\"schemaVersion\":2,\"manifests\":[" NOTED(A,
			REF("t") ",\"x\":\"y\"") "],"
						 "\"annotations\":{\"k\":\"v\"},\"more\":[1,2.5]}",
		"t",
		"{\"schemaVersion\":2,\"manifests\":[" NOTED(A, "\"x\":\"y\"") "," CALLED(
			B, "t") "],"
				"\"annotations\":{\"k\":\"v\"},\"more\":[1,2.5]}");
	assert_added("[]", "t", "index.json: invalid manifest: not an object");
	assert_added("{\"schemaVersion\":2,\"manifests\":[],\"manifests\":[]}", "t",
		"index.json: invalid manifest: not valid JSON: line 1: duplicate object key near "
		"'\"manifests\"'");
}

static void test_job(void **state)
{
	(void)state;
	struct err e;
	struct selection s;
	const char *text = "{\"select\":{\"transport\":\"oci-archive\",\"ref\":\"r\",\"index\":3}}";
	auto_json job = json_parse(text, strlen(text), "job", &e);
	auto_json none = json_object();
	selection_read(job, &s);
	assert_true(s.is_one && s.kind == TRANSPORT_OCI_ARCHIVE && s.index == 3);
	assert_string_equal(s.ref, "r");
	selection_read(none, &s);
	assert_true(!s.is_one && !s.ref && s.index == -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_layout_add),
		cmocka_unit_test(test_job),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
