#include "engine/commit_pause.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/pause.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static char *file_of(const char *id) { return xasprintf("containers/%s/commit-pause", id); }

int commit_pause_begin(struct store *s, struct container_row *row, int *fd, struct err *e)
{
	auto_free char *path = file_of(row->id);
	auto_fd file = openat(s->root_fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = file < 0 ? -errno : lock_take(file, true);
	if (r < 0)
		return err_sysn(e, -r, "cannot lock %s/%s", s->root, path);
	r = container_pause(s, row, e);
	if (r < 0) {
		(void)unlinkat(s->root_fd, path, 0);
		return r;
	}
	*fd = take_fd(file);
	return 0;
}

int commit_pause_end(struct store *s, struct container_row *row, int *fd, struct err *e)
{
	auto_free char *path = file_of(row->id);
	auto_fd file = *fd;
	*fd = -1;
	int r = container_unpause(s, row, e);
	/* Somebody else let it go on, or it has ended. */
	if (r < 0 && strcmp(row->state, state_text(STATE_PAUSED)) != 0)
		r = 0;
	if (r == 0)
		(void)unlinkat(s->root_fd, path, 0);
	return r;
}

int commit_pause_reconcile(struct store *s, struct container_row *row, struct err *e)
{
	auto_free char *path = file_of(row->id);
	auto_fd file = openat(s->root_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0)
		return 0;
	int r = lock_take(file, false);
	if (r != LOCK_TAKEN)
		return r == LOCK_BUSY ? 0 : err_sysn(e, -r, "cannot lock %s/%s", s->root, path);
	return commit_pause_end(s, row, &(int){take_fd(file)}, e);
}
