#include "engine/transfer/pull_layers_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/share.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/kept_layer.h"
#include "engine/transfer/progress.h"
#include "registry/parts.h"
#include "storage/store.h"

enum {
	PIPE_SIZE = 1024 * 1024,
	LOCK_POLL_MS = 50,
};

void pull_layers_add(struct pull_layers *l, const char *digest, int64_t size,
	const char *media_type, const char *diff_id)
{
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	struct pull_layer *y = &l->v[l->n++];
	*y = (struct pull_layer){
		.digest = xstrdup(digest),
		.media_type = xstrdup(media_type),
		.diff_id = xstrdup(diff_id),
		.size = size,
		.part_fd = -1,
		.stage_lock = -1,
		.request = -1,
		.unpacker = UNPACKER_INIT,
		.state = LAYER_LOCKING,
	};
	snprintf(y->short_id, sizeof(y->short_id), "%.12s", digest + strlen("sha256:"));
}

void pull_layer_drop(struct pull_layers *l, struct pull_layer *y)
{
	if (y->staged && !y->is_kept)
		store_unstage(l->store, y->staged, &y->stage_lock);
	free(take_ptr(y->staged));
}

void pull_layer_stop(struct pull_layers *l, struct pull_layer *y)
{
	if (y->unpacker.pid <= 0)
		return;
	unpacker_stop(&y->unpacker);
	l->running--;
}

void pull_layers_stop(struct pull_layers *l)
{
	for (size_t i = 0; i < l->n; i++) {
		pull_layer_stop(l, &l->v[i]);
		pull_layer_drop(l, &l->v[i]);
	}
}

void pull_layers_deinit(struct pull_layers *l)
{
	pull_layers_stop(l);
	for (size_t i = 0; i < l->n; i++) {
		struct pull_layer *y = &l->v[i];
		if (y->part_fd >= 0)
			close(y->part_fd);
		free(y->digest);
		free(y->media_type);
		free(y->diff_id);
	}
	free(l->v);
	strv_free(&l->warnings);
	l->v = NULL;
	l->n = 0;
}

void pull_layers_empty_parts(struct pull_layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].state == LAYER_STAGED)
			(void)!ftruncate(l->v[i].part_fd, 0);
}

void pull_layers_drop_parts(struct pull_layers *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].state != LAYER_STAGED)
			continue;
		/* Another command may have made the same layer meanwhile: then ours came back. */
		kept_layer_drop(l->store, l->v[i].digest);
		parts_drop(l->parts_fd, l->v[i].digest);
	}
}

void pull_layers_drop_incomplete(struct pull_layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].state == LAYER_STAGED)
			kept_layer_drop_incomplete(l->store, l->v[i].digest);
}

static int send_job(struct pull_layers *l, struct pull_layer *y, int pipe_read, struct err *e)
{
	auto_fd staging = open(y->staged, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (staging < 0)
		return err_sys(e, "cannot open the staging folder %s", y->staged);
	y->unpacker = *l->spare;
	*l->spare = UNPACKER_INIT;
	if (y->unpacker.pid <= 0) {
		int r = unpacker_start_beside(l->store, &l->fetcher->id, &y->unpacker, e);
		if (r < 0)
			return r;
	}
	l->running++;
	auto_json job = unpack_job_layer(y->digest, y->size, y->media_type, y->diff_id);
	auto_fd layers = -1;
	if (!l->is_alone && share_offer(l->store, job, &layers, e) < 0)
		return -e->code;
	int fds[3] = {pipe_read, staging, layers};
	return unpacker_send(&y->unpacker, job, fds, layers < 0 ? 2 : 3, e);
}

static int start_layer(struct pull_layers *l, struct pull_layer *y, struct err *e)
{
	int ends[2];
	int r = store_stage(l->store, &y->staged, &y->stage_lock, e);
	if (r < 0)
		return r;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd pipe_read = ends[0], pipe_write = ends[1];
	/* A help only: the limit of an ordinary user may be smaller. */
	(void)fcntl(pipe_write, F_SETPIPE_SZ, PIPE_SIZE);
	auto_fd sums = parts_sums(l->parts_fd, y->digest);
	y->request = l->next_request++;
	const struct fetch_blob wanted = {
		.id = y->request,
		.digest = y->digest,
		.size = y->size,
		.part = y->part_fd,
		.pipe = pipe_write,
		.sums = sums,
		.must_check = y->is_again,
	};
	r = fetcher_blob(l->fetcher, &wanted, e);
	if (r == 0)
		r = send_job(l, y, pipe_read, e);
	y->state = LAYER_RUNNING;
	return r;
}

static int start_ready(struct pull_layers *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].state != LAYER_READY)
			continue;
		if (l->running >= PULL_LAYERS_AT_ONCE) {
			progress_status(l->progress, l->v[i].short_id, "Waiting");
			continue;
		}
		int r = start_layer(l, &l->v[i], e);
		if (r < 0)
			return err_ctx(e, "layer %s", l->v[i].short_id);
	}
	return 0;
}

static bool is_finished(const struct pull_layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].state != LAYER_PRESENT && l->v[i].state != LAYER_STAGED)
			return false;
	return true;
}

int pull_layers_run(struct pull_layers *l, struct err *e)
{
	bool has_room = false;
	int r = pull_layers_look(l, e);
	while (r >= 0 && !is_finished(l)) {
		int busy = r = pull_layers_lock(l, e);
		/* With all locks: what is ours is not given back. */
		if (r == 0 && !has_room)
			pull_layers_ensure_room(l);
		has_room = has_room || r == 0;
		if (r >= 0)
			r = start_ready(l, e);
		if (r >= 0 && !is_finished(l))
			r = pull_layers_hear(l, busy > 0 ? LOCK_POLL_MS : -1, e);
	}
	return r < 0 ? r : 0;
}
