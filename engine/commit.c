#include "engine/commit.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/commit_base.h"
#include "engine/commit_change.h"
#include "engine/commit_image.h"
#include "engine/commit_pause.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "engine/hold.h"
#include "engine/inspect_object.h"
#include "engine/share.h"
#include "engine/state.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/unpacker.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/layer_row.h"
#include "storage/image.h"
#include "storage/mounted.h"
#include "storage/rootfs.h"
#include "storage/store.h"
#include "storage/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct commit {
	struct store *store;
	struct container_row *row;
	const struct commit_options *o;
	json_t *config, *container_config; /* of the image, of the container */
	char *created_by;
	struct image base;
	int alive_fd; /* the lock, where it is ours */
	bool is_whole; /* the files are a copy of all layers (vfs) */
	bool is_taken; /* the folder itself becomes the layer */
	int pause_fd; /* the pause is ours while >= 0 */
	char *stage;
	int stage_fd, lock_fd;
	struct unpacker unpacker;
	json_t *layer; /* what the helper said of it */
};

/* ---- what is committed ---- */

static int check_state(const struct container_row *row, struct err *e)
{
	enum container_state state = state_parse(row->state);
	if (state == STATE_REMOVING)
		return err_set(
			e, EBUSY, "You cannot commit container %s which is being removed", row->id);
	if (state == STATE_DEAD)
		return err_set(e, EBUSY, "You cannot commit container %s which is Dead", row->id);
	return 0;
}

static void add_volumes(json_t *config, const json_t *mounts)
{
	json_t *volumes = json_object_get(config, "Volumes"), *v;
	size_t i;
	if (!json_is_object(volumes)) {
		volumes = json_object();
		json_set(config, "Volumes", volumes);
	}
	json_array_foreach ((json_t *)mounts, i, v)
		if (json_str(v, "Destination"))
			json_set(volumes, json_str(v, "Destination"), json_object());
}

static int load_config(struct commit *c, struct err *e)
{
	const char *text = c->row->config;
	auto_strv words = STRV_INIT;
	auto_json all = json_parse(text, strlen(text), "the container's configuration", e);
	if (!all)
		return -e->code;
	const json_t *config = json_object_get(all, "Config");
	c->config = change_config(config, c->o->changes, e);
	if (!c->config)
		return -e->code;
	if (c->o->include_volumes)
		add_volumes(c->config, json_object_get(all, "Mounts"));
	c->container_config = image_config_complete(config);
	json_to_strv(json_object_get(config, "Cmd"), &words);
	c->created_by = strv_join(&words, " ");
	return 0;
}

/* The driver vfs makes a copy of all layers at the first start. Before that upper is there, empty.
 */
static bool is_whole(struct store *s, const struct container_row *row)
{
	struct stat st;
	auto_free char *path = store_path(s, "containers/%s/vfs", row->id);
	return !strcmp(row->driver, "vfs") && stat(path, &st) == 0;
}

enum { END_MS = 1000 };

/* The lock where nothing runs; where something does, or another command has it, the folder is
 * copied. Right after its end the monitor may have the lock still: it is waited for. */
static int take_lock(struct commit *c, struct err *e)
{
	auto_fd fd = -1;
	int r = 1;
	if (!state_is_live(state_parse(c->row->state)))
		r = container_hold_within(c->store, c->row, END_MS, &fd, e);
	c->is_whole = is_whole(c->store, c->row);
	if (r != 0)
		return r < 0 && r != -EBUSY ? r : 0;
	if ((r = upper_is_movable(c->store, c->row->id, e)) < 0)
		return r;
	/* What is mounted elsewhere (moss mount) must not become a layer under the hands of whoever
	 * writes there. */
	auto_free char *dir = store_path(c->store, "containers/%s", c->row->id);
	c->is_taken = r && !c->is_whole && !mounted_maybe(dir);
	c->alive_fd = take_fd(fd);
	return 0;
}

/* ---- the layer ---- */

static char *files_path(const struct commit *c)
{
	return store_path(c->store, "containers/%s/%s", c->row->id, c->is_whole ? "vfs" : "upper");
}

struct base_copy {
	const struct rootfs_spec *spec;
	int stage_fd;
};

static int copy_base(void *arg, struct err *e)
{
	const struct base_copy *b = arg;
	if (mkdirat(b->stage_fd, "base", 0700) < 0)
		return err_sys(e, "cannot create base");
	auto_fd to = openat(b->stage_fd, "base", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? err_sys(e, "cannot open base") : rootfs_copy_layers(b->spec, to, e);
}

/* What the copy is compared with. */
static int prepare_base(struct commit *c, struct err *e)
{
	if (!c->is_whole)
		return 0;
	const struct rootfs_spec spec = {.driver = c->row->driver,
		.store_root = c->store->root,
		.layer_ids = (const char *const *)c->base.layer_ids,
		.n_layers = c->base.n_layers};
	struct base_copy b = {&spec, c->stage_fd};
	return enter_call(c->store, copy_base, &b, e);
}

static int send_job(struct commit *c, struct err *e)
{
	auto_strv drop = STRV_INIT;
	auto_json job = json_object();
	auto_free char *path = files_path(c);
	auto_fd nothing = fetcher_memory_file(e);
	if (nothing < 0)
		return nothing;
	auto_fd folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return err_sys(e, "cannot open %s", path);
	commit_drop_list(c->store, path, &c->base, &drop);
	json_set_str(job, "op", "commit");
	json_set_bool(job, "take", c->is_taken);
	json_set_bool(job, "subtract", c->is_whole);
	json_set(job, "drop", json_from_strv(&drop));
	const int fds[] = {nothing, c->stage_fd, folder};
	return unpacker_send(&c->unpacker, job, fds, ARRAY_LEN(fds), e);
}

static int pause_it(struct commit *c, struct err *e)
{
	if (!c->o->pause || c->alive_fd >= 0 || strcmp(c->row->state, state_text(STATE_RUNNING)))
		return 0;
	return commit_pause_begin(c->store, c->row, &c->pause_fd, e);
}

static int let_go(struct commit *c, struct err *e)
{
	return c->pause_fd < 0 ? 0 : commit_pause_end(c->store, c->row, &c->pause_fd, e);
}

static int receive_layer(struct commit *c, struct err *e)
{
	for (;;) {
		auto_json reply = unpacker_next(&c->unpacker, NULL, e);
		if (!reply)
			return -e->code;
		if (json_bool_or(reply, "copied", false)) {
			if (let_go(c, e) < 0)
				return -e->code;
			continue;
		}
		const char *diff_id = json_str(reply, "diff_id");
		if (!diff_id || !digest_valid(diff_id) || json_int_or(reply, "size", -1) < 0)
			return err_set(e, EBADMSG, "the unpacker gave no valid answer");
		c->layer = take_ptr(reply);
		return 0;
	}
}

static int make_layer(struct commit *c, struct err *e)
{
	struct err late;
	int r = prepare_base(c, e);
	if (r == 0)
		r = unpacker_start(c->store, &c->unpacker, e);
	if (r == 0)
		r = pause_it(c, e);
	if (r == 0)
		r = send_job(c, e);
	if (r == 0)
		r = receive_layer(c, e);
	if (r < 0 && let_go(c, &late) < 0)
		log_warn("%s", late.msg);
	return r;
}

static bool is_empty(const struct commit *c) { return json_int_or(c->layer, "entries", 0) == 0; }

/* ---- the image ---- */

static int draft(struct commit *c, struct image_made *made, struct err *e)
{
	const struct image_draft d = {
		.parent = &c->base,
		.diff_id = is_empty(c) ? NULL : json_str(c->layer, "diff_id"),
		.config = c->config,
		.container_config = c->container_config,
		.container = c->row->id,
		.author = c->o->author,
		.comment = c->o->message,
		.created_by = c->created_by,
	};
	return image_draft_finish(&d, &c->unpacker, made, e);
}

/* A folder that was a container's could become so again until the record is made: what it shares
 * with others is put into it afterwards. */
static int record_image(struct commit *c, const struct image_made *made, struct err *e)
{
	size_t n = c->base.n_layers;
	auto_free struct layer_new *layers = xcalloc(n + 1, sizeof(*layers));
	for (size_t i = 0; i < n; i++)
		layers[i].diff_id = c->base.diff_ids[i];
	if (!is_empty(c))
		layers[n++] = (struct layer_new){
			.diff_id = json_str(c->layer, "diff_id"),
			.staged_path = c->stage,
			.size = json_int_or(c->layer, "size", 0),
			.container_id = c->is_taken ? c->row->id : NULL,
		};
	c->store->complete = c->is_taken ? NULL : share_complete;
	return image_commit(c->store, made->id, made->config, made->bytes, strlen(made->bytes),
		NULL, 0, NULL, layers, n, c->o->name, NULL, e);
}

static int record_events(struct commit *c, const struct image_made *made, struct err *e)
{
	auto_reference ref = {0};
	auto_free char *shown = NULL;
	int r = db_begin(c->store->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	if (c->o->name && reference_parse(c->o->name, false, &ref, e) == 0) {
		shown = reference_familiar(&ref);
		r = event_image(c->store, "tag", made->id, shown, made->config, e);
		if (r >= 0)
			r = image_set_tagged(c->store, made->id, e);
	}
	if (r >= 0)
		r = event_container(c->store, c->row, "commit",
			EVENT_WITH("comment", c->o->message ? c->o->message : "", "imageID",
				made->id, "imageRef", shown ? shown : ""),
			e);
	if (r < 0) {
		db_rollback(c->store->db);
		return r;
	}
	return db_commit(c->store->db, e);
}

/* The image is there without it, too. */
static void join_layer(struct commit *c)
{
	struct err e;
	auto_free char *layer = NULL;
	if (!c->is_taken || is_empty(c))
		return;
	int r = layer_row_by_diff(c->store->db, json_str(c->layer, "diff_id"), &layer, &e);
	if (r == ROW_OK)
		r = share_join(c->store, layer, &e);
	if (r < 0)
		log_debug("cannot share files of layer %s: %s", layer ? layer : "?", e.msg);
}

static int run(struct commit *c, char id[72], struct err *e)
{
	auto_image_made made = {.config = NULL};
	c->stage_fd = open(c->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->stage_fd < 0)
		return err_sys(e, "cannot open %s", c->stage);
	int r = make_layer(c, e);
	if (r == 0)
		r = draft(c, &made, e);
	unpacker_stop(&c->unpacker);
	if (r < 0 || (r = staged_layer_check(c->stage_fd, e)) < 0 ||
		(r = record_image(c, &made, e)) < 0)
		return r;
	memcpy(id, made.id, sizeof(made.id));
	r = record_events(c, &made, e);
	join_layer(c);
	return r;
}

static void commit_deinit(struct commit *c)
{
	image_deinit(&c->base);
	json_decref(c->config);
	json_decref(c->container_config);
	json_decref(c->layer);
	free(c->created_by);
	free(c->stage);
	scope_close(&c->alive_fd);
}

int container_commit(struct store *s, struct container_row *row, const struct commit_options *o,
	char id[72], struct err *e)
{
	struct err ignored;
	struct commit c = {.store = s,
		.row = row,
		.o = o,
		.alive_fd = -1,
		.pause_fd = -1,
		.stage_fd = -1,
		.unpacker = UNPACKER_INIT};
	c.is_whole = is_whole(s, row);
	int r = check_state(row, e);
	if (r == 0)
		r = load_config(&c, e);
	if (r == 0)
		r = take_lock(&c, e);
	if (r == 0)
		r = commit_base_load(s, row, &c.base, e);
	if (r == 0 && (r = store_stage(s, &c.stage, &c.lock_fd, e)) == 0) {
		r = run(&c, id, e);
		if (c.stage_fd >= 0)
			close(c.stage_fd);
		store_unstage(s, c.stage, &c.lock_fd);
		(void)store_purge(s, enter_remove, &ignored);
	}
	commit_deinit(&c);
	return r < 0 ? r : 0;
}
