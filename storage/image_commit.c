/* image_commit: how an image becomes visible.
 *
 *   1. the intent file names every path that will be put in place
 *   2. config and manifest are written to the staging folder, staged layers renamed into layers/
 *      under new short names: nobody knows them yet; what they share with others is put into them
 *   3. one syncfs: what the record will name is on disk before the record; then a container's
 *      writable folder changes places with the layer's (storage/upper.h)
 *   4. one FULL transaction: rows for layers that are still missing (another command may have
 *      committed the same one meanwhile: its copy stays), blobs renamed, the image, its names
 *   5. intent_settle: what has no row goes to the trash, or back to where it is kept for the next
 *      pull: surplus copies, or everything where a step failed. A kill leaves that to the next
 *      command.
 */
#include "storage/image.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/image_row.h"
#include "storage/db/layer_row.h"
#include "storage/image_manifest.h"
#include "storage/intent.h"
#include "storage/store.h"
#include "storage/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHORT_BYTES = 5 };

struct blob {
	const char *hex;
	const void *bytes;
	size_t len;
};

struct commit {
	const char *id, *config_json, *manifest_digest;
	const struct layer_new *layers;
	size_t n_layers;
	const char *name, *digest_ref;
	struct blob blobs[2];
	size_t n_blobs;
	char *stage;
	int lock_fd;
	char **short_ids; /* of staged layers; NULL where there is none */
};

static void make_short_id(char **out)
{
	unsigned char bytes[SHORT_BYTES];
	random_bytes(bytes, sizeof(bytes));
	*out = xcalloc(2, sizeof(bytes) + 1);
	hex_encode(*out, bytes, sizeof(bytes));
}

static int announce(struct store *s, struct commit *c, struct err *e)
{
	auto_strv paths = STRV_INIT;
	/* Containers first: where the exchange is taken back, that is before the layer goes. */
	for (size_t i = 0; i < c->n_layers; i++)
		if (c->layers[i].container_id)
			strv_addf(&paths, "containers/%s", c->layers[i].container_id);
	for (size_t i = 0; i < c->n_layers; i++) {
		if (!c->layers[i].staged_path)
			continue;
		make_short_id(&c->short_ids[i]);
		if (c->layers[i].kept_digest)
			strv_addf(&paths, "back %s layers/%s", c->layers[i].kept_digest,
				c->short_ids[i]);
		else
			strv_addf(&paths, "layers/%s", c->short_ids[i]);
	}
	for (size_t i = 0; i < c->n_blobs; i++)
		strv_addf(&paths, "blobs/sha256/%s", c->blobs[i].hex);
	return intent_write(s, c->stage, &paths, e);
}

/* A layer that is not whole (storage/share.h) is never recorded. */
static int check_complete(struct store *s, const struct commit *c, struct err *e)
{
	for (size_t i = 0; i < c->n_layers; i++) {
		auto_free char *list =
			xasprintf("layers/%s/links", c->short_ids[i] ? c->short_ids[i] : "");
		if (c->short_ids[i] && faccessat(s->root_fd, list, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return err_set(
				e, EBADMSG, "layer %s is not complete", c->layers[i].diff_id);
	}
	return 0;
}

static int place(struct store *s, struct commit *c, struct err *e)
{
	for (size_t i = 0; i < c->n_blobs; i++) {
		auto_free char *path = xasprintf("%s/%s", c->stage, c->blobs[i].hex);
		int r = write_file_at(
			AT_FDCWD, path, c->blobs[i].bytes, c->blobs[i].len, 0600, false, e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < c->n_layers; i++) {
		if (!c->short_ids[i])
			continue;
		auto_free char *to = xasprintf("layers/%s", c->short_ids[i]);
		if (renameat(AT_FDCWD, c->layers[i].staged_path, s->root_fd, to) < 0)
			return err_sys(e, "cannot move %s to %s/%s", c->layers[i].staged_path,
				s->root, to);
	}
	int r = s->complete ? s->complete(s, c->short_ids, c->n_layers, e) : 0;
	if (r >= 0)
		r = check_complete(s, c, e);
	if (r >= 0)
		r = store_sync(s, e);
	for (size_t i = 0; i < c->n_layers && r >= 0; i++)
		if (c->short_ids[i] && c->layers[i].container_id)
			r = upper_exchange(s, c->layers[i].container_id, c->short_ids[i], e);
	return r;
}

static int place_blobs(struct store *s, const struct commit *c, struct err *e)
{
	if (!c->n_blobs)
		return 0;
	for (size_t i = 0; i < c->n_blobs; i++) {
		auto_free char *from = xasprintf("%s/%s", c->stage, c->blobs[i].hex);
		auto_free char *to = xasprintf("blobs/sha256/%s", c->blobs[i].hex);
		if (renameat(AT_FDCWD, from, s->root_fd, to) < 0)
			return err_sys(e, "cannot create %s/%s", s->root, to);
	}
	auto_fd dir = openat(s->root_fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return err_sys(e, "cannot sync %s/blobs/sha256", s->root);
	return 0;
}

/* The layer's short name, from its row or as a new row. */
static int record_layer(
	struct store *s, const struct commit *c, size_t i, char **short_id, struct err *e)
{
	const struct layer_new *l = &c->layers[i];
	int r = layer_row_by_diff(s->db, l->diff_id, short_id, e);
	if (r < 0)
		return r;
	if (r == ROW_ABSENT) {
		if (!c->short_ids[i]) {
			err_set(e, EAGAIN, "layer %s was removed meanwhile", l->diff_id);
			return err_hint(e, "run the command again");
		}
		*short_id = xstrdup(c->short_ids[i]);
		r = layer_row_insert(s->db, *short_id, l->diff_id, l->size, e);
		if (r >= 0 && l->container_id)
			r = container_row_add_own_layer(s->db, l->container_id, *short_id, e);
		if (r < 0)
			return r;
	}
	if (!l->blob_digest)
		return 0;
	r = layer_row_add_blob(s->db, *short_id, l->blob_digest, l->blob_size, l->media_type, e);
	if (r >= 0 && l->blob_made)
		r = layer_row_blob_made(s->db, l->blob_digest, l->blob_made, e);
	return r;
}

static int64_t created_of(const char *config_json)
{
	struct err ignored = {0};
	auto_json config = json_parse(config_json, strlen(config_json), "image config", &ignored);
	return image_created_parse(json_str(config, "created"));
}

static int record(struct store *s, const struct commit *c, struct err *e)
{
	auto_strv ids = STRV_INIT;
	int64_t total = 0;
	for (size_t i = 0; i < c->n_layers; i++) {
		char *short_id = NULL;
		int r = record_layer(s, c, i, &short_id, e);
		int64_t size = 0;
		if (r >= 0)
			r = layer_row_size(s->db, short_id, &size, e);
		total += size;
		if (short_id)
			strv_take(&ids, short_id);
		if (r < 0)
			return r;
	}
	int r = image_row_insert(s->db, c->id, c->config_json, c->manifest_digest, total,
		created_of(c->config_json), clock_now_ns(), e);
	for (size_t i = 0; i < ids.n && r >= 0; i++)
		r = image_row_add_layer(s->db, c->id, i, ids.v[i], e);
	if (r >= 0 && c->name)
		r = image_row_set_name(s->db, c->id, c->name, false, c->manifest_digest, e);
	if (r >= 0 && c->digest_ref)
		r = image_row_set_name(s->db, c->id, c->digest_ref, true, c->manifest_digest, e);
	return r < 0 ? r : place_blobs(s, c, e);
}

static int run(struct store *s, struct commit *c, struct err *e)
{
	int r = announce(s, c, e);
	if (r >= 0)
		r = place(s, c, e);
	if (r >= 0)
		r = db_begin(s->db, DB_FULL, e);
	if (r < 0)
		return r;
	r = record(s, c, e);
	if (r < 0) {
		db_rollback(s->db);
		return r;
	}
	return db_commit(s->db, e);
}

static void want_blob(struct commit *c, const char *digest, const void *bytes, size_t len)
{
	const char *hex = digest ? str_after(digest, "sha256:") : NULL;
	if (hex && bytes && len && strlen(hex) == 64 && is_hex(hex, 64))
		c->blobs[c->n_blobs++] = (struct blob){hex, bytes, len};
}

int image_commit(struct store *s, const char *id, const char *config_json, const void *config_bytes,
	size_t config_len, const void *manifest, size_t manifest_len, const char *manifest_digest,
	const struct layer_new *layers, size_t n_layers, const char *name, const char *digest_ref,
	struct err *e)
{
	struct commit c = {
		.id = id,
		.config_json = config_json,
		.manifest_digest = manifest_digest,
		.layers = layers,
		.n_layers = n_layers,
		.name = name,
		.digest_ref = digest_ref,
		.lock_fd = -1,
	};
	want_blob(&c, id, config_bytes, config_len);
	want_blob(&c, manifest_digest, manifest, manifest_len);
	int r = store_stage(s, &c.stage, &c.lock_fd, e);
	if (r < 0)
		return r;
	c.short_ids = xcalloc(n_layers + 1, sizeof(char *));
	r = run(s, &c, e);
	/* The lock on the container is held here; the intent's own look comes after it. */
	struct err late;
	for (size_t i = 0; i < n_layers; i++)
		if (layers[i].container_id && upper_settle(s, layers[i].container_id, &late) < 0)
			log_debug("%s", late.msg);
	intent_end(s, c.stage, c.lock_fd);
	for (size_t i = 0; i < n_layers; i++)
		free(c.short_ids[i]);
	free(c.short_ids);
	free(c.stage);
	/* What the names led to before; where that fails a later command does it. */
	if (r >= 0 && (name || digest_ref) && image_manifests_settle(s, &late) < 0)
		log_debug("%s", late.msg);
	return r;
}
