/* unpacker: moss's side of one moss-unpack process: one process, one job.
 *
 *	struct unpacker u;
 *	unpacker_start(s, &u, e);                     a process inside the user namespace
 *	unpacker_send(&u, job, fds, n, e);            the request of engine/transfer/proto.h
 *	json_t *reply = unpacker_result(&u, ...);     waits; progress goes to a callback
 *	unpacker_stop(&u);                            ends and reaps it; always
 *
 * To serve several at once, poll u.sock for POLLIN and call unpacker_result when it is readable:
 * it blocks only for what is not yet there.
 *
 * The process is not trusted: what it says is checked for form here, and what it has staged is
 * only used after it is gone and staged_layer_check has looked at it.
 */
#ifndef ENGINE_TRANSFER_UNPACKER_H
#define ENGINE_TRANSFER_UNPACKER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct store;

struct unpacker {
	pid_t pid;
	int pidfd;
	int sock; /* close-on-exec */
};
#define UNPACKER_INIT ((struct unpacker){.pid = -1, .pidfd = -1, .sock = -1})

int unpacker_start(struct store *s, struct unpacker *u, struct err *e);
/* In the user namespace of another process of this command, where it still lives
 * (enter_spawn_beside). */
struct proc_id;
int unpacker_start_beside(
	struct store *s, const struct proc_id *peer, struct unpacker *u, struct err *e);
/* The descriptors stay the caller's: close them after this (a pipe's reading end above all, so
 * that its writer learns when the unpacker dies). */
int unpacker_send(
	struct unpacker *u, const json_t *job, const int *fds, size_t n_fds, struct err *e);
/* One message: {"ok": true, ...} or {"progress"|"ask": ...}. New reference. NULL with e set where
 * it is {"error": ...} (*kind as proto_error, may be NULL) or the process died. */
json_t *unpacker_next(struct unpacker *u, const char **kind, struct err *e);
/* As unpacker_next, but progress goes to the callback (may be NULL) until there is a result. */
typedef void (*unpacker_progress)(void *arg, int64_t bytes);
json_t *unpacker_result(
	struct unpacker *u, unpacker_progress fn, void *arg, const char **kind, struct err *e);
/* Kills what still runs and reaps it. */
void unpacker_stop(struct unpacker *u);

/* The jobs as messages (new references), and their answers checked for form. Any NULL string is
 * left out. */
json_t *unpack_job_manifest(const char *media_type, const char *digest, int64_t size,
	const char *os, const char *architecture, const char *variant);
json_t *unpack_job_config(const char *digest, int64_t size, size_t n_layers);
json_t *unpack_job_layer(
	const char *digest, int64_t size, const char *media_type, const char *diff_id);

/* After unpacker_stop: the staging folder holds a real folder diff (no link) and a regular file
 * tar-split (and perhaps what storage/tarsplit.h and share.h say), and nothing else but our own
 * lock; all of it may then be renamed into the store. */
int staged_layer_check(int staging_fd, struct err *e);

#endif
