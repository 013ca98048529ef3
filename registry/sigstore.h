/* sigstore: signatures kept beside an image, as cosign, skopeo and Podman write them.
 *
 * The signatures of the manifest sha256:<hex> are the layers of the image with the tag
 * sha256-<hex>.sig in the same repository: each layer is a "simple signing" payload, its annotation
 * the signature of exactly these bytes. Pure functions for a confined process; nothing of a payload
 * is looked at before a key has vouched for it.
 */
#ifndef REGISTRY_SIGSTORE_H
#define REGISTRY_SIGSTORE_H

#include <jansson.h>
#include <stddef.h>

#include "base/str.h"

struct err;

enum {
	SIGSTORE_PAYLOAD_MAX = 1 << 20,
	SIGSTORE_SIGNATURES_MAX = 64, /* of one image that are looked at */
};

/* "sha256-<hex>.sig" for "sha256:<hex>". Owned. */
char *sigstore_tag(const char *digest);
/* [{"digest", "size", "signature": base64}] of a signature manifest (new reference), or NULL with e
 * set. Layers of other kinds are passed over. */
json_t *sigstore_list(const void *bytes, size_t len, struct err *e);

struct sigstore_claim {
	char *digest; /* of the manifest that was signed */
	char *name; /* "docker-reference": as what */
};
void sigstore_claim_deinit(struct sigstore_claim *c);
#define auto_sigstore_claim __attribute__((cleanup(sigstore_claim_deinit))) struct sigstore_claim

/* keys: PEM texts, or "base64:" and a PEM text in base64. -EACCES where no key made the signature,
 * -EBADMSG where the payload it made is none, -EINVAL for a key that is no public key (ECDSA, RSA
 * and Ed25519 are understood). */
int sigstore_verify(const void *payload, size_t len, const char *signature, const struct strv *keys,
	struct sigstore_claim *claim, struct err *e);
/* The payload alone; for sigstore_verify, tests and fuzzing. */
int sigstore_payload(const void *payload, size_t len, struct sigstore_claim *claim, struct err *e);

#endif
