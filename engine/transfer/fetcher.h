/* fetcher: moss's side of one `moss-transfer fetch` process: the network part of one pull.
 *
 * The process gets its credentials over the control socket; they are in nobody's argv or
 * environment. Of the user's environment it gets what names proxies and certificates.
 */
#ifndef ENGINE_TRANSFER_FETCHER_H
#define ENGINE_TRANSFER_FETCHER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/proc.h"

struct credentials;
struct err;
struct pull_options;
struct reference;
struct store;
struct strv;

struct fetcher {
	pid_t pid;
	int pidfd;
	int sock;
	struct proc_id id; /* for enter_spawn_beside */
};
#define FETCHER_INIT ((struct fetcher){.pid = -1, .pidfd = -1, .sock = -1})

/* For the repository of ref. Looks the credentials up. Does not wait until the process is ready:
 * fetcher_ready does, before the first request. */
int fetcher_start(struct store *s, const struct reference *ref, const struct pull_options *o,
	struct fetcher *f, struct err *e);
/* As fetcher_start, with these credentials and no others (borrowed). */
int fetcher_start_as(struct store *s, const struct reference *ref, const struct pull_options *o,
	const struct credentials *c, struct fetcher *f, struct err *e);
/* To push to the repository of ref: its token is also for pushing, and for reading `from` (paths of
 * repositories of the same registry), from which blobs may be mounted. */
int fetcher_start_push(struct store *s, const struct reference *ref, const struct pull_options *o,
	const struct strv *from, struct fetcher *f, struct err *e);
/* For one file instead: asks at once for what is at the URL, into `out` (the caller's). fetcher_ready
 * tells when it is whole. */
int fetcher_start_url(
	struct store *s, const char *url, int out, struct fetcher *f, struct err *e);
int fetcher_ready(struct fetcher *f, struct err *e);
/* An empty memory file, for a config. */
int fetcher_memory_file(struct err *e);
/* Makes what was fetched into one unchangeable, and goes to its start: the fetcher still holds a
 * descriptor. */
int fetcher_seal(int fd, struct err *e);
/* Kills what still runs and reaps it. */
void fetcher_stop(struct fetcher *f);

struct fetched_manifest {
	int fd; /* memfd: the exact bytes; at its start */
	char *media_type, *digest;
	int64_t size;
};
void fetched_manifest_deinit(struct fetched_manifest *m);
/* Waits. ref: a full name with tag or digest; where it has a digest, the result has the same. The
 * bytes cannot change any more; whether they have the digest is for an unpacker to say. */
int fetcher_manifest(struct fetcher *f, const char *ref, struct fetched_manifest *out,
	const char **kind, struct err *e);
/* The tags of the repository, a line each, in a memfd (the result), at its start. */
int fetcher_tags(struct fetcher *f, const char *ref, struct err *e);

/* Sends a request of engine/transfer/proto.h; the answer comes with fetcher_message. */
int fetcher_send(struct fetcher *f, const json_t *m, const int *fds, size_t n, struct err *e);
/* Sends a request that stands alone and waits for its answer. New reference; NULL with e set. */
json_t *fetcher_ask(struct fetcher *f, const json_t *m, const int *fds, size_t n, const char **kind,
	struct err *e);
/* The next message as it is (blocks), also {"error"}. New reference; NULL where the process died. */
json_t *fetcher_message(struct fetcher *f, struct err *e);

/* The descriptors stay the caller's. */
struct fetch_blob {
	int64_t id; /* in the events */
	const char *digest;
	int64_t size;
	int part; /* where it goes; what is there already is not asked for */
	int pipe; /* it goes there, too; -1 = not */
	int sums; /* checksums of the part file (registry/part_sums.h); -1 = none, as without pipe */
	bool must_check; /* the part file was found to be bad */
};
/* Asks for a blob. */
int fetcher_blob(struct fetcher *f, const struct fetch_blob *b, struct err *e);
/* What registry/search.h finds, in a memfd (the result), at its start. */
int fetcher_search(
	struct fetcher *f, const char *query, int64_t limit, bool *from_catalog, struct err *e);


struct fetcher_event {
	int64_t id;
	int64_t bytes; /* progress: what has arrived; -1 = the blob is done */
};
/* The next message about a blob (blocks). A negative errno where the blob failed (ev->id >= 0)
 * or the process (ev->id = -1). */
int fetcher_next(struct fetcher *f, struct fetcher_event *ev, const char **kind, struct err *e);
/* Waits for the one blob that was asked for. */
int fetcher_wait(struct fetcher *f, const char **kind, struct err *e);

#endif
