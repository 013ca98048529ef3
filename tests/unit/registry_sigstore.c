#include "unit.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/sigstore.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PAYLOAD                                                                                    \
	"{\"critical\":{\"identity\":{\"docker-reference\":\"a.b/c:1\"},\"image\":{"               \
	"\"docker-manifest-digest\":\"" DIGEST "\"},\"type\":\"cosign container image "            \
	"signature\"},\"optional\":"

static char *pem(EVP_PKEY *key)
{
	char *text;
	BIO *out = BIO_new(BIO_s_mem());
	PEM_write_bio_PUBKEY(out, key);
	long n = BIO_get_mem_data(out, &text);
	char *copy = xstrndup(text, (size_t)n);
	BIO_free(out);
	return copy;
}

static char *base64(const void *p, size_t n)
{
	char *out = xmalloc(4 * n / 3 + 8);
	EVP_EncodeBlock((unsigned char *)out, p, (int)n);
	return out;
}

static char *sign(EVP_PKEY *key, const char *text)
{
	unsigned char signature[1024];
	size_t n = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, key), 1);
	assert_int_equal(
		EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text, strlen(text)), 1);
	EVP_MD_CTX_free(ctx);
	return base64(signature, n);
}

static void test_keys(void **state)
{
	(void)state;
	static const char text[] = PAYLOAD "null}";
	EVP_PKEY *keys[] = {
		EVP_EC_gen("P-256"), EVP_RSA_gen(2048), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct err e = {0};
		auto_strv own = STRV_INIT, both = STRV_INIT, other = STRV_INIT, encoded = STRV_INIT;
		strv_take(&own, pem(keys[i]));
		strv_take(&other, pem(keys[(i + 1) % 3]));
		strv_copy(&both, &other);
		strv_add(&both, own.v[0]);
		auto_free char *data = base64(own.v[0], strlen(own.v[0]));
		strv_addf(&encoded, "base64:%s", data);
		auto_free char *signature = sign(keys[i], text);
		const struct strv *good[] = {&own, &both, &encoded};
		for (size_t k = 0; k < ARRAY_LEN(good); k++) {
			auto_sigstore_claim claim = {0};
			assert_int_equal(
				sigstore_verify(text, strlen(text), signature, good[k], &claim, &e),
				0);
			assert_string_equal(claim.digest, DIGEST);
			assert_string_equal(claim.name, "a.b/c:1");
		}
		auto_sigstore_claim claim = {0};
		assert_int_equal(sigstore_verify(text, strlen(text), signature, &other, &claim, &e),
			-EACCES);
		/* Every single changed byte. */
		auto_free char *changed = xstrdup(text);
		for (size_t k = 0; k < strlen(text); k += 7) {
			changed[k] ^= 1;
			assert_int_equal(
				sigstore_verify(changed, strlen(text), signature, &own, &claim, &e),
				-EACCES);
			changed[k] ^= 1;
		}
		assert_int_equal(
			sigstore_verify(text, strlen(text), "AA=A", &own, &claim, &e), -EACCES);
		assert_int_equal(
			sigstore_verify(text, strlen(text), "", &own, &claim, &e), -EACCES);
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		EVP_PKEY_free(keys[i]);
}

/* Made by skopeo 1.18 with --sign-by-sigstore-private-key. */
static void test_foreign(void **state)
{
	(void)state;
	static const char text[] =
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a.b/c:1\"},\"image\":{"
		"\"docker-manifest-digest\":\"sha256:"
		"7c7cc26684ee2764744fa61f4d41b53f45c0e726cef1cbc12c0acadcb0449942\"},\"type\":"
		"\"cosign container image signature\"},\"optional\":{\"creator\":\"containers/"
		"image 5.34.2\",\"timestamp\":1795895862}}";
	static const char signature[] =
		"MEQCIHxKACGHm3Zp0Sxtgf/w/JSbE+NoQf5sPYFI7gOszBBYAiBbWb8ORuql/"
		"0xWYqNpZOctRNi9igWPyJje9Z8uRq8Axw==";
	static const char key[] =
		"-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuiDLb//TKcdZFKz6ibVBC7Qv914y\n"
		"fawftRSOc/nBOjUMiRWMd/wx/vCl4jxEL0JyNelCwo6szD1BB4PZpTfzCQ==\n"
		"-----END PUBLIC KEY-----\n";
	struct err e = {0};
	auto_strv keys = STRV_INIT;
	auto_sigstore_claim claim = {0};
	strv_add(&keys, key);
	assert_int_equal(sigstore_verify(text, strlen(text), signature, &keys, &claim, &e), 0);
	assert_string_equal(claim.name, "a.b/c:1");
}

static void test_no_key(void **state)
{
	(void)state;
	static const char *const keys[] = {"", "no key", "base64:AAAA", "base64:!",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct err e = {0};
		auto_strv list = STRV_INIT;
		auto_sigstore_claim claim = {0};
		strv_add(&list, keys[i]);
		assert_int_equal(sigstore_verify("x", 1, "AAAA", &list, &claim, &e), -EINVAL);
	}
	struct err e = {0};
	auto_strv none = STRV_INIT;
	auto_sigstore_claim claim = {0};
	assert_int_equal(sigstore_verify("x", 1, "AAAA", &none, &claim, &e), -EACCES);
}

static void test_payload(void **state)
{
	(void)state;
	static const char *const good[] = {
		PAYLOAD "null}", PAYLOAD "{}}", PAYLOAD "{\"creator\":\"x\",\"timestamp\":1}}"};
	static const char *const bad[] = {"", "{}", "[]", PAYLOAD "1}", PAYLOAD "null,\"x\":1}",
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a.b/c:1\"},\"image\":{"
		"\"docker-manifest-digest\":\"" DIGEST "\"},\"type\":\"atomic container "
		"signature\"},\"optional\":null}",
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a\"},\"image\":{"
		"\"docker-manifest-digest\":\"sha256:00\"},\"type\":\"cosign container image "
		"signature\"},\"optional\":null}",
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a\",\"docker-reference\":"
		"\"b\"},\"image\":{\"docker-manifest-digest\":\"" DIGEST "\"},\"type\":\"cosign "
		"container image signature\"},\"optional\":null}"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = {0};
		auto_sigstore_claim claim = {0};
		assert_int_equal(sigstore_payload(good[i], strlen(good[i]), &claim, &e), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		auto_sigstore_claim claim = {0};
		if (sigstore_payload(bad[i], strlen(bad[i]), &claim, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_true(e.code > 0);
	}
}

static void test_list(void **state)
{
	(void)state;
	static const char type[] = "application/vnd.dev.cosign.simplesigning.v1+json";
	auto_free char *text = xasprintf(
		"{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"" DIGEST
		"\",\"size\":7,\"annotations\":{\"dev.cosignproject.cosign/signature\":\"QQ==\"}},"
		"{\"mediaType\":\"%s\",\"digest\":\"sha256:../x\",\"size\":7,\"annotations\":{"
		"\"dev.cosignproject.cosign/signature\":\"QQ==\"}},"
		"{\"mediaType\":\"%s\",\"digest\":\"" DIGEST "\",\"size\":7},"
		"{\"mediaType\":\"text/plain\",\"digest\":\"" DIGEST "\",\"size\":7}]}",
		type, type, type);
	struct err e = {0};
	auto_json list = sigstore_list(text, strlen(text), &e);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_str(json_array_get(list, 0), "signature"), "QQ==");
	auto_free char *tag = sigstore_tag(DIGEST);
	assert_string_equal(
		tag, "sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.sig");
	static const char index[] = "{\"schemaVersion\":2,\"layers\":[],\"manifests\":[]}";
	assert_null(sigstore_list(index, strlen(index), &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
