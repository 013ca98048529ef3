/* failure: a registry's or a connection's failure in Docker's words.
 *
 * *kind is one of engine/transfer/proto.h's: "not-found", "denied", "unauthorized",
 * "rate-limited", "network", "corrupt". Text of a foreign server is cut short and cleaned of
 * control characters before it gets near a terminal.
 */
#ifndef REGISTRY_FAILURE_H
#define REGISTRY_FAILURE_H

#include "registry/http.h"

struct err;
struct reference;

/* No (whole) answer: connection, name, TLS. */
int failure_connection(const struct http_exchange *x, const char **kind, struct err *e);
/* Did the server end the connection because it wants to know who we are? */
bool failure_wants_certificate(const struct http_exchange *x);
/* Docker's words for what we may not do, and for an image that we may not have: registries do not
 * tell it from one that they do not have. text: what the registry said; NULL. */
#define DENIED "denied: requested access to the resource is denied"
int failure_denied(const struct reference *ref, const char *text, struct err *e);
/* An answer that is not what was asked for. ref may be NULL (token server). */
int failure_answer(const struct http_exchange *x, const struct reference *ref, const char **kind,
	struct err *e);
/* The request's method as Go's errors spell it: "Get", "Head" ... */
const char *failure_op(const struct http_exchange *x);
/* Is it worth trying again? */
bool failure_is_passing(const struct http_exchange *x);

#endif
