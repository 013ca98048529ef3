#include "engine/wait.h"
#include "base/err.h"
#include "base/scope.h"
#include "engine/health.h"
#include "engine/state.h"
#include "storage/db/container_row.h"

#include <errno.h>
#include <string.h>

enum {
	IS_CREATED = 1,
	IS_ENDED = 2,
	IS_RUNNING = 4,
	IS_PAUSED = 8,
	IS_REMOVING = 16,
	IS_HEALTHY = 32,
	IS_UNHEALTHY = 64,
	IS_INITIALIZED = 128,
};

static const struct {
	const char *name;
	wait_set set;
} conditions[] = {
	{"configured", IS_CREATED},
	{"created", IS_CREATED},
	{"initialized", IS_INITIALIZED},
	{"exited", IS_ENDED},
	{"stopped", IS_ENDED},
	{"running", IS_RUNNING},
	{"paused", IS_PAUSED},
	{"removing", IS_REMOVING},
	{"stopping", 0},
	{"healthy", IS_HEALTHY},
	{"unhealthy", IS_UNHEALTHY},
};

int wait_set_parse(const struct strv *names, wait_set *out, struct err *e)
{
	*out = names->n ? 0 : IS_ENDED;
	for (size_t i = 0; i < names->n; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(conditions) && strcmp(conditions[k].name, names->v[i]) != 0)
			k++;
		if (k == ARRAY_LEN(conditions))
			return err_set(e, EINVAL, "unknown container state: %s", names->v[i]);
		*out |= conditions[k].set;
	}
	return 0;
}

bool wait_set_is_end(wait_set set) { return set == IS_ENDED; }

static wait_set set_of(const struct container_row *row)
{
	enum health_status health = health_status(row->health);
	wait_set set = health == HEALTH_HEALTHY     ? IS_HEALTHY
		       : health == HEALTH_UNHEALTHY ? IS_UNHEALTHY
						    : 0;
	switch (state_parse(row->state)) {
	case STATE_CREATED:
		return set | IS_CREATED;
	case STATE_INITIALIZED:
		return set | IS_INITIALIZED;
	case STATE_RUNNING:
		return set | IS_RUNNING;
	case STATE_PAUSED:
		return set | IS_PAUSED;
	case STATE_REMOVING:
		return set | IS_REMOVING;
	case STATE_EXITED:
	case STATE_DEAD:
		return set | IS_ENDED;
	default:
		return set;
	}
}

bool wait_set_holds(wait_set set, const struct container_row *row, int *code)
{
	wait_set now = row ? set_of(row) : IS_ENDED | IS_REMOVING;
	*code = row && (set & now & IS_ENDED) ? row->exit_code : -1;
	return (set & now) != 0;
}
