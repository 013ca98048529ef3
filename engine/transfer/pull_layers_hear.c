/* What fetcher and unpackers say of the layers of a pull, and what follows from it. */
#include "engine/transfer/pull_layers_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/kept_layer.h"
#include "engine/transfer/progress.h"
#include "registry/manifest.h"
#include "storage/store.h"

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
	pull_layer_stop(l, y);
	pull_layer_drop(l, y);
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
	pull_layer_stop(l, y);
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

/* The fetcher is heard first: of two causes its is the nearer one. */
int pull_layers_hear(struct pull_layers *l, int timeout_ms, struct err *e)
{
	struct pollfd fds[PULL_LAYERS_AT_ONCE + 1];
	struct pull_layer *who[PULL_LAYERS_AT_ONCE + 1];
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
