/* relay: one end of an attach stream (engine/monitor.h): frames in, frames out.
 *
 * Sending never blocks and never loses: what the socket does not take is queued, and the caller
 * stops reading its source while relay_is_behind. Receiving hands out the payload of the three
 * byte streams in pieces as it arrives, and other frames whole.
 */
#ifndef ENGINE_RELAY_H
#define ENGINE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { RELAY_HEADER = 8, RELAY_SMALL = 64 };

struct relay {
	int fd;
	struct buf out; /* not yet sent, from out_at on */
	size_t out_at;
	uint8_t head[RELAY_HEADER], small[RELAY_SMALL];
	size_t have; /* of the header, then of the payload */
	size_t payload;
	bool in_payload;
};

void relay_init(struct relay *r, int fd);
/* Closes fd too. */
void relay_deinit(struct relay *r);
/* 0, or -errno where the peer is gone (EPIPE, ECONNRESET). */
int relay_send(struct relay *r, uint8_t type, const void *p, size_t n);
/* Sends from the queue; 0 (look at relay_is_behind) or -errno. */
int relay_flush(struct relay *r);
static inline bool relay_is_behind(const struct relay *r) { return r->out.len > r->out_at; }

/* type, bytes; stream types (and ATTACH_FAILED) come in pieces. Non-zero stops and is returned. */
typedef int relay_fn(void *arg, uint8_t type, const uint8_t *p, size_t n);
/* One read into buf (the caller's scratch), then fn for what is complete. 1 where something was
 * read, 0 where nothing was there, -EPIPE at the end of the stream, -errno, -EPROTO on nonsense. */
int relay_receive(struct relay *r, void *buf, size_t size, relay_fn *fn, void *arg);

#endif
