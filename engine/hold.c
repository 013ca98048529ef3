#include "engine/hold.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/scope.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/store.h"
#include "storage/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

enum { LOOK_AGAIN_NS = 5000000 };

static int read_again(struct store *s, struct container_row *row, struct err *e)
{
	struct container_row now = {0};
	int r = container_get(s, row->id, &now, e);
	if (r < 0)
		return r;
	container_row_deinit(row);
	*row = now;
	return 0;
}

int container_hold(struct store *s, struct container_row *row, int *alive, struct err *e)
{
	return container_hold_within(s, row, -1, alive, e);
}

int container_hold_within(
	struct store *s, struct container_row *row, int wait_ms, int *alive, struct err *e)
{
	const int64_t began = clock_monotonic_ns();
	auto_free char *path = store_path(s, "containers/%s/alive", row->id);
	for (;;) {
		enum container_state state = state_parse(row->state);
		if (state == STATE_INITIALIZED || state == STATE_RUNNING || state == STATE_PAUSED)
			return 1;
		if (state == STATE_REMOVING)
			return err_set(e, ENOENT, "No such container: %s", row->name);
		if (state == STATE_RESTARTING)
			return err_set(e, EBUSY,
				"Container %s is restarting, wait until the container is running",
				row->id);
		auto_fd fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return err_sys(e, "cannot open %s", path);
		int lock = lock_take(fd, false);
		if (lock < 0)
			return err_sysn(e, -lock, "cannot lock %s", path);
		/* A start may have been made between the two. */
		int r = read_again(s, row, e);
		if (r < 0)
			return r;
		if (lock == LOCK_TAKEN && !state_is_live(state_parse(row->state))) {
			*alive = take_fd(fd);
			return upper_settle(s, row->id, e);
		}
		if (lock == LOCK_TAKEN)
			continue;
		if (wait_ms >= 0 && clock_monotonic_ns() - began > wait_ms * (NS_PER_S / 1000))
			return 1;
		(void)nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
	}
}
