#include "engine/state.h"
#include "base/err.h"
#include "base/scope.h"

#include <string.h>

static const char *const names[STATE_COUNT] = {
	[STATE_CREATED] = "created",
	[STATE_INITIALIZED] = "initialized",
	[STATE_RUNNING] = "running",
	[STATE_PAUSED] = "paused",
	[STATE_RESTARTING] = "restarting",
	[STATE_REMOVING] = "removing",
	[STATE_EXITED] = "exited",
	[STATE_DEAD] = "dead",
};

#define NO STATE_REFUSED
#define SAME STATE_SAME
#define INIT STATE_INITIALIZED
#define RUN STATE_RUNNING
#define NEW STATE_CREATED
#define END STATE_EXITED
#define GO STATE_REMOVING
#define AGAIN STATE_RESTARTING
#define PAUSE STATE_PAUSED
// clang-format off
static const enum container_state next[STATE_COUNT][EVENT_COUNT] = {
	/*                      init  start failed  end   again  pause  unpause  stop  kill  rm    rm -f */
	[STATE_CREATED]     = { INIT, RUN,  SAME,   SAME, SAME,  NO,    NO,      SAME, NO,   GO,   GO },
	[STATE_INITIALIZED] = { NO,   RUN,  NO,     END,  NO,    NO,    NO,      END,  NO,   GO,   GO },
	[STATE_RUNNING]     = { NO,   SAME, NEW,    END,  AGAIN, PAUSE, NO,      END,  END,  NO,   GO },
	[STATE_PAUSED]      = { NO,   NO,   NO,     END,  AGAIN, NO,    RUN,     END,  END,  NO,   GO },
	[STATE_RESTARTING]  = { NO,   SAME, END,    END,  SAME,  NO,    NO,      END,  END,  NO,   GO },
	[STATE_REMOVING]    = { NO,   NO,   SAME,   SAME, SAME,  NO,    NO,      SAME, NO,   SAME, SAME },
	[STATE_EXITED]      = { INIT, RUN,  SAME,   SAME, SAME,  NO,    NO,      SAME, NO,   GO,   GO },
	[STATE_DEAD]        = { NO,   NO,   SAME,   SAME, SAME,  NO,    NO,      SAME, NO,   GO,   GO },
};
// clang-format on

enum container_state state_parse(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_LEN(names); i++)
		if (!strcmp(text, names[i]))
			return (enum container_state)i;
	return STATE_DEAD;
}

const char *state_text(enum container_state s)
{
	if (s >= STATE_COUNT)
		BUG("no such state: %d", (int)s);
	return names[s];
}

enum container_state state_next(enum container_state s, enum container_event ev)
{
	if (s >= STATE_COUNT || ev >= EVENT_COUNT)
		BUG("no transition from %d by %d", (int)s, (int)ev);
	return next[s][ev];
}

bool state_is_live(enum container_state s)
{
	return s == STATE_INITIALIZED || state_is_started(s);
}

bool state_is_started(enum container_state s)
{
	return s == STATE_RUNNING || s == STATE_PAUSED || s == STATE_RESTARTING;
}
