/* restart: what a restart policy says, at a container's end and after the machine's.
 *
 * The row keeps the policy as text ("always", "unless-stopped", "on-failure:3"; NULL = none) and
 * whether the user has stopped the container (is_stopped). Whoever records an end asks
 * restart_wanted_at_end in the same transaction: so an `update --restart` holds from the next end
 * on, and nobody has to be told. The monitor then waits restart_delay_ms and starts the container
 * again itself; between the attempts the row says `restarting` and the monitor keeps the alive
 * lock. Docker's rules, its daemon's start being the boot of the machine.
 */
#ifndef ENGINE_RESTART_H
#define ENGINE_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/parse_limit.h"

struct container_row;
struct err;
struct store;

/* The column's text: owned, NULL for "no". */
char *restart_policy_text(const struct restart_policy *p);

/* row: as it is in the transaction. Not one that removes itself, or that the user has stopped;
 * on-failure while the count allows it. */
bool restart_wanted_at_end(const struct container_row *row, int exit_code);
/* After a boot: one that was ever started and does not run. `always` whoever stopped it,
 * unless-stopped as its name says, on-failure by its last exit code and count. */
bool restart_wanted_at_boot(const struct container_row *row);

enum { RESTART_DELAY_MIN_MS = 100, RESTART_DELAY_MAX_MS = 60000, RESTART_RESET_S = 10 };
/* The pause before the next attempt: doubled from the last one's (0 = none yet), from the start
 * where the container was up for more than 10 s. */
int restart_delay_ms(int previous_ms, int64_t uptime_ns);

/* update --restart: checks the text as run does and records it, in the column and in
 * HostConfig.RestartPolicy. A running container's next end is judged by it. */
int container_set_restart_policy(
	struct store *s, struct container_row *row, const char *policy, struct err *e);

/* Called for each container that was tried; failure NULL: it runs. */
typedef void (*restart_fn)(void *arg, const struct container_row *row, const struct err *failure);
/* Starts what asks for it after a boot, oldest first; one that fails does not keep the others. The
 * number of failures, or -errno. */
int restart_after_boot(struct store *s, restart_fn told, void *arg, struct err *e);
/* Before the machine (or the user's session) ends: every container gets its stop signal and its
 * time, all side by side, and none is taken for stopped by the user. As restart_after_boot. */
int restart_before_shutdown(struct store *s, restart_fn told, void *arg, struct err *e);

/* ---- engine/restart_hint.c ---- */

/* How to have containers started after a boot, for the first one that asks for it: owned; NULL
 * where that is set up, or was said before in this store. */
char *restart_hint(struct store *s);

#endif
