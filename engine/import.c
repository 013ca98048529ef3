#include "engine/import.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "engine/commit_change.h"
#include "engine/commit_image.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "engine/inspect_object.h"
#include "engine/share.h"
#include "engine/transfer/admit.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/unpacker.h"
#include "registry/reference.h"
#include "storage/db/db.h"
#include "storage/image.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct import {
	struct store *store;
	const struct import_options *o;
	char *stage;
	int stage_fd, lock_fd;
	struct unpacker unpacker;
	json_t *layer; /* what the unpacker said of it */
};

static int send_layer(struct import *im, int data, struct err *e)
{
	auto_json job = unpack_job_layer(NULL, -1, NULL, NULL);
	auto_fd layers = -1;
	int r = share_offer(im->store, job, &layers, e);
	const int fds[3] = {data, im->stage_fd, layers};
	return r < 0 ? r : unpacker_send(&im->unpacker, job, fds, layers < 0 ? 2 : 3, e);
}

static int receive_layer(struct import *im, struct err *e)
{
	im->layer = unpacker_result(&im->unpacker, NULL, NULL, NULL, e);
	if (!im->layer)
		return -e->code;
	const char *diff_id = json_str(im->layer, "diff_id");
	if (!diff_id || !digest_valid(diff_id) || json_int_or(im->layer, "size", -1) < 0)
		return err_set(e, EBADMSG, "the unpacker gave no valid answer");
	return 0;
}

/* The fetcher writes what the unpacker reads. Of two errors the fetcher's tells more, unless it
 * only met the other's end. */
static int unpack_url(struct import *im, struct err *e)
{
	int ends[2];
	struct fetcher f;
	struct err fetching = {0};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	int r = send_layer(im, ends[0], e);
	close(ends[0]);
	if (r == 0)
		r = fetcher_start_url(im->store, im->o->source, ends[1], &f, e);
	close(ends[1]);
	if (r < 0)
		return r;
	r = receive_layer(im, e);
	int fetched = fetcher_ready(&f, &fetching);
	fetcher_stop(&f);
	if (fetched < 0 && (r == 0 || fetching.code != EPIPE)) {
		*e = fetching;
		return fetched;
	}
	return r;
}

static int unpack(struct import *im, struct err *e)
{
	if (im->o->fd < 0)
		return unpack_url(im, e);
	int r = send_layer(im, im->o->fd, e);
	return r < 0 ? r : receive_layer(im, e);
}

static int commit(struct import *im, const struct image_made *made, struct err *e)
{
	const struct layer_new layer = {
		.diff_id = json_str(im->layer, "diff_id"),
		.staged_path = im->stage,
		.size = json_int_or(im->layer, "size", 0),
	};
	/* The layer's folder is the staging folder's own place: it goes in a folder of its own. */
	im->store->complete = share_complete;
	return image_commit(im->store, made->id, made->config, made->bytes, strlen(made->bytes),
		NULL, 0, NULL, &layer, 1, im->o->name, NULL, e);
}

static int record_events(struct import *im, const struct image_made *made, struct err *e)
{
	auto_reference ref = {0};
	int r = db_begin(im->store->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	if (im->o->name && reference_parse(im->o->name, false, &ref, e) == 0) {
		auto_free char *shown = reference_familiar(&ref);
		r = event_image(im->store, "tag", made->id, shown, made->config, e);
		if (r >= 0)
			r = image_set_tagged(im->store, made->id, e);
	}
	if (r >= 0)
		r = event_image(im->store, "import", made->id, made->id, made->config, e);
	if (r < 0) {
		db_rollback(im->store->db);
		return r;
	}
	return db_commit(im->store->db, e);
}

static int draft(struct import *im, struct image_made *made, struct err *e)
{
	const struct import_options *o = im->o;
	auto_json config = change_config(NULL, o->changes, e);
	auto_json container_config = image_config_complete(NULL);
	char source[1024];
	/* The comment goes with the image wherever it is pushed to. */
	shown_url(o->fd < 0 ? o->source : "-", source, sizeof(source));
	auto_free char *from = xasprintf("Imported from %s", source);
	if (!config)
		return -e->code;
	const struct image_draft d = {
		.diff_id = json_str(im->layer, "diff_id"),
		.config = config,
		.container_config = container_config,
		.os = o->os,
		.architecture = o->architecture,
		.variant = o->variant,
		.comment = str_empty(o->message) ? from : o->message,
		.has_comment = true,
	};
	return image_draft_finish(&d, &im->unpacker, made, e);
}

static int run(struct import *im, char id[72], struct err *e)
{
	auto_image_made made = {.config = NULL};
	auto_strv warnings = STRV_INIT;
	im->stage_fd = open(im->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (im->stage_fd < 0)
		return err_sys(e, "cannot open %s", im->stage);
	int r = unpacker_start(im->store, &im->unpacker, e);
	if (r == 0)
		r = unpack(im, e);
	if (r == 0)
		r = draft(im, &made, e);
	unpacker_stop(&im->unpacker);
	if (r < 0 || (r = staged_layer_check(im->stage_fd, e)) < 0 ||
		(r = commit(im, &made, e)) < 0)
		return r;
	memcpy(id, made.id, sizeof(made.id));
	json_to_strv(json_object_get(im->layer, "warnings"), &warnings);
	for (size_t i = 0; i < warnings.n; i++) {
		shown_text(warnings.v[i], "");
		log_warn("%s", warnings.v[i]);
	}
	return record_events(im, &made, e);
}

int image_import(struct store *s, const struct import_options *o, char id[72], struct err *e)
{
	struct import im = {.store = s, .o = o, .stage_fd = -1, .unpacker = UNPACKER_INIT};
	struct err ignored;
	/* Mistakes in the changes are told before a byte is read. */
	auto_json config = change_config(NULL, o->changes, e);
	if (!config)
		return -e->code;
	int r = admit_archive("tarball", o->source, o->signature_policy, e);
	if (r < 0)
		return r;
	r = store_stage(s, &im.stage, &im.lock_fd, e);
	if (r < 0)
		return r;
	r = run(&im, id, e);
	if (im.stage_fd >= 0)
		close(im.stage_fd);
	store_unstage(s, im.stage, &im.lock_fd);
	(void)store_purge(s, enter_remove, &ignored);
	json_decref(im.layer);
	free(im.stage);
	return r;
}
