#include "registry/sigstore.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/reference.h"

static const char payload_type[] = "application/vnd.dev.cosign.simplesigning.v1+json";
static const char annotation[] = "dev.cosignproject.cosign/signature";

json_t *sigstore_list(const void *bytes, size_t len, struct err *e)
{
	auto_json m = json_parse(bytes, len, "signature manifest", e);
	if (!m)
		return NULL;
	const json_t *layers = json_object_get(m, "layers");
	if (json_int_or(m, "schemaVersion", 0) != 2 || !json_is_array(layers) ||
		json_object_get(m, "manifests")) {
		err_set(e, EBADMSG, "signature manifest: no image manifest");
		return NULL;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const json_t *layer = json_array_get(layers, i);
		const char *digest = json_str(layer, "digest");
		const char *signature = json_string_value(
			json_object_get(json_object_get(layer, "annotations"), annotation));
		int64_t size = json_int_or(layer, "size", -1);
		if (strcmp(json_str_or(layer, "mediaType", ""), payload_type) != 0 || !signature ||
			!digest_valid(digest) || size < 0 || size > SIGSTORE_PAYLOAD_MAX)
			continue;
		if (json_array_size(list) == SIGSTORE_SIGNATURES_MAX)
			break;
		json_t *one = json_object();
		json_set_str(one, "digest", digest);
		json_set_int(one, "size", size);
		json_set_str(one, "signature", signature);
		json_array_append_new(list, one);
	}
	return list;
}

void sigstore_claim_deinit(struct sigstore_claim *c)
{
	free(c->digest);
	free(c->name);
	*c = (struct sigstore_claim){0};
}

/* ---- the payload ---- */

/* An object with exactly these keys. */
static bool has_exactly(const json_t *j, const char *const *keys, size_t n)
{
	if (!json_is_object(j) || json_object_size(j) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!json_object_get(j, keys[i]))
			return false;
	return true;
}

int sigstore_payload(const void *payload, size_t len, struct sigstore_claim *claim, struct err *e)
{
	static const char *const top[] = {"critical", "optional"};
	static const char *const inner[] = {"type", "image", "identity"};
	static const char *const image[] = {"docker-manifest-digest"};
	static const char *const identity[] = {"docker-reference"};
	*claim = (struct sigstore_claim){0};
	auto_json j = json_parse(payload, len, "signed payload", e);
	if (!j)
		return -e->code;
	const json_t *critical = json_object_get(j, "critical");
	const json_t *optional = json_object_get(j, "optional");
	if (!has_exactly(j, top, 2) || !has_exactly(critical, inner, 3) ||
		!has_exactly(json_object_get(critical, "image"), image, 1) ||
		!has_exactly(json_object_get(critical, "identity"), identity, 1) ||
		!(json_is_object(optional) || json_is_null(optional)))
		return err_set(e, EBADMSG, "signed payload: other keys than a signature has");
	const char *type = json_str_or(critical, "type", "");
	if (strcmp(type, "cosign container image signature") != 0)
		return err_set(e, EBADMSG, "signed payload: unknown type");
	const char *digest = json_str(critical, "image/docker-manifest-digest");
	const char *name = json_str(critical, "identity/docker-reference");
	if (!digest_valid(digest) || str_empty(name))
		return err_set(e, EBADMSG, "signed payload: no digest, or no name");
	claim->digest = xstrdup(digest);
	claim->name = xstrdup(name);
	return 0;
}

/* ---- the signature ---- */

/* Strict base64. Owned bytes, *n of them; NULL where it is none. */
static unsigned char *decode(const char *text, size_t *n)
{
	size_t len = strlen(text), padding = 0;
	while (padding < 2 && len > padding && text[len - 1 - padding] == '=')
		padding++;
	if (!len || len % 4 || len > (size_t)SIGSTORE_PAYLOAD_MAX ||
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") !=
			len - padding)
		return NULL;
	unsigned char *out = xmalloc(len);
	int got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	if (got < 0 || (size_t)got < padding) {
		free(out);
		return NULL;
	}
	*n = (size_t)got - padding;
	return out;
}

static EVP_PKEY *read_key(const char *text)
{
	const char *encoded = str_after(text, "base64:");
	size_t n = strlen(text);
	auto_free unsigned char *decoded = encoded ? decode(encoded, &n) : NULL;
	if (encoded && !decoded)
		return NULL;
	BIO *in = BIO_new_mem_buf(decoded ? (const void *)decoded : text, (int)n);
	if (!in)
		die_oom();
	EVP_PKEY *key = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
	BIO_free(in);
	return key;
}

static bool is_usable(const EVP_PKEY *key)
{
	int type = EVP_PKEY_get_base_id(key);
	return type == EVP_PKEY_EC || type == EVP_PKEY_RSA || type == EVP_PKEY_ED25519;
}

static bool made_by(
	EVP_PKEY *key, const void *payload, size_t len, const unsigned char *signature, size_t n)
{
	/* Ed25519 hashes by itself. */
	const EVP_MD *md = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx)
		die_oom();
	bool good = EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, signature, n, payload, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

int sigstore_verify(const void *payload, size_t len, const char *signature, const struct strv *keys,
	struct sigstore_claim *claim, struct err *e)
{
	size_t n = 0;
	bool good = false;
	*claim = (struct sigstore_claim){0};
	auto_free unsigned char *bytes = decode(signature, &n);
	if (!bytes)
		return err_set(e, EACCES, "the signature is no base64");
	for (size_t i = 0; i < keys->n && !good; i++) {
		EVP_PKEY *key = read_key(keys->v[i]);
		if (!key || !is_usable(key)) {
			EVP_PKEY_free(key);
			ERR_clear_error();
			return err_set(e, EINVAL,
				"key %zu of the signature policy is no public key in PEM (ECDSA, "
				"RSA or Ed25519)",
				i + 1);
		}
		good = made_by(key, payload, len, bytes, n);
		EVP_PKEY_free(key);
	}
	if (!good)
		return err_set(e, EACCES, "the signature was not made with a key of the policy");
	return sigstore_payload(payload, len, claim, e);
}
