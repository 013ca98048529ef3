/* check_repair: see check.h. */
#include "engine/check_internal.h"
#include "engine/enter.h"
#include "engine/image_remove.h"
#include "engine/share.h"
#include "engine/start.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/unpacker.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/layer_row.h"
#include "storage/image.h"
#include "storage/image_manifest.h"
#include "storage/layer_blob.h"
#include "storage/store.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct repair {
	struct store *store;
	struct check *c;
	const struct pull_options *pull;
	struct check_layers layers;
	struct image *images;
	size_t n_images;
};

static void set_outcome(struct check_item *it, bool is_sound, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set_outcome(struct check_item *it, bool is_sound, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	free(it->outcome);
	it->outcome = xvasprintf(fmt, ap);
	va_end(ap);
	it->is_sound = is_sound;
}

/* ---- fetching ---- */

/* The names that an image has in registries, those with a digest first. */
static void names_of(const struct image *image, struct strv *out)
{
	for (char **d = image->digests; d && *d; d++)
		strv_add(out, *d);
	for (char **n = image->names; n && *n; n++)
		strv_add(out, *n);
}

static bool has_layer(const struct image *image, const char *diff_id)
{
	for (size_t i = 0; i < image->n_layers; i++)
		if (!strcmp(image->diff_ids[i], diff_id))
			return true;
	return false;
}

/* Its config or one of its manifests? */
static bool has_blob(const struct image *image, const char *digest)
{
	bool found = !strcmp(image->id, digest);
	for (char **m = image->manifests; *m && !found; m++)
		found = !strcmp(*m, digest);
	return found;
}

static int start_fetcher(const struct repair *r, const char *name, struct fetcher *f, struct err *e)
{
	auto_reference ref = {0};
	*f = FETCHER_INIT;
	if (reference_parse(name, true, &ref, e) < 0 ||
		fetcher_start(r->store, &ref, r->pull, f, e) < 0)
		return -e->code;
	return fetcher_ready(f, e);
}

/* One blob, streamed into an unpacker, becomes a layer in the staging folder. What is equal
 * elsewhere in the store is not looked at: it may be damaged in the same way. */
static int fetch_layer(const struct repair *r, const struct check_layer_row *row, struct fetcher *f,
	int stage, struct err *e)
{
	struct unpacker u;
	int ends[2];
	const char *kind;
	struct err fetching = {0};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd from = ends[0], to = ends[1], part = fetcher_memory_file(e);
	if (part < 0 || unpacker_start(r->store, &u, e) < 0)
		return -e->code;
	auto_json job = unpack_job_layer(row->blob, row->blob_size, row->media_type, row->diff_id);
	const int fds[2] = {from, stage};
	int x = unpacker_send(&u, job, fds, 2, e);
	close(take_fd(from));
	const struct fetch_blob wanted = {.id = 1,
		.digest = row->blob,
		.size = row->blob_size,
		.part = part,
		.pipe = to,
		.sums = -1};
	if (x == 0)
		x = fetcher_blob(f, &wanted, e);
	close(take_fd(to));
	int fetched = x < 0 ? 0 : fetcher_wait(f, &kind, &fetching);
	auto_json reply = x < 0 || fetched < 0 ? NULL : unpacker_result(&u, NULL, NULL, NULL, e);
	unpacker_stop(&u);
	if (fetched < 0)
		*e = fetching;
	return x < 0 || !reply ? -e->code : staged_layer_check(stage, e);
}

static int fetch_layer_from(const struct repair *r, const struct check_layer_row *row,
	const char *name, int stage, struct err *e)
{
	struct fetcher f;
	int x = start_fetcher(r, name, &f, e);
	if (x == 0)
		x = fetch_layer(r, row, &f, stage, e);
	fetcher_stop(&f);
	return x;
}

static int refuse_in_use(const struct repair *r, const struct check_layer_row *row, struct err *e)
{
	auto_strv users = STRV_INIT;
	if (check_row_layer_users(r->store->db, row->id, &users, e) < 0)
		return -e->code;
	auto_free char *names = strv_join(&users, ", ");
	return users.n ? err_set(e, EBUSY, "it is in use by running containers: %s", names) : 0;
}

/* The new folder and the old one change places in one step. Whoever starts a container waits for it
 * (engine/share.h). */
static int exchange(
	const struct repair *r, const struct check_layer_row *row, const char *stage, struct err *e)
{
	auto_free char *to = xasprintf("layers/%s", row->id);
	if (store_sync(r->store, e) < 0)
		return -e->code;
	auto_fd lock = share_lock(r->store, e);
	if (lock < 0 || refuse_in_use(r, row, e) < 0)
		return -e->code;
	if (layer_row_exists(r->store->db, row->id, e) != 1)
		return err_set(e, ENOENT, "it was removed meanwhile");
	if (renameat2(AT_FDCWD, stage, r->store->root_fd, to, RENAME_EXCHANGE) == 0)
		return store_sync(r->store, e);
	/* The whole folder is lost. */
	if (errno == ENOENT && renameat(AT_FDCWD, stage, r->store->root_fd, to) == 0)
		return store_sync(r->store, e);
	return err_sys(e, "cannot put %s/%s in place", r->store->root, to);
}

static int try_name(
	const struct repair *r, const struct check_layer_row *row, const char *name, struct err *e)
{
	char *stage = NULL;
	int lock = -1;
	int x = store_stage(r->store, &stage, &lock, e);
	if (x < 0)
		return x;
	auto_fd fd = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	x = fd < 0 ? err_sys(e, "cannot open %s", stage) : fetch_layer_from(r, row, name, fd, e);
	if (x == 0)
		x = exchange(r, row, stage, e);
	store_unstage(r->store, stage, &lock);
	free(stage);
	return x;
}

static int fetch_form(const struct repair *r, const struct check_layer_row *row, struct err *e)
{
	for (size_t i = 0; i < r->n_images; i++) {
		auto_strv names = STRV_INIT;
		if (!has_layer(&r->images[i], row->diff_id))
			continue;
		names_of(&r->images[i], &names);
		for (size_t k = 0; k < names.n; k++)
			if (try_name(r, row, names.v[k], e) == 0)
				return 0;
	}
	return -e->code;
}

/* In whichever of its compressed forms a registry still has it. */
static int fetch_from_any(const struct repair *r, const struct check_layer_row *row, struct err *e)
{
	struct layer_blob *blobs = NULL;
	size_t n = 0;
	int x = layer_blobs(r->store, row->id, &blobs, &n, e);
	if (x < 0)
		return x;
	x = err_set(e, ENOENT, "no image that has it is known to a registry");
	for (size_t i = 0; i < n && x < 0; i++) {
		struct check_layer_row form = *row;
		form.blob = blobs[i].digest;
		form.blob_size = blobs[i].size;
		form.media_type = blobs[i].media_type;
		x = fetch_form(r, &form, e);
	}
	layer_blobs_free(blobs, n);
	return x;
}

static void repair_layer(const struct repair *r, struct check_item *it)
{
	const struct check_layer_row *row = check_layer_by_id(&r->layers, it->place);
	struct err why = {0};
	if (!row)
		return;
	if (refuse_in_use(r, row, &why) < 0)
		set_outcome(it, false, "Not repaired: layer %s: %s", it->id, why.msg);
	else if (!row->blob)
		set_outcome(it, false,
			"Not repaired: layer %s was made here, and is in no registry", it->id);
	else if (fetch_from_any(r, row, &why) < 0)
		set_outcome(it, false, "Not repaired: layer %s: %s", it->id, why.msg);
	else
		set_outcome(it, true, "Repaired layer %s", it->id);
}

/* ---- blobs ---- */

/* Whether a document has its digest is for an unpacker to say. */
static json_t *ask_about(
	const struct repair *r, const json_t *job, const int *fds, size_t n, struct err *e)
{
	struct unpacker u;
	if (unpacker_start(r->store, &u, e) < 0)
		return NULL;
	json_t *reply = unpacker_send(&u, job, fds, n, e) < 0
				? NULL
				: unpacker_result(&u, NULL, NULL, NULL, e);
	unpacker_stop(&u);
	return reply;
}

static int put_blob(const struct repair *r, int fd, const char *digest, struct err *e)
{
	auto_buf bytes = BUF_INIT;
	(void)lseek(fd, 0, SEEK_SET);
	int x = read_fd(fd, CONFIG_MAX, &bytes);
	if (x < 0)
		return err_sysn(e, -x, "cannot read a memory file");
	auto_fd dir = openat(r->store->root_fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open %s/blobs/sha256", r->store->root);
	return write_file_at(dir, digest + strlen("sha256:"), bytes.data, bytes.len, 0600, true, e);
}

/* The manifest; and what it says of its config. */
static int fetch_manifest(const struct repair *r, struct fetcher *f, const char *repository,
	const char *digest, int *fd, json_t **config, struct err *e)
{
	const char *kind;
	struct fetched_manifest m = {.fd = -1};
	auto_free char *full = xasprintf("%s@%s", repository, digest);
	if (fetcher_manifest(f, full, &m, &kind, e) < 0)
		return -e->code;
	*fd = take_fd(m.fd);
	auto_json job = unpack_job_manifest(m.media_type, digest, m.size, "linux", "", NULL);
	auto_json reply = ask_about(r, job, fd, 1, e);
	fetched_manifest_deinit(&m);
	if (!reply)
		return -e->code;
	*config = json_incref(json_object_get(reply, "config"));
	return 0;
}

static int fetch_config(const struct repair *r, struct fetcher *f, const json_t *config,
	const char *digest, struct err *e)
{
	const char *kind;
	int64_t size = json_int_or(config, "size", -1);
	if (strcmp(json_str_or(config, "digest", ""), digest) != 0)
		return err_set(e, EBADMSG, "the manifest names another config");
	auto_fd fd = fetcher_memory_file(e), out = fd < 0 ? -1 : fetcher_memory_file(e);
	const struct fetch_blob wanted = {
		.id = 1, .digest = digest, .size = size, .part = fd, .pipe = -1, .sums = -1};
	if (out < 0 || fetcher_blob(f, &wanted, e) < 0 || fetcher_wait(f, &kind, e) < 0 ||
		fetcher_seal(fd, e) < 0)
		return -e->code;
	auto_json job = unpack_job_config(digest, size, (size_t)-1);
	const int fds[2] = {fd, out};
	auto_json reply = ask_about(r, job, fds, 2, e);
	return reply ? put_blob(r, fd, digest, e) : -e->code;
}

/* The manifest, or the config that it names. */
static int fetch_blob(const struct repair *r, const char *name, const char *manifest,
	const char *digest, struct err *e)
{
	struct fetcher f = FETCHER_INIT;
	auto_reference ref = {0};
	auto_fd fd = -1;
	auto_json config = NULL;
	if (!manifest)
		return err_set(e, ENOENT, "the image came from no registry");
	if (reference_parse(name, true, &ref, e) < 0)
		return -e->code;
	auto_free char *repository = reference_name(&ref);
	int x = start_fetcher(r, name, &f, e);
	if (x == 0)
		x = fetch_manifest(r, &f, repository, manifest, &fd, &config, e);
	if (x == 0)
		x = !strcmp(digest, manifest) ? put_blob(r, fd, digest, e)
					      : fetch_config(r, &f, config, digest, e);
	fetcher_stop(&f);
	return x;
}

static int fetch_blob_of(
	const struct repair *r, const struct image *image, const char *digest, struct err *e)
{
	auto_strv names = STRV_INIT;
	bool is_config = !strcmp(digest, image->id);
	names_of(image, &names);
	for (size_t i = 0; i < names.n; i++) {
		const char *own = image_manifest_of(image, names.v[i]);
		if (fetch_blob(r, names.v[i], is_config ? own : digest, digest, e) == 0)
			return 0;
	}
	return -e->code;
}

static void repair_blob(const struct repair *r, struct check_item *it)
{
	struct err why = {0};
	err_set(&why, ENOENT, "no image that has it is known to a registry");
	for (size_t i = 0; i < r->n_images; i++) {
		const struct image *image = &r->images[i];
		if (!has_blob(image, it->id))
			continue;
		if (fetch_blob_of(r, image, it->id, &why) == 0) {
			set_outcome(it, true, "Repaired blob %s", it->id);
			return;
		}
	}
	set_outcome(it, false, "Not repaired: blob %s: %s", it->id, why.msg);
}

/* ---- the rest ---- */

static void drop_unreferenced(const struct repair *r, struct check_item *it)
{
	struct err why = {0};
	if (store_trash(r->store, it->place, &why) < 0)
		set_outcome(it, false, "Not removed: %s", why.msg);
	else
		set_outcome(it, true, "Deleted %s", it->place);
}

/* What was written there is nowhere else; what is there may be written anew as if it were right. */
static void accept_database(const struct repair *r, struct check_item *it, bool force)
{
	struct err why = {0};
	auto_strv problems = STRV_INIT;
	if (!force)
		set_outcome(it, false,
			"Not repaired: the database: what it had is nowhere else; --force accepts "
			"what it has");
	else if (db_rewrite(r->store->db, &why) < 0 ||
		 check_row_database(r->store->db, false, &problems, &why) < 0)
		set_outcome(it, false, "Not repaired: %s", why.msg);
	else if (problems.n)
		set_outcome(it, false, "Not repaired: %s", problems.v[0]);
	else
		set_outcome(it, true, "Accepted the database as it is");
}

/* Are all parts of it sound by now? Without parts that are damaged it is so itself. */
static bool parts_are_sound(const struct repair *r, const struct image *image)
{
	for (size_t i = 0; i < r->c->n; i++) {
		const struct check_item *it = &r->c->items[i];
		bool is_part = (it->kind == CHECK_LAYER && has_layer(image, it->id)) ||
			       (it->kind == CHECK_BLOB && has_blob(image, it->id));
		if (is_part && !it->is_sound)
			return false;
	}
	return true;
}

static const struct image *image_of(const struct repair *r, const char *id)
{
	for (size_t i = 0; i < r->n_images; i++)
		if (!strcmp(r->images[i].id, id))
			return &r->images[i];
	return NULL;
}

static bool container_is_sound(const struct repair *r, const struct check_item *it, struct err *e)
{
	char **ids = NULL;
	size_t n = 0;
	bool is_sound = true;
	for (size_t i = 0; i < it->errors.n; i++)
		is_sound = is_sound && !str_starts(it->errors.v[i], "container ");
	if (container_row_layers(r->store->db, it->id, &ids, &n, e) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct check_layer_row *row = check_layer_by_id(&r->layers, ids[i]);
		const struct check_item *layer =
			row ? check_find(r->c, CHECK_LAYER, row->diff_id) : NULL;
		is_sound = is_sound && (!layer || layer->is_sound);
		free(ids[i]);
	}
	free(ids);
	return is_sound;
}

static void remove_container(const struct repair *r, struct check_item *it)
{
	struct err why = {0};
	auto_container_row row = {0};
	if (container_get(r->store, it->id, &row, &why) < 0 ||
		container_remove(r->store, &row, true, false, &why) < 0)
		set_outcome(it, false, "Not removed: container %s: %s", it->id, why.msg);
	else
		set_outcome(it, true, "Deleted damaged container: %s", it->id);
}

static void remove_image(const struct repair *r, struct check_item *it)
{
	struct err why = {0};
	auto_strv lines = STRV_INIT;
	const struct image *image = image_of(r, it->id);
	const char *hex = it->id + strlen("sha256:");
	if (image && image_remove(r->store, image, it->id, NULL, true, &lines, &why) < 0)
		set_outcome(it, false, "Not removed: image %s: %s", hex, why.msg);
	else
		set_outcome(it, true, "Deleted damaged image: %s", hex);
}

/* What went with its image is nobody's damage any more. */
static void forget_layers(const struct repair *r)
{
	for (size_t i = 0; i < r->c->n; i++) {
		struct check_item *it = &r->c->items[i];
		auto_free char *id = NULL;
		struct err ignored;
		if (it->kind == CHECK_LAYER && !it->is_sound &&
			layer_find(r->store, it->id, &id, &ignored) == ROW_ABSENT)
			it->is_sound = true;
		if (it->kind == CHECK_BLOB && !it->is_sound) {
			auto_free char *path = xasprintf("blobs/sha256/%s", it->id + 7);
			it->is_sound = faccessat(r->store->root_fd, path, F_OK, 0) < 0 &&
				       !image_of(r, it->id);
		}
	}
}

static void judge(const struct repair *r, bool force, struct err *e)
{
	for (size_t i = 0; i < r->c->n; i++) {
		struct check_item *it = &r->c->items[i];
		if (it->kind != CHECK_CONTAINER)
			continue;
		it->is_sound = container_is_sound(r, it, e);
		if (!it->is_sound && force)
			remove_container(r, it);
	}
	for (size_t i = 0; i < r->c->n; i++) {
		struct check_item *it = &r->c->items[i];
		const struct image *image = it->kind == CHECK_IMAGE ? image_of(r, it->id) : NULL;
		if (!image)
			continue;
		it->is_sound = parts_are_sound(r, image);
		if (!it->is_sound && force)
			remove_image(r, it);
	}
}

static void repair_parts(struct repair *r, bool force)
{
	for (size_t i = 0; i < r->c->n; i++) {
		struct check_item *it = &r->c->items[i];
		if (it->kind == CHECK_LAYER)
			repair_layer(r, it);
		else if (it->kind == CHECK_BLOB)
			repair_blob(r, it);
		else if (it->kind == CHECK_UNREFERENCED)
			drop_unreferenced(r, it);
		else if (it->kind == CHECK_DATABASE)
			accept_database(r, it, force);
	}
}

int check_repair(
	struct store *s, struct check *c, bool force, const struct pull_options *o, struct err *e)
{
	struct repair r = {.store = s, .c = c, .pull = o};
	struct err ignored;
	int x = check_row_layers(s->db, &r.layers.v, &r.layers.n, e);
	if (x >= 0)
		x = image_list(s, &r.images, &r.n_images, e);
	if (x >= 0) {
		repair_parts(&r, force);
		judge(&r, force, e);
	}
	if (x >= 0 && force)
		forget_layers(&r);
	if (s->needs_purge)
		(void)store_purge(s, enter_remove, &ignored);
	check_layers_free(&r.layers);
	for (size_t i = 0; i < r.n_images; i++)
		image_deinit(&r.images[i]);
	free(r.images);
	return x < 0 ? x : 0;
}
