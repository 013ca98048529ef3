/* blob: one blob on its way from a registry to a part file and from there into a pipe.
 *
 * What arrives is appended to the part file; the pipe is fed from that file with splice, at its
 * reader's pace, so that neither waits for the other and nothing is kept in memory. A part file
 * that already has bytes is fed from its start, and only the rest is asked for (Range); where the
 * server sends all, what is there is passed over. Nothing is verified here but what lay on the disk
 * over a restart of the machine (registry/part_sums.h): the reader of the pipe hashes the whole
 * stream.
 */
#ifndef REGISTRY_BLOB_H
#define REGISTRY_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/client.h"
#include "registry/part_sums.h"

enum blob_state { BLOB_RUNNING, BLOB_PAUSED, BLOB_ARRIVED };

struct blob {
	char *digest;
	int64_t size;
	int part, pipe; /* owned; the pipe's end is made non-blocking */
	struct part_sums sums;
	int64_t have; /* bytes in the part file */
	unsigned char *held; /* what has arrived since the last step and is not in it yet */
	size_t n_held;
	int64_t fed; /* bytes in the pipe */
	enum blob_state state;
	int64_t resume_ns; /* BLOB_PAUSED: on the monotonic clock */
	bool placed; /* this try's first byte has been placed */
	int64_t pass_over; /* bytes of this try's body that are there already */
	int64_t had; /* have at the start of this try */
	struct client_get get;
};

enum blob_result { BLOB_GOING_ON = 0, BLOB_DONE = 1 };

struct blob_wanted {
	const char *digest;
	int64_t size;
	int part; /* file */
	int pipe; /* -1: only the part file is filled */
	int sums; /* file of the part's checksums; -1: none are kept */
	const char *boot; /* the machine's boot id; with sums */
	bool must_check; /* see part_sums_start */
};
/* Takes the descriptors, also on failure. */
int blob_start(struct blob *b, struct client *c, const struct blob_wanted *w, const char **kind,
	struct err *e);
void blob_deinit(struct blob *b);
/* Moves forward what can move. BLOB_DONE once all is in the pipe, which is closed then. */
int blob_step(struct blob *b, const char **kind, struct err *e);
/* The pipe has something to be fed. */
bool blob_wants_pipe(const struct blob *b);

#endif
