/* wait: until containers are in a state that somebody waits for: Podman's `wait --condition`. The
 * plain wait for an end is container_wait (engine/start.h), which asks nothing again and again. */
#ifndef ENGINE_WAIT_H
#define ENGINE_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct container_row;
struct err;

/* A set of conditions. */
typedef unsigned wait_set;

/* configured created initialized exited stopped running paused removing stopping healthy unhealthy
 * (stopping never holds for longer than a look). "unknown container state: X". */
int wait_set_parse(const struct strv *names, wait_set *out, struct err *e);
/* Nothing but an end is waited for. */
bool wait_set_is_end(wait_set set);
/* Whether the container is in one of them; *code: its exit code where that is an end, else -1.
 * row NULL: it is gone, which is an end and a removal. */
bool wait_set_holds(wait_set set, const struct container_row *row, int *code);

#endif
