/* fetch_push: the part of the fetcher that pushes: probes and uploads, many at once
 * (engine/transfer/proto.h has the requests). */
#ifndef ENGINE_TRANSFER_FETCH_PUSH_H
#define ENGINE_TRANSFER_FETCH_PUSH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct client;
struct err;
struct push_job;

struct push_jobs {
	struct push_job **v;
	size_t n;
	struct strv sessions; /* left by mounts that failed: the next uploads use them */
};
void push_jobs_deinit(struct push_jobs *jobs);

/* One request. 1 = it was one of these; 0 = not ours. The descriptors that it keeps are -1
 * afterwards. */
int push_jobs_request(struct push_jobs *jobs, struct client *c, int sock, const json_t *m, int *fds,
	size_t n_fds, const char **kind, struct err *e);
/* Moves every job forward; the answers go to sock. */
int push_jobs_step(struct push_jobs *jobs, int sock, struct err *e);
/* How long nothing needs to be done, at most `most`. */
int push_jobs_idle_ms(const struct push_jobs *jobs, int most);

#endif
