#include "engine/transfer/pull_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/share.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/kept_layer.h"
#include "engine/transfer/progress.h"
#include "registry/manifest.h"
#include "registry/parts.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/store.h"

enum {
	PARALLEL_MAX = 4,
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

/* A kept one stays for the next pull. */
static void drop_staged(struct pull_layers *l, struct pull_layer *y)
{
	if (y->staged && !y->is_kept)
		store_unstage(l->store, y->staged, &y->stage_lock);
	free(take_ptr(y->staged));
}

static void stop_unpacker(struct pull_layers *l, struct pull_layer *y)
{
	if (y->unpacker.pid <= 0)
		return;
	unpacker_stop(&y->unpacker);
	l->running--;
}

void pull_layers_stop(struct pull_layers *l)
{
	for (size_t i = 0; i < l->n; i++) {
		stop_unpacker(l, &l->v[i]);
		drop_staged(l, &l->v[i]);
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

/* 1 where the store has it. */
static int in_store(struct pull_layers *l, const struct pull_layer *y, struct err *e)
{
	auto_free char *id = NULL;
	int r = layer_find(l->store, y->diff_id, &id, e);
	return r < 0 ? r : r == ROW_OK;
}

static bool is_repeated(const struct pull_layers *l, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(l->v[k].diff_id, l->v[i].diff_id))
			return true;
	return false;
}

/* What is there already is told first, as Docker does. */
static int look_into_store(struct pull_layers *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		struct pull_layer *y = &l->v[i];
		if (is_repeated(l, i)) {
			y->state = LAYER_PRESENT;
			continue;
		}
		int there = in_store(l, y, e);
		if (there < 0)
			return there;
		if (there)
			y->state = LAYER_PRESENT;
		if (!there || !l->is_known)
			progress_status(l->progress, y->short_id,
				there ? "Already exists" : "Pulling fs layer");
	}
	return 0;
}

/* The next lock in the order of the digests; NULL where all are held. */
static struct pull_layer *next_to_lock(struct pull_layers *l)
{
	struct pull_layer *first = NULL;
	for (size_t i = 0; i < l->n; i++) {
		struct pull_layer *y = &l->v[i];
		if (y->state == LAYER_LOCKING && (!first || strcmp(y->digest, first->digest) < 0))
			first = y;
	}
	return first;
}

/* A pull that was killed may have got that far. */
static bool find_kept(struct pull_layers *l, struct pull_layer *y)
{
	struct kept_layer k = {.digest = y->digest, .diff_id = y->diff_id};
	if (kept_layer_find(l->store, &k, &l->warnings, &y->staged) != ROW_OK)
		return false;
	y->unpacked_size = k.size;
	y->is_kept = true;
	return true;
}

/* The lock of its part file is ours: what is there of it? */
static int look_at_part(struct pull_layers *l, struct pull_layer *y, struct err *e)
{
	struct stat st;
	y->had = fstat(y->part_fd, &st) == 0 ? st.st_size : 0;
	int there = in_store(l, y, e);
	if (there < 0)
		return there;
	if (there) {
		y->state = LAYER_PRESENT;
		progress_status(l->progress, y->short_id, "Already exists");
		kept_layer_drop(l->store, y->digest);
		parts_drop(l->parts_fd, y->digest);
	} else if (find_kept(l, y)) {
		y->state = LAYER_STAGED;
		progress_status(l->progress, y->short_id, "Pull complete");
	} else {
		y->state = LAYER_READY;
		progress_expect(l->progress, y->short_id, y->had, y->size);
	}
	return 0;
}

/* Takes what locks can be had. 1 where one is still another pull's. */
static int take_locks(struct pull_layers *l, struct err *e)
{
	struct pull_layer *y;
	while ((y = next_to_lock(l))) {
		int fd = parts_take(l->parts_fd, y->digest, e);
		if (fd == PARTS_BUSY) {
			progress_status(l->progress, y->short_id, "Waiting");
			return 1;
		}
		if (fd < 0)
			return fd;
		y->part_fd = fd;
		int r = look_at_part(l, y, e);
		if (r < 0)
			return r;
	}
	return 0;
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
		if (l->running >= PARALLEL_MAX) {
			progress_status(l->progress, l->v[i].short_id, "Waiting");
			continue;
		}
		int r = start_layer(l, &l->v[i], e);
		if (r < 0)
			return err_ctx(e, "layer %s", l->v[i].short_id);
	}
	return 0;
}

static struct pull_layer *by_request(struct pull_layers *l, int64_t request)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].state == LAYER_RUNNING && l->v[i].request == request)
			return &l->v[i];
	return NULL;
}

static void tell_arrived(struct pull_layers *l, struct pull_layer *y)
{
	if (y->is_arrived)
		return;
	y->is_arrived = true;
	progress_status(l->progress, y->short_id, "Verifying Checksum");
	progress_status(l->progress, y->short_id, "Download complete");
}

/* Its addresses are the manifest's words: whoever wrote it would choose where we go. */
static int kept_elsewhere(const struct pull_layer *y, struct err *e)
{
	if (e->code == ENOENT)
		(void)err_hint(e,
			"layer %s is of a kind that may be kept outside of registries (\"urls\" in "
			"the manifest), where moss does not go",
			y->short_id);
	return -e->code;
}

static int hear_fetcher(struct pull_layers *l, struct err *e)
{
	struct fetcher_event ev;
	const char *kind;
	struct err cause = {0};
	int r = fetcher_next(l->fetcher, &ev, &kind, &cause);
	struct pull_layer *y = ev.id < 0 ? NULL : by_request(l, ev.id);
	/* "stale": its reader is gone; the unpacker says why. */
	if (r < 0 && (ev.id < 0 || (y && strcmp(kind, "stale")))) {
		*e = cause;
		return y && layer_type_is_foreign(y->media_type) ? kept_elsewhere(y, e) : r;
	}
	if (r < 0 || !y || ev.bytes < 0)
		return 0;
	progress_moved(l->progress, y->short_id, ev.bytes);
	if (ev.bytes < y->size) {
		progress_bar(l->progress, y->short_id, "Downloading", ev.bytes, y->size);
	} else {
		tell_arrived(l, y);
	}
	return 0;
}

/* What was kept from an earlier pull may be bad: once, what is wrong of it is fetched anew. */
static bool may_try_again(struct pull_layers *l, struct pull_layer *y)
{
	if (y->is_again || y->had == 0)
		return false;
	stop_unpacker(l, y);
	drop_staged(l, y);
	progress_expect(l->progress, y->short_id, 0, y->size);
	y->is_again = true;
	y->is_arrived = false;
	y->state = LAYER_READY;
	return true;
}

static int layer_failed(
	struct pull_layers *l, struct pull_layer *y, const char *kind, struct err *e)
{
	if (!strcmp(kind, "corrupt")) {
		if (may_try_again(l, y))
			return 0;
		/* What is known to be bad is no use to the next pull. */
		(void)!ftruncate(y->part_fd, 0);
		return err_ctx(e, "filesystem layer verification failed for digest %s", y->digest);
	}
	return err_ctx(e, "failed to register layer %s", y->short_id);
}

/* Layers of one image tend to say the same. */
static void keep_warnings(struct pull_layers *l, const json_t *reply)
{
	size_t i;
	json_t *warning;
	json_array_foreach (json_at(reply, "warnings"), i, warning) {
		const char *text = json_string_value(warning);
		if (text && !strv_has(&l->warnings, text))
			strv_add(&l->warnings, text);
	}
}

static int keep_layer(
	struct pull_layers *l, struct pull_layer *y, const json_t *reply, struct err *e)
{
	auto_strv warnings = STRV_INIT;
	const struct kept_layer k = {
		.digest = y->digest, .diff_id = y->diff_id, .size = y->unpacked_size};
	json_to_strv(json_at(reply, "warnings"), &warnings);
	int r = kept_layer_put(l->store, &k, &warnings, &y->staged, &y->stage_lock, e);
	y->is_kept = r == 0;
	return r;
}

static int layer_done(
	struct pull_layers *l, struct pull_layer *y, const json_t *reply, struct err *e)
{
	const char *diff_id = json_str(reply, "diff_id");
	y->unpacked_size = json_int_or(reply, "size", -1);
	if (!diff_id || strcmp(diff_id, y->diff_id) || y->unpacked_size < 0)
		return err_set(
			e, EBADMSG, "layer %s: the unpacker gave no valid answer", y->short_id);
	keep_warnings(l, reply);
	stop_unpacker(l, y);
	auto_fd staging = open(y->staged, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (staging < 0)
		return err_sys(e, "cannot open the staging folder %s", y->staged);
	int r = staged_layer_check(staging, e);
	if (r == 0)
		r = keep_layer(l, y, reply, e);
	if (r < 0)
		return err_ctx(e, "layer %s", y->short_id);
	y->state = LAYER_STAGED;
	tell_arrived(l, y);
	progress_status(l->progress, y->short_id, "Pull complete");
	return 0;
}

static int hear_unpacker(struct pull_layers *l, struct pull_layer *y, struct err *e)
{
	const char *kind;
	struct err cause = {0};
	auto_json reply = unpacker_next(&y->unpacker, &kind, &cause);
	if (!reply) {
		*e = cause;
		return layer_failed(l, y, kind, e);
	}
	const json_t *progress = json_at(reply, "progress");
	/* It unpacks while it downloads; two bars on one line would be none. */
	if (progress && !y->is_arrived)
		return 0;
	if (progress) {
		progress_bar(l->progress, y->short_id, "Extracting",
			json_int_or(progress, "bytes", 0), y->size);
		return 0;
	}
	return json_bool_or(reply, "ok", false)
		       ? layer_done(l, y, reply, e)
		       : err_set(e, EBADMSG, "layer %s: the unpacker gave no valid answer",
				 y->short_id);
}

/* All that it has said: when an unpacker fails because its stream was cut off, the fetcher has told
 * why before. */
static int hear_all_of_fetcher(struct pull_layers *l, struct err *e)
{
	struct pollfd fd = {.fd = l->fetcher->sock, .events = POLLIN};
	int r = 0;
	while (r >= 0 && poll(&fd, 1, 0) > 0)
		r = hear_fetcher(l, e);
	return r;
}

/* Waits for the helpers; the fetcher is heard first: of two causes its is the nearer one. */
static int wait_and_hear(struct pull_layers *l, int timeout_ms, struct err *e)
{
	struct pollfd fds[PARALLEL_MAX + 1];
	struct pull_layer *who[PARALLEL_MAX + 1];
	size_t n = 0;
	fds[n] = (struct pollfd){.fd = l->fetcher->sock, .events = POLLIN};
	who[n++] = NULL;
	for (size_t i = 0; i < l->n && n < ARRAY_LEN(fds); i++) {
		if (l->v[i].state != LAYER_RUNNING)
			continue;
		fds[n] = (struct pollfd){.fd = l->v[i].unpacker.sock, .events = POLLIN};
		who[n++] = &l->v[i];
	}
	int frame_ms = progress_timeout_ms(l->progress);
	if (frame_ms >= 0 && (timeout_ms < 0 || frame_ms < timeout_ms))
		timeout_ms = frame_ms;
	int ready = poll(fds, n, timeout_ms);
	if (ready < 0)
		return errno == EINTR ? 0 : err_sys(e, "cannot wait for the helpers");
	progress_tick(l->progress);
	int r = hear_all_of_fetcher(l, e);
	for (size_t i = 1; i < n && r >= 0; i++)
		if (fds[i].revents)
			r = hear_unpacker(l, who[i], e);
	return r < 0 ? r : 0;
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
	int r = look_into_store(l, e);
	while (r >= 0 && !is_finished(l)) {
		int busy = r = take_locks(l, e);
		/* With all locks: what is ours is not given back. */
		if (r == 0 && !has_room)
			pull_layers_ensure_room(l);
		has_room = has_room || r == 0;
		if (r >= 0)
			r = start_ready(l, e);
		if (r >= 0 && !is_finished(l))
			r = wait_and_hear(l, busy > 0 ? LOCK_POLL_MS : -1, e);
	}
	return r < 0 ? r : 0;
}
