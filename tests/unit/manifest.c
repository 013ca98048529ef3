/* Manifests, indexes and configs: what is taken, what is refused, which platform is chosen. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/manifest.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define CONFIG                                                                                     \
	"\"config\":{\"mediaType\":\"application/"                                                 \
	"vnd.oci.image.config.v1+json\",\"digest\":\"" DIGEST "\",\"size\":7}"
#define LAYER(type, digest, size)                                                                  \
	"{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define IMAGE(rest) "{\"schemaVersion\":2," CONFIG "," rest "}"
#define LAYERS(list) "\"layers\":[" list "]"
#define ENTRY(platform)                                                                            \
	"{\"mediaType\":\"" OCI_MANIFEST "\",\"digest\":\"" DIGEST "\",\"size\":1" platform "}"
#define PLATFORM(arch, variant)                                                                    \
	",\"platform\":{\"os\":\"linux\",\"architecture\":\"" arch "\",\"variant\":\"" variant "\"}"
#define INDEX(list) "{\"schemaVersion\":2,\"manifests\":[" list "]}"

static int parse(const char *text, const char *type, struct manifest *m, struct err *e)
{
	return manifest_parse(text, strlen(text), type, m, e);
}

static void takes(const char *text, const char *type, enum manifest_kind kind)
{
	auto_manifest m = {0};
	struct err e;
	if (parse(text, type, &m, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_int_equal(m.kind, kind);
}

static void refuses(const char *text, const char *type, int code, const char *words)
{
	struct manifest m;
	struct err e;
	if (parse(text, type, &m, &e) != -code)
		fail_msg("taken or another error: %s", text);
	if (!strstr(e.msg, words))
		fail_msg("\"%s\" does not contain \"%s\"", e.msg, words);
}

static void test_taken(void **state)
{
	(void)state;
	const char *image = IMAGE(LAYERS(LAYER(GZIP, DIGEST, "5")));
	takes(image, NULL, MANIFEST_IMAGE);
	takes(image, OCI_MANIFEST, MANIFEST_IMAGE);
	takes(image, OCI_MANIFEST "; charset=utf-8", MANIFEST_IMAGE);
	takes(image, "application/octet-stream", MANIFEST_IMAGE);
	takes(IMAGE("\"mediaType\":\"" DOCKER_MANIFEST "\"," LAYERS("")), DOCKER_MANIFEST,
		MANIFEST_IMAGE);
	takes(INDEX(ENTRY("")), OCI_INDEX, MANIFEST_INDEX);
	takes(INDEX(""), NULL, MANIFEST_INDEX);
}

static void test_refused(void **state)
{
	(void)state;
	refuses("", NULL, EBADMSG, "JSON");
	refuses("[]", NULL, EBADMSG, "not an object");
	refuses("{\"schemaVersion\":2}", NULL, EBADMSG, "neither");
	refuses("{\"schemaVersion\":3,\"manifests\":[]}", NULL, EBADMSG, "schemaVersion");
	refuses("{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, ENOTSUP, "schema 1");
	refuses(IMAGE(LAYERS("") ",\"manifests\":[]"), NULL, EBADMSG, "both");
	refuses(INDEX("") "x", NULL, EBADMSG, "JSON");
	refuses("{\"schemaVersion\":2,\"schemaVersion\":2,\"manifests\":[]}", NULL, EBADMSG,
		"duplicate");
	refuses(IMAGE(LAYERS("")), OCI_INDEX, EBADMSG, "media type");
	refuses(INDEX(""), DOCKER_MANIFEST, EBADMSG, "media type");
	refuses(IMAGE("\"mediaType\":\"" OCI_INDEX "\"," LAYERS("")), NULL, EBADMSG, "media type");
	refuses(IMAGE("\"mediaType\":\"" DOCKER_MANIFEST "\"," LAYERS("")), OCI_MANIFEST, EBADMSG,
		"announced");
	refuses(IMAGE("\"mediaType\":7," LAYERS("")), NULL, EBADMSG, "mediaType");
	refuses(IMAGE("\"layers\":{}"), NULL, EBADMSG, "layers is not a list");
}

static void test_descriptors(void **state)
{
	(void)state;
	static const char *const digests[] = {
		IMAGE(LAYERS(LAYER(GZIP, "sha256:../../../../etc/passwd", "5"))),
		IMAGE(LAYERS(LAYER(GZIP,
			"sha256:ABCDEF6789abcdef0123456789abcdef0123456789abcdef0123"
			"456789abcdef",
			"5"))),
		IMAGE(LAYERS(LAYER(GZIP, "sha256:0123", "5"))),
		IMAGE(LAYERS(LAYER(GZIP, DIGEST "0", "5"))),
		IMAGE(LAYERS(LAYER(GZIP, "md5:0123456789abcdef0123456789abcdef", "5"))),
		IMAGE(LAYERS(LAYER(GZIP, "", "5"))),
	};
	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		refuses(digests[i], NULL, EBADMSG, "malformed digest");
	refuses(IMAGE(LAYERS(LAYER(GZIP, DIGEST, "-1"))), NULL, EBADMSG, "size");
	refuses(IMAGE(LAYERS(LAYER(GZIP, DIGEST, "1.5"))), NULL, EBADMSG, "size");
	refuses(IMAGE(LAYERS(LAYER(GZIP, DIGEST, "99999999999999999999"))), NULL, EBADMSG, "JSON");
	refuses(IMAGE(LAYERS("7")), NULL, EBADMSG, "not an object");
	refuses(IMAGE(LAYERS(LAYER("application/vnd.in-toto+json", DIGEST, "5"))), NULL, ENOTSUP,
		"unsupported layer type");
	refuses("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
		"vnd.cncf.helm.config.v1+"
		"json\",\"digest\":\"" DIGEST "\",\"size\":1},\"layers\":[]}",
		NULL, ENOTSUP, "not an image");
}

static int choose(const char *text, const char *arch, const char *variant)
{
	auto_manifest m = {0};
	struct err e;
	const struct descriptor *d = NULL;
	const struct wanted_platform want = {"linux", arch, variant};
	assert_int_equal(parse(text, NULL, &m, &e), 0);
	if (manifest_choose(&m, &want, &d, &e) < 0) {
		assert_non_null(strstr(e.msg, "no matching manifest for linux/"));
		return -1;
	}
	return (int)(d - m.entries);
}

/* Of other types, but no less strict. */
static void test_artifacts(void **state)
{
	(void)state;
	static const char *const taken[] = {
		IMAGE(LAYERS(LAYER("application/vnd.in-toto+json", DIGEST, "5"))),
		"{\"schemaVersion\":2,\"config\":" LAYER("application/x", DIGEST, "2") "," LAYERS(
			LAYER("application/y", DIGEST, "5")) "}"};
	static const char *const refused[] = {
		"{\"schemaVersion\":2,\"config\":" LAYER("application/x", DIGEST, "-2") "," LAYERS(
			"") "}",
		"{\"schemaVersion\":2,\"config\":" LAYER("application/x", DIGEST, "2") "}"};
	struct manifest m;
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		refuses(taken[i], NULL, ENOTSUP, "unsupported");
		assert_int_equal(manifest_parse_any(taken[i], strlen(taken[i]), NULL, &m, &e), 0);
		assert_int_equal(m.n_layers, 1);
		manifest_deinit(&m);
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(
			manifest_parse_any(refused[i], strlen(refused[i]), NULL, &m, &e), -EBADMSG);
	assert_int_equal(manifest_check_image("application/vnd.oci.image.config.v1+json", &e), 0);
	assert_int_equal(manifest_check_image("application/x", &e), -ENOTSUP);
}

static void test_platforms(void **state)
{
	(void)state;
	const char *all = INDEX(ENTRY(PLATFORM("amd64", "")) "," ENTRY(
		PLATFORM("arm64", "v8")) "," ENTRY(PLATFORM("arm", "v6")) "," ENTRY(PLATFORM("arm",
		"v7")) "," ENTRY(PLATFORM("unknown", "")) "," ENTRY(PLATFORM("riscv64", "")));
	assert_int_equal(choose(all, "amd64", NULL), 0);
	assert_int_equal(choose(all, "x86_64", NULL), 0);
	assert_int_equal(choose(all, "amd64", "v3"), 0);
	assert_int_equal(choose(all, "arm64", NULL), 1);
	assert_int_equal(choose(all, "aarch64", "v8"), 1);
	assert_int_equal(choose(all, "arm", NULL), 3);
	assert_int_equal(choose(all, "arm", "v6"), 2);
	assert_int_equal(choose(all, "arm", "v5"), -1);
	assert_int_equal(choose(all, "riscv64", ""), 5);
	assert_int_equal(choose(all, "s390x", NULL), -1);
	assert_int_equal(choose(INDEX(ENTRY("")), "s390x", NULL), 0);
	assert_int_equal(choose(INDEX(ENTRY("") "," ENTRY("")), "s390x", NULL), -1);
	assert_int_equal(
		choose(INDEX(ENTRY(PLATFORM("amd64", "v2")) "," ENTRY(PLATFORM("amd64", "v3"))),
			"amd64", NULL),
		-1);
	assert_int_equal(
		choose(INDEX(ENTRY(PLATFORM("amd64", "v2")) "," ENTRY(PLATFORM("amd64", "v3"))),
			"amd64", "v4"),
		1);
}

static json_t *config(const char *text, int layers, struct err *e)
{
	return image_config_parse(text, strlen(text), layers, e);
}

#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\"]}"

static void test_config(void **state)
{
	(void)state;
	struct err e;
	auto_json j =
		config("{\"os\":\"linux\",\"architecture\":\"amd64\",\"evil\":{\"x\":1},"
		       "\"created\":\"2020-01-02T03:04:05.678Z\",\"config\":{\"Env\":[\"A=b\"],"
		       "\"Cmd\":null,\"ExposedPorts\":{\"80/tcp\":{\"x\":1}},\"Unknown\":1,"
		       "\"Healthcheck\":{\"Test\":[\"CMD\"],\"Interval\":5}}," ROOTFS
		       ",\"history\":[{\"created_by\":\"x\",\"more\":1}]}",
			1, &e);
	assert_non_null(j);
	auto_free char *text = json_text(j);
	assert_string_equal(text, "{\"created\":\"2020-01-02T03:04:05.678Z\",\"architecture\":"
				  "\"amd64\",\"os\":\"linux\","
				  "\"config\":{\"ExposedPorts\":{\"80/tcp\":{}},\"Env\":[\"A=b\"],"
				  "\"Healthcheck\":{\"Test\":[\"CMD\"],\"Interval\":5}}," ROOTFS
				  ",\"history\":[{\"created_by\":\"x\"}]}");
	auto_json empty = config("{\"rootfs\":{\"type\":\"layers\"}}", 0, &e);
	assert_non_null(empty);
}

static void refuses_config(const char *text, int layers, const char *words)
{
	struct err e;
	auto_json j = config(text, layers, &e);
	if (j)
		fail_msg("taken: %s", text);
	if (!strstr(e.msg, words))
		fail_msg("\"%s\" does not contain \"%s\"", e.msg, words);
}

static void test_config_refused(void **state)
{
	(void)state;
	refuses_config("7", -1, "JSON");
	refuses_config("[]", -1, "not an object");
	refuses_config("{}", -1, "rootfs");
	refuses_config("{" ROOTFS "}", 2, "diff IDs");
	refuses_config(
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:x\"]}}", 1, "diff ID");
	refuses_config("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[7]}}", 1, "diff ID");
	refuses_config("{\"rootfs\":{\"type\":\"other\",\"diff_ids\":[]}}", 0, "rootfs");
	refuses_config("{\"os\":7," ROOTFS "}", 1, "os");
	refuses_config("{\"os\":\"\\u001b[2Jx\"," ROOTFS "}", 1, "os is not a word");
	refuses_config("{\"architecture\":\"a b\"," ROOTFS "}", 1, "architecture is not a word");
	refuses_config("{\"variant\":\"v/1\"," ROOTFS "}", 1, "variant is not a word");
	auto_free char *wide = xasprintf("{\"os\":\"%065d\"," ROOTFS "}", 0);
	refuses_config(wide, 1, "os is not a word");
	refuses_config("{\"created\":\"yesterday\"," ROOTFS "}", 1, "created");
	refuses_config("{\"config\":[]," ROOTFS "}", 1, "config");
	refuses_config("{\"config\":{\"Env\":[1]}," ROOTFS "}", 1, "config.Env");
	refuses_config("{\"config\":{\"Labels\":{\"a\":1}}," ROOTFS "}", 1, "config.Labels");
	refuses_config("{\"config\":{\"Healthcheck\":{\"Test\":\"x\"}}," ROOTFS "}", 1,
		"Healthcheck.Test");
	refuses_config("{\"config\":{\"User\":\"a\\u0000b\"}," ROOTFS "}", 1, "JSON");
	refuses_config("{\"history\":[1]," ROOTFS "}", 1, "history");
}

static void test_config_words(void **state)
{
	(void)state;
	struct err e;
	auto_json empty =
		config("{\"os\":\"\",\"architecture\":\"\",\"variant\":\"\"," ROOTFS "}", 1, &e);
	assert_non_null(empty);
	auto_json odd = config("{\"os\":\"z_OS-1.2\"," ROOTFS "}", 1, &e);
	assert_non_null(odd);
	auto_free char *longest = xasprintf("{\"os\":\"%064d\"," ROOTFS "}", 0);
	auto_json wide = config(longest, 1, &e);
	assert_non_null(wide);
}

/* A history of n steps. */
static char *long_history(int n)
{
	auto_buf text = BUF_INIT;
	buf_puts(&text, "{" ROOTFS ",\"history\":[{}");
	while (--n > 0)
		buf_puts(&text, ",{}");
	buf_puts(&text, "]}");
	return buf_take(&text);
}

static void test_config_history(void **state)
{
	(void)state;
	struct err e;
	auto_free char *most = long_history(8192), *more = long_history(8193);
	auto_json taken = config(most, 1, &e);
	assert_non_null(taken);
	refuses_config(more, 1, "8193 entries in history, at most 8192 are possible");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_artifacts),
		cmocka_unit_test(test_platforms),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_refused),
		cmocka_unit_test(test_config_words),
		cmocka_unit_test(test_config_history),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
