/* client: one session with one registry about one repository: connections, credentials, token.
 *
 * For a confined process without any other right (moss-transfer, role fetch). Rules:
 *   - HTTPS; plain HTTP where the registry is on loopback and speaks no TLS, or where the user
 *     said --tls-verify=false (then certificates are not checked either);
 *   - a redirect to another origin is followed without Authorization, one from HTTPS to HTTP is
 *     refused, and so is a token server without TLS for a registry with it;
 *   - what passes (5xx, 408, 429 with a short Retry-After, cut connections) is tried again with
 *     growing pauses.
 */
#ifndef REGISTRY_CLIENT_H
#define REGISTRY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "registry/auth.h"
#include "registry/http.h"

struct err;
struct reference;

struct client_options {
	int tls_verify; /* 1, 0, -1 = default */
	unsigned retries; /* tries after the first that move nothing forward */
	int64_t retry_delay_ms; /* the first pause */
};

struct client {
	struct http *http;
	struct auth auth;
	struct client_options options;
	char *host; /* with port, as in URLs */
	char *path; /* of the repository */
	char *scope; /* "repository:<path>:pull"; several with blanks between; NULL for login */
	char *base; /* "https://host"; NULL until client_connect */
	struct buf ca, cert, key; /* of certs.d; empty = none */
	struct http_tls tls;
	struct strv unmountable; /* repositories from which nothing may be mounted */
};

/* Takes the credentials over. Reads the certificates of the registry: call it before confining;
 * client_open, which starts the libraries, after. */
struct client *client_new(const struct reference *ref, const struct client_options *o,
	struct credentials *credentials, const char *cert_dir, struct err *e);
void client_open(struct client *c);
void client_free(struct client *c);

/* Finds out whether the registry speaks TLS, where both may be; done by itself at need. */
int client_connect(struct client *c, struct err *e);

/* The manifest's exact bytes (at most max) and its type as the registry says. digest_out: of the
 * bytes ("sha256:..."), equal to the reference's where that has one. */
int client_manifest(struct client *c, const struct reference *ref, size_t max, struct buf *out,
	char **media_type, char **digest_out, const char **kind, struct err *e);
/* Every tag of the repository that has a valid form. */
int client_tags(struct client *c, const struct reference *ref, struct strv *tags, const char **kind,
	struct err *e);

/* Any document of the registry, of at most max bytes. Takes the URL. next (may be NULL): the
 * address of the next page, as its Link header says; owned, NULL where there is none. */
int client_page(struct client *c, char *url, size_t max, struct buf *out, char **next,
	const char **kind, struct err *e);

/* One request that may be sent several times: redirected, after a challenge, after a pause. A GET,
 * where x.method says nothing else. */
struct client_get {
	struct client *client;
	char *origin; /* where it starts each time */
	char *url; /* where it is now */
	unsigned redirects, auth_serial, failures;
	struct http_exchange x;
};
enum client_settled { SETTLED_ANSWER = 0, SETTLED_AGAIN = 1 };

/* Takes the URL; x may be filled (headers, sink, body_max, from) before client_get_start. */
void client_get_init(struct client_get *g, struct client *c, char *url);
void client_get_deinit(struct client_get *g);
/* Starts from the origin. */
int client_get_start(struct client_get *g, struct err *e);
/* After x.done: SETTLED_AGAIN where it went on by itself (redirect, new token), SETTLED_ANSWER
 * where x holds the last word, good or bad. */
int client_get_settle(struct client_get *g, const char **kind, struct err *e);
/* The pause before the next try, or -1 where it is not worth it. Counts. */
int64_t client_get_pause_ms(struct client_get *g);
/* From its start to the last word, which may still be a bad one; with pauses and retries. */
int client_get_run(struct client_get *g, const char **kind, struct err *e);

#endif
