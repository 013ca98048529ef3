/* The manifests and indexes that are made for registries. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/manifest_list.h"
#include "engine/transfer/member_source.h"
#include "engine/transfer/push_manifest.h"
#include "registry/reference.h"
#include "registry/transport.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct push_item item(const char *digest, int64_t size, enum compression c)
{
	return (struct push_item){.digest = (char *)digest, .size = size, .compression = c};
}

static json_t *parse(const char *text)
{
	struct err e = {0};
	json_t *j = json_parse(text, strlen(text), "text", &e);
	assert_non_null(j);
	return j;
}

static void test_docker(void **state)
{
	(void)state;
	struct err e = {0};
	struct push_item layer = item(A, 10, COMPRESSION_GZIP), config = item(B, 20, 0);
	const struct push_item *layers[] = {&layer};
	auto_push_manifest m = {0};
	assert_int_equal(
		push_manifest_make(NULL, NULL, NULL, FORMAT_AS_IS, layers, 1, &config, &m, &e), 0);
	assert_string_equal(m.media_type, MANIFEST_DOCKER);
	assert_false(m.is_own);
	assert_string_equal(m.bytes.data,
		"{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"" MANIFEST_DOCKER "\",\n"
		"   \"config\": {\n"
		"      \"mediaType\": \"application/vnd.docker.container.image.v1+json\",\n"
		"      \"size\": 20,\n      \"digest\": \"" B "\"\n   },\n   \"layers\": [\n"
		"      {\n"
		"         \"mediaType\": \"application/vnd.docker.image.rootfs.diff.tar.gzip\",\n"
		"         \"size\": 10,\n         \"digest\": \"" A "\"\n      }\n   ]\n}");
}

static void test_formats(void **state)
{
	(void)state;
	static const char own[] =
		"{\"schemaVersion\":2,\"config\":{\"digest\":\"" B
		"\"},\"layers\":[{\"digest\":\"" A "\",\"annotations\":{\"l\":\"1\","
		"\"io.github.containers.zstd-chunked.manifest-position\":\"1:2:3:1\"}}],"
		"\"annotations\":{\"k\":\"v\"}}";
	struct err e = {0};
	auto_json original = parse(own);
	struct buf bytes = {.data = (char *)own, .len = strlen(own)};
	struct push_item same = item(A, 10, COMPRESSION_GZIP),
			 other = item(C, 11, COMPRESSION_GZIP),
			 zstd = item(C, 12, COMPRESSION_ZSTD), config = item(B, 20, 0);
	const struct push_item *as_it_was[] = {&same}, *anew[] = {&other}, *as_zstd[] = {&zstd};
	{
		auto_push_manifest m = {0};
		assert_int_equal(push_manifest_make(original, &bytes, MANIFEST_OCI, FORMAT_AS_IS,
					 as_it_was, 1, &config, &m, &e),
			0);
		assert_true(m.is_own);
		assert_string_equal(m.bytes.data, own);
	}
	{
		auto_push_manifest m = {0};
		assert_int_equal(push_manifest_make(original, &bytes, MANIFEST_OCI, FORMAT_AS_IS,
					 anew, 1, &config, &m, &e),
			0);
		auto_json j = parse(m.bytes.data);
		assert_string_equal(json_str(j, "annotations/k"), "v");
		const json_t *l = json_array_get(json_at(j, "layers"), 0);
		assert_string_equal(json_str(l, "digest"), C);
		assert_string_equal(json_str(l, "annotations/l"), "1");
		assert_int_equal(json_object_size(json_at(l, "annotations")), 1);
		assert_string_equal(
			json_str(l, "mediaType"), "application/vnd.oci.image.layer.v1.tar+gzip");
	}
	{
		auto_push_manifest m = {0};
		assert_int_equal(push_manifest_make(original, &bytes, MANIFEST_OCI, FORMAT_DOCKER,
					 as_it_was, 1, &config, &m, &e),
			0);
		assert_false(m.is_own);
		assert_string_equal(m.media_type, MANIFEST_DOCKER);
		assert_null(strstr(m.bytes.data, "annotations"));
	}
	{
		auto_push_manifest m = {0};
		assert_int_equal(push_manifest_make(NULL, NULL, NULL, FORMAT_AS_IS, as_zstd, 1,
					 &config, &m, &e),
			0);
		assert_string_equal(m.media_type, MANIFEST_OCI);
	}
	auto_push_manifest m = {0};
	assert_true(push_manifest_make(
			    NULL, NULL, NULL, FORMAT_DOCKER, as_zstd, 1, &config, &m, &e) < 0);
}

static json_t *entry(const char *ref, const char *digest, const char *type)
{
	json_t *j = parse(
		"{\"platform\":{\"variant\":\"v8\",\"os\":\"linux\",\"architecture\":\"arm64\"}}");
	json_set_str(j, "ref", ref);
	json_set_str(j, "digest", digest);
	json_set_str(j, "mediaType", type);
	json_set_int(j, "size", 7);
	return j;
}

static void test_list(void **state)
{
	(void)state;
	struct err e = {0};
	const char *type;
	auto_reference ref = {0};
	auto_list l = {0};
	assert_int_equal(reference_parse("app", true, &ref, &e), 0);
	manifest_list_new(&ref, &l);
	assert_int_equal(strlen(manifest_list_id(&l)), 64);
	manifest_list_add(&l, entry("r.io/x:b", B, MANIFEST_OCI));
	manifest_list_add(&l, entry("r.io/x:a", A, MANIFEST_OCI));
	manifest_list_add(&l, entry("r.io/x:b", C, MANIFEST_OCI)); /* in its place */
	assert_int_equal(json_array_size(manifest_list_entries(&l)), 2);
	auto_json index = manifest_list_index(&l, NULL, &type);
	assert_string_equal(type, INDEX_OCI);
	auto_free char *text = json_text(index);
	assert_string_equal(text,
		"{\"schemaVersion\":2,\"mediaType\":\"" INDEX_OCI "\",\"manifests\":["
		"{\"mediaType\":\"" MANIFEST_OCI "\",\"size\":7,\"digest\":\"" A
		"\",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"}},"
		"{\"mediaType\":\"" MANIFEST_OCI "\",\"size\":7,\"digest\":\"" C
		"\",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"}}]"
		"}");
	manifest_list_add(&l, entry("r.io/x:c", B, MANIFEST_DOCKER));
	auto_json mixed = manifest_list_index(&l, NULL, &type);
	assert_string_equal(type, INDEX_DOCKER);
	assert_ptr_equal(
		manifest_list_find(&l, "r.io/x:a"), json_array_get(manifest_list_entries(&l), 0));
	assert_ptr_equal(manifest_list_find(&l, B), json_array_get(manifest_list_entries(&l), 2));
	assert_null(manifest_list_find(&l, "r.io/x:z"));
	assert_true(manifest_list_drop(&l, B));
	assert_false(manifest_list_drop(&l, B));
}

static json_t *found(const char *path, const char *digest, const char *type)
{
	json_t *j = entry("", digest, type);
	auto_free char *ref = xasprintf("oci:%s:x", path);
	auto_transport t;
	struct err e = {0};
	assert_int_equal(transport_parse(ref, &t, &e), 0);
	json_set_str(j, "ref", ref);
	member_set_transport(j, &t);
	return j;
}

/* Members in files and folders: called by their whole path, and each manifest once. */
static void test_list_of_files(void **state)
{
	(void)state;
	struct err e = {0};
	auto_reference ref = {0};
	auto_list l = {0};
	assert_int_equal(reference_parse("app", true, &ref, &e), 0);
	manifest_list_new(&ref, &l);
	const json_t *entries = manifest_list_entries(&l);
	manifest_list_add(&l, found("/m", A, MANIFEST_OCI));
	manifest_list_add(&l, found("/n", B, MANIFEST_OCI));
	assert_string_equal(json_str(manifest_list_find(&l, "oci:/x/../n:x"), "digest"), B);
	assert_null(manifest_list_find(&l, "oci:/n"));
	assert_null(manifest_list_find(&l, "oci-archive:/n:x"));
	manifest_list_add(&l, found("/o", A, MANIFEST_OCI));
	assert_int_equal(json_array_size(entries), 2);
	assert_null(manifest_list_find(&l, "oci:/m:x"));
	manifest_list_add(&l, entry("r.io/x:b", B, MANIFEST_OCI));
	manifest_list_add(&l, entry("r.io/x:c", B, MANIFEST_OCI));
	assert_int_equal(json_array_size(entries), 3);
	auto_transport from;
	assert_true(member_transport(manifest_list_find(&l, "oci:/o:x"), &from));
	assert_int_equal(from.kind, TRANSPORT_OCI);
	assert_string_equal(from.path, "/o");
	auto_transport none;
	assert_false(member_transport(manifest_list_find(&l, "r.io/x:b"), &none));
}

/* The manifest of a member: its own bytes, or made anew of the same blobs. */
static void test_member(void **state)
{
	(void)state;
	static const char raw[] = "eyJzIjoyfQ=="; /* {"s":2} */
	struct err e = {0};
	auto_json j =
		parse("{\"mediaType\":\"" MANIFEST_OCI "\",\"document\":{\"config\":{"
		      "\"digest\":\"" B "\",\"size\":20,\"mediaType\":"
		      "\"application/vnd.oci.image.config.v1+json\"},\"layers\":[{\"digest\":\"" A
		      "\",\"size\":10,\"mediaType\":"
		      "\"application/vnd.oci.image.layer.v1.tar+gzip\"}]}}");
	json_set_str(j, "raw", raw);
	assert_string_equal(json_str(member_blob(j, 0), "digest"), A);
	assert_string_equal(json_str(member_blob(j, 1), "digest"), B);
	assert_null(member_blob(j, 2));
	auto_push_manifest own = {0}, docker = {0}, zstd = {0}, lost = {0};
	assert_int_equal(member_manifest(j, FORMAT_OCI, &own, &e), 0);
	assert_true(own.is_own);
	assert_string_equal(own.bytes.data, "{\"s\":2}");
	assert_int_equal(member_manifest(j, FORMAT_DOCKER, &docker, &e), 0);
	assert_false(docker.is_own);
	assert_string_equal(docker.media_type, MANIFEST_DOCKER);
	assert_non_null(strstr(docker.bytes.data, "rootfs.diff.tar.gzip"));
	assert_non_null(strstr(docker.bytes.data, A));
	json_set_str((json_t *)member_blob(j, 0), "mediaType",
		"application/vnd.oci.image.layer.v1.tar+zstd");
	assert_int_equal(member_manifest(j, FORMAT_DOCKER, &zstd, &e), -EINVAL);
	/* What is no plain layer of an image has no other form than its own. */
	static const char *const odd[] = {"application/vnd.in-toto+json",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"};
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		auto_push_manifest other = {0};
		json_set_str((json_t *)member_blob(j, 0), "mediaType", odd[i]);
		assert_int_equal(member_manifest(j, FORMAT_DOCKER, &other, &e), -ENOTSUP);
		assert_int_equal(member_manifest(j, FORMAT_OCI, &other, &e), 0);
		assert_true(other.is_own);
	}
	auto_push_manifest artifact = {0};
	json_set_str((json_t *)member_blob(j, 0), "mediaType",
		"application/vnd.oci.image.layer.v1.tar+gzip");
	json_set_str((json_t *)member_blob(j, 1), "mediaType", "application/x");
	assert_int_equal(member_manifest(j, FORMAT_DOCKER, &artifact, &e), -ENOTSUP);
	json_object_del(j, "raw");
	assert_int_equal(member_manifest(j, FORMAT_OCI, &lost, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_of_files),
		cmocka_unit_test(test_member),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
