/* auth: what is sent as Authorization to one registry, and how it is got.
 *
 * Basic: the credentials themselves. Bearer: a token for one scope from the token server that the
 * registry names, got with the credentials or anonymously. Credentials and tokens are for the
 * registry's own origin: the caller never sends the header elsewhere (registry/client.h).
 */
#ifndef REGISTRY_AUTH_H
#define REGISTRY_AUTH_H

#include <stdbool.h>

#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/http.h"

struct err;

struct auth {
	struct credentials credentials;
	char *header; /* "Authorization: ..." for now; NULL = none */
	unsigned serial; /* counts headers: whoever was refused with an older one tries again */
	unsigned tries; /* token requests in a row that did not help */
	bool wants_identity; /* login: ask for a refresh token, too */
	char *refresh_token; /* what was given then; NULL */
};
void auth_deinit(struct auth *a);

/* Answers a challenge of base_url (the registry's). scope: one or more, blanks between; NULL = none
 * (login). A new header, or a negative errno with *kind
 * "unauthorized", "denied", "network" ... */
int auth_answer(struct auth *a, struct http *h, const struct http_tls *tls, const char *base_url,
	const struct challenge *c, const char *scope, const char **kind, struct err *e);

/* A token server's answer (JSON): a new header, and the refresh token where one was wanted. -EBADMSG
 * where it has no token, or one that is no header's text. */
int auth_take_answer(
	struct auth *a, const char *text, size_t n, const char *url, struct err *e);

#endif
