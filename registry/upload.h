/* upload: one blob on its way into a registry.
 *
 * First a probe: is it there already, or can another repository of the registry lend it
 * (POST ?mount=&from=)? Then the upload, from a file that may still grow while it is sent:
 *
 *	POST .../blobs/uploads/     a session; its address is what the last answer's Location says
 *	PATCH <session>             the bytes, in one stream
 *	PUT <session>?digest=       the end; the registry compares the digest
 *
 * After a cut the session is asked how far it came (GET, Range) and goes on from there; a session
 * that is lost begins anew. A small file that is complete goes with the PUT, and so does everything
 * where a registry refuses PATCH. Sessions may lie on another host: it learns no credentials.
 */
#ifndef REGISTRY_UPLOAD_H
#define REGISTRY_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "registry/client.h"

struct err;
struct reference;

/* ---- is it there? ---- */

enum probe_result { PROBE_GOING_ON, PROBE_EXISTS, PROBE_MOUNTED, PROBE_ABSENT };

struct probe {
	char *digest;
	struct strv from; /* repositories of this registry that may have it */
	size_t tried; /* of them */
	char *session; /* what a mount that failed left: an upload may use it; NULL */
	int64_t resume_ns; /* a pause: on the monotonic clock; 0 = none */
	struct client_get get;
};
int probe_start(struct probe *p, struct client *c, const char *digest, const struct strv *from,
	const char **kind, struct err *e);
void probe_deinit(struct probe *p);
/* After PROBE_MOUNTED p->from.v[p->tried - 1] is whose it was. */
int probe_step(struct probe *p, const char **kind, struct err *e);

/* ---- the upload ---- */

/* Where an upload goes on: a Location in the answer from `url`. Owned; NULL where it is none, or
 * one without TLS of a registry with it. */
char *upload_address(const struct client *c, const char *url, const char *location);

enum upload_state {
	UPLOAD_OPENING, /* POST */
	UPLOAD_SENDING, /* PATCH, or the PUT that brings all */
	UPLOAD_WAITING, /* for the rest of the file */
	UPLOAD_ASKING, /* GET: how far did it come? */
	UPLOAD_CLOSING, /* PUT */
	UPLOAD_CHECKING, /* HEAD: the PUT's answer was lost */
};

struct upload {
	struct client *client;
	int file; /* owned */
	int64_t size; /* -1 until it is known */
	char *digest; /* NULL until it is known */
	enum upload_state state;
	char *session; /* its address now */
	bool is_whole; /* all with the PUT */
	int64_t at; /* where the running request's body begins */
	int64_t accepted; /* the registry has these */
	int64_t resume_ns; /* a pause: on the monotonic clock; 0 = none */
	unsigned failures; /* in a row that moved nothing forward */
	struct client_get get;
};

enum upload_result { UPLOAD_GOING_ON = 0, UPLOAD_DONE = 1 };

/* Takes the file, also on failure; session (owned by the upload afterwards) may be NULL. size -1
 * and digest NULL: the file grows, upload_complete tells its end. With a size the file may also
 * still grow up to it. */
int upload_start(struct upload *u, struct client *c, int file, int64_t size, const char *digest,
	char *session, const char **kind, struct err *e);
void upload_complete(struct upload *u, int64_t size, const char *digest);
void upload_deinit(struct upload *u);
/* Moves forward what can move. *kind is "corrupt" where the registry found another digest. */
int upload_step(struct upload *u, const char **kind, struct err *e);
/* The file has to grow before anything goes on. */
bool upload_is_hungry(const struct upload *u);
int64_t upload_sent(const struct upload *u);

/* ---- the manifest ---- */

/* At ref's digest, else its tag. Waits. */
int upload_manifest(struct client *c, const struct reference *ref, const char *media_type,
	const void *bytes, size_t n, const char **kind, struct err *e);

#endif
