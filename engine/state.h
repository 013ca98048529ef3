/* state: a container's life as one table, next[state][event].
 *
 *   created --start--> running --end--> exited --start--> running ...
 *   created, exited --init--> initialized --start--> running   (or --stop--> exited)
 *   running --start failed--> created        any --remove--> removing --> gone
 *   running --pause--> paused --unpause--> running
 *   running --end, by policy--> restarting --start--> running   (or --stop--> exited)
 *
 * An initialized container has all that a running one has, but its init stands before exec
 * (engine/stand.h). Where its monitor ends it is what it was before: created, or exited where it
 * has run.
 *
 * The database keeps the state as text; a change is one transaction with the old state in its
 * WHERE, so that who asks the table with a stale state loses the race, not the container.
 */
#ifndef ENGINE_STATE_H
#define ENGINE_STATE_H

#include <stdbool.h>

enum container_state {
	STATE_CREATED,
	STATE_INITIALIZED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_RESTARTING,
	STATE_REMOVING,
	STATE_EXITED,
	STATE_DEAD,
	STATE_COUNT,
	/* results of state_next only */
	STATE_SAME, /* nothing to do: it is so already */
	STATE_REFUSED, /* not from this state */
};

enum container_event {
	EVENT_INIT, /* as start, up to exec */
	EVENT_START,
	EVENT_START_FAILED,
	EVENT_END, /* init has ended */
	EVENT_END_RESTART, /* the same, and its policy will start it again */
	EVENT_PAUSE,
	EVENT_UNPAUSE,
	EVENT_STOP,
	EVENT_KILL,
	EVENT_REMOVE,
	EVENT_REMOVE_FORCE,
	EVENT_COUNT,
};

/* Text that is no state is STATE_DEAD: such a container can only be removed. */
enum container_state state_parse(const char *text);
const char *state_text(enum container_state s);
enum container_state state_next(enum container_state s, enum container_event ev);
/* Has processes, or will have: initialized, running, paused or restarting. */
bool state_is_live(enum container_state s);
/* Live, and was started: not initialized. */
bool state_is_started(enum container_state s);

#endif
