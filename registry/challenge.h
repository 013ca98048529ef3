/* challenge: what a registry asks for in WWW-Authenticate (RFC 9110, section 11.6.1).
 *
 *   Bearer realm="https://auth.example/token",service="registry",scope="repository:x:pull"
 *   Basic realm="Registry"
 */
#ifndef REGISTRY_CHALLENGE_H
#define REGISTRY_CHALLENGE_H

enum challenge_kind { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_kind kind;
	char *realm; /* NULL where it was not given */
	char *service;
	char *scope;
	char *error; /* "invalid_token", "insufficient_scope" ... */
};
#define CHALLENGE_INIT ((struct challenge){.kind = CHALLENGE_NONE})
void challenge_deinit(struct challenge *c);
#define auto_challenge __attribute__((cleanup(challenge_deinit))) struct challenge

/* Reads one header value, which may hold several challenges, into c, which may hold one from an
 * earlier header: the strongest known one stays (Bearer, then Basic). What is malformed is passed
 * over. */
void challenge_read(struct challenge *c, const char *value);

#endif
