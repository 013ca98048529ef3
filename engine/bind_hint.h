/* bind_hint: why a program gets "Permission denied" on a bind mount, said before anybody has to ask.
 *
 * Only what is sure is said, once the program runs and its ids are known (from /proc, as the host
 * sees them): a source that its user can neither search nor read is a warning at the start. One that
 * is mounted writable and that its user cannot write may be meant to be read only; it is told of
 * where a foreground run fails soon. Files with access lists are left out: their mode says little.
 */
#ifndef ENGINE_BIND_HINT_H
#define ENGINE_BIND_HINT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct bind_hint {
	int64_t started_ns;
	struct strv unwritable; /* whole sentences */
};

/* config: the row's. Prints warnings for what cannot be read, keeps what cannot be written. Of an init
 * that has ended already the ids are taken from Config.User, where that has numbers, and the maps
 * from the monitor. */
void bind_hint_started(struct bind_hint *h, const char *config, pid_t init, pid_t monitor);
/* status: the container's exit status. */
void bind_hint_ended(struct bind_hint *h, int status);
void bind_hint_deinit(struct bind_hint *h);

#endif
