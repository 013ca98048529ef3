/* sha256: SHA-256 (FIPS 180-4) of short texts, for ids that are made of digests. What is large is
 * hashed by the helpers, which have libcrypto. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

/* 64 lower-case hex digits and a NUL. */
void sha256_hex(const void *bytes, size_t n, char out[65]);

#endif
