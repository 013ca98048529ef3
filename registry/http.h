/* http: requests over shared connections (libcurl's multi interface), many at once.
 *
 * Only a confined process uses this (moss-transfer, role fetch). One request is one struct
 * http_exchange: fill the upper half, http_start, then pump until `done`. Redirects are not
 * followed here: who may be told what is the caller's business (registry/client.h).
 */
#ifndef REGISTRY_HTTP_H
#define REGISTRY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "registry/challenge.h"

struct err;
struct http;

/* A transfer has no limit of its own, but one that moves nothing for a minute ($MOSS_STALL_SECONDS)
 * ends with CURLE_OPERATION_TIMEDOUT. */

/* What is trusted and shown in TLS; PEM text, borrowed; NULL = none, or the system's. */
struct http_tls {
	bool verify;
	const struct buf *ca; /* replaces the system's bundle */
	const struct buf *cert, *key;
};

struct http *http_new(void);
void http_free(struct http *h);

struct http_reply {
	long status;
	char *content_type; /* without parameters, lower case; NULL */
	char *location;
	char *link; /* "Link": the next page of a list */
	int64_t retry_after_s; /* -1 = not told; a date is made a difference */
	int64_t length; /* Content-Length, -1 */
	int64_t range_start; /* Content-Range, -1 */
	int64_t upload_end; /* of "Range: 0-<end>" in an answer about an upload: bytes there, -1 */
	char *digest; /* Docker-Content-Digest; NULL */
	/* How often may be asked: RateLimit-Limit and its like, -1 = not told */
	int64_t limit, limit_left, limit_window_s, limit_reset_s;
	struct challenge challenge;
};

void http_reply_reset(struct http_reply *r);
/* Takes one header line, "Name: value", with or without its line end. */
void http_reply_line(struct http_reply *r, const char *line);
/* The address in `Link: <address>; rel="next"`, resolved against the URL it came from. Owned; NULL
 * where there is none, or it is of another origin. */
char *http_next_page(const char *url, const char *link);

/* Takes n bytes of a 200 or 206 body; a negative result ends the transfer. */
typedef int (*http_sink)(void *arg, const void *p, size_t n);
/* Gives up to n bytes of the request's body, from `at` on: the count, 0 at its end, a negative
 * errno; HTTP_LATER where there is nothing for now: http_resume goes on. It is asked from 0 on
 * again where the body has to be sent again. */
typedef long (*http_source)(void *arg, int64_t at, void *p, size_t n);
enum { HTTP_LATER = -1000000 };

struct http_exchange {
	/* the request */
	const char *url;
	struct strv headers; /* "Name: value"; owned */
	const char *form; /* POST of a form; NULL = GET */
	const char *method; /* "HEAD", "POST", "PUT", "PATCH"; NULL = GET */
	http_source source; /* the body; NULL = none */
	void *source_arg;
	int64_t source_size; /* -1 = not known: it ends where the source says so */
	int64_t from; /* > 0: "Range: bytes=<from>-" */
	struct http_tls tls;
	http_sink sink; /* NULL: the body is kept, up to body_max */
	void *sink_arg;
	size_t body_max;

	/* the result; of use once done */
	bool done;
	bool connected; /* an answer began to arrive */
	bool greeted; /* our side of a TLS handshake was done */
	int curl_code; /* CURLcode: 0 = an HTTP answer, whole */
	int os_errno; /* of the failed connection, 0 = unknown */
	long proxy_status; /* what a proxy answered to CONNECT, 0 = nothing */
	int sink_result; /* what the sink (or source) refused with */
	bool too_large; /* the body did not fit in body_max */
	char why[320]; /* libcurl's words */
	struct http_reply reply;
	struct buf body;

	char shown[512]; /* the URL for messages (base/shown.h) */
	struct http_handle *handle; /* while it runs */
	int64_t sent; /* of the body, in this try */
	bool is_waiting; /* the source said HTTP_LATER */
};
void http_exchange_init(struct http_exchange *x);
/* Cancels what runs; frees all. */
void http_exchange_deinit(struct http *h, struct http_exchange *x);

int http_start(struct http *h, struct http_exchange *x, struct err *e);
/* The source has something again. */
void http_resume(struct http_exchange *x);

/* A descriptor that wakes http_pump too. */
struct http_wake {
	int fd;
	bool writable; /* else readable */
	bool ready;
};
/* Moves everything forward, waiting at most timeout_ms for something to happen. */
int http_pump(struct http *h, struct http_wake *wakes, size_t n, int timeout_ms, struct err *e);
/* Starts and pumps until this one is done (the others move too). */
int http_run(struct http *h, struct http_exchange *x, struct err *e);

/* "0-41" or "bytes=0-41" as the header "Range" of an upload's answer: 42, the bytes that are there;
 * -1 where it is malformed or does not begin at 0. An upload that has none is told as "0-0". */
int64_t http_parse_upload_range(const char *value);

/* scheme, host and port are equal; ports are made explicit. */
bool http_same_origin(const char *a, const char *b);
/* Resolves a Location against the URL it came from; NULL where it is malformed or not HTTP. */
char *http_resolve(const char *base, const char *location);
bool http_is_tls(const char *url);
/* 127.0.0.0/8, ::1 and localhost, as in a reference's domain or a URL's host ("[::1]:5000"). */
bool http_is_loopback(const char *host);

#endif
