/* share: linking. Layers that are put in place (share_complete), a layer that has its record
 * (share_join), and what a kill has left of the latter. */
#include "engine/share_internal.h"
#include "engine/enter.h"
#include "engine/transfer/unpacker.h"
#include "storage/db/layer_row.h"
#include "storage/share_joining.h"
#include "storage/share_link.h"
#include "storage/store.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct linking {
	struct store *store;
	const struct strv *layers, *others;
	bool is_recorded;
	int layers_fd;
	struct unpacker unpacker;
	int lock; /* of share_lock, while links are made */
};

static json_t *link_job(const struct linking *l)
{
	json_t *job = json_object();
	json_set_str(job, "op", "link");
	json_set(job, "layers", json_from_strv(l->layers));
	json_set(job, "others", json_from_strv(l->others));
	json_set_bool(job, "recorded", l->is_recorded);
	return job;
}

/* The notes of storage/share_joining.h are on the disk before anything changes. */
static int sync_notes(const struct linking *l, struct err *e)
{
	for (size_t i = 0; i < l->layers->n && l->is_recorded; i++) {
		auto_free char *name = xasprintf("%s/" SHARE_JOINING, l->layers->v[i]);
		auto_fd fd = openat(l->layers_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0)
			return err_sys(e, "cannot sync %s", name);
	}
	return 0;
}

/* From here on starts of containers wait: which layers are in use is asked with the lock held. */
static int answer_ready(struct linking *l, struct err *e)
{
	auto_strv busy = STRV_INIT;
	auto_json answer = json_object();
	if (sync_notes(l, e) < 0)
		return -e->code;
	l->lock = share_lock(l->store, e);
	if (l->lock < 0 || layer_row_in_use(l->store->db, &busy, e) < 0)
		return -e->code;
	json_set(answer, "busy", json_from_strv(&busy));
	return unpacker_send(&l->unpacker, answer, NULL, 0, e);
}

static void let_start(struct linking *l)
{
	scope_close(&l->lock);
	l->lock = -1;
}

static int converse(struct linking *l, struct err *e)
{
	for (;;) {
		const char *kind;
		auto_json reply = unpacker_next(&l->unpacker, &kind, e);
		if (!reply && !strcmp(kind, "not-found")) {
			e->code = EAGAIN;
			return err_hint(e, "a layer was removed meanwhile: run the command again");
		}
		if (!reply)
			return -e->code;
		if (json_bool_or(reply, "ready", false) && l->lock < 0 && answer_ready(l, e) < 0)
			return -e->code;
		if (json_bool_or(reply, "linked", false))
			let_start(l);
		if (json_bool_or(reply, "ok", false)) {
			log_debug("shared files: %lld linked, %lld cloned, %lld copied",
				(long long)json_int_or(reply, "linked", 0),
				(long long)json_int_or(reply, "cloned", 0),
				(long long)json_int_or(reply, "copied", 0));
			return 0;
		}
	}
}

static int link_all(struct store *s, const struct strv *layers, const struct strv *others,
	bool is_recorded, struct err *e)
{
	auto_fd dir = share_open_layers(s, e);
	struct linking l = {s, layers, others, is_recorded, dir, UNPACKER_INIT, -1};
	if (dir < 0)
		return dir;
	auto_json job = link_job(&l);
	const int fds[2] = {dir, dir};
	int r = unpacker_start(s, &l.unpacker, e);
	if (r == 0)
		r = unpacker_send(&l.unpacker, job, fds, 2, e);
	if (r == 0)
		r = converse(&l, e);
	unpacker_stop(&l.unpacker);
	let_start(&l);
	return r;
}

static bool has_file(struct store *s, const char *layer, const char *name)
{
	auto_free char *path = xasprintf("layers/%s/%s", layer, name);
	return faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Recorded layers that no unpacker could see: those of images before this one in an archive, and
 * what other commands have brought in since. */
static int unseen_layers(struct store *s, struct strv *out, struct err *e)
{
	auto_strv ids = STRV_INIT;
	if (layer_row_ids(s->db, &ids, e) < 0)
		return -e->code;
	for (size_t i = 0; i < ids.n; i++)
		if (!strv_has(&s->seen, ids.v[i]) && has_file(s, ids.v[i], "share"))
			strv_add(out, ids.v[i]);
	return 0;
}

int share_complete(struct store *s, char *const *short_ids, size_t n, struct err *e)
{
	auto_strv layers = STRV_INIT, others = STRV_INIT;
	size_t incomplete = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_linked = short_ids[i] && has_file(s, short_ids[i], "links");
		if (is_linked || (short_ids[i] && has_file(s, short_ids[i], "share")))
			strv_add(&layers, short_ids[i]);
		incomplete += is_linked;
	}
	if (!layers.n)
		return 0;
	if (unseen_layers(s, &others, e) < 0)
		return -e->code;
	return incomplete || layers.n + others.n > 1 ? link_all(s, &layers, &others, false, e) : 0;
}

/* ---- a layer that has its record ---- */

/* In a staging folder, a link that names the layer: made and durable before the note, as the
 * file system keeps the order of such things. */
#define JOINS "joins"

static void join_others(
	const struct strv *ids, struct store *s, const char *layer, struct strv *out)
{
	for (size_t i = 0; i < ids->n; i++)
		if (strcmp(ids->v[i], layer) != 0 && has_file(s, ids->v[i], "share"))
			strv_add(out, ids->v[i]);
}

int share_join(struct store *s, const char *layer, struct err *e)
{
	auto_strv ids = STRV_INIT, others = STRV_INIT, layers = STRV_INIT;
	auto_free char *stage = NULL;
	int lock = -1;
	/* One that another commit joins, or did when it was killed, is left to that. */
	if (!has_file(s, layer, "share") || has_file(s, layer, SHARE_JOINING))
		return 0;
	if (layer_row_ids(s->db, &ids, e) < 0)
		return -e->code;
	join_others(&ids, s, layer, &others);
	if (!others.n)
		return 0;
	if (store_stage(s, &stage, &lock, e) < 0)
		return -e->code;
	auto_free char *joins = xasprintf("%s/" JOINS, stage);
	strv_add(&layers, layer);
	int r = symlink(layer, joins) < 0 ? err_sys(e, "cannot create %s", joins) : 0;
	if (r == 0)
		r = link_all(s, &layers, &others, true, e);
	if (r == 0)
		(void)unlink(joins);
	/* Where that failed, the folder goes to the trash: share_settle_join. */
	store_unstage(s, stage, &lock);
	return r;
}

struct settling {
	struct store *store;
	const char *layer;
	const struct strv *busy;
};

static int settle_inside(void *arg, struct err *e)
{
	const struct settling *t = arg;
	auto_fd layers = share_open_layers(t->store, e);
	return layers < 0 ? layers : share_joining_settle(layers, t->layer, t->busy, e);
}

static int settle_layer(struct store *s, const char *layer, struct err *e)
{
	auto_strv busy = STRV_INIT;
	const struct settling t = {s, layer, &busy};
	if (!has_file(s, layer, SHARE_JOINING))
		return 0;
	auto_fd lock = share_lock(s, e);
	if (lock < 0 || layer_row_in_use(s->db, &busy, e) < 0)
		return -e->code;
	return enter_call(s, settle_inside, (void *)&t, e);
}

/* The layer that a folder of the trash names. */
static char *joined_layer(struct store *s, const char *name)
{
	char layer[64];
	auto_free char *joins = xasprintf("trash/%s/" JOINS, name);
	ssize_t n = readlinkat(s->root_fd, joins, layer, sizeof(layer));
	if (n <= 0 || n == (ssize_t)sizeof(layer))
		return NULL;
	auto_free char *text = xstrndup(layer, (size_t)n);
	return is_hex(text, (size_t)n) ? take_ptr(text) : NULL;
}

bool share_is_join(struct store *s, const char *name)
{
	auto_free char *layer = joined_layer(s, name);
	return layer;
}

int share_settle_join(struct store *s, const char *name, struct err *e)
{
	auto_free char *layer = joined_layer(s, name), *trash = store_path(s, "trash");
	int r = layer ? settle_layer(s, layer, e) : 0;
	if (r == -EBADMSG || r == -EFBIG) {
		log_warn("%s", e->msg);
		r = 0;
	}
	if (r > 0)
		return share_hold(s, name, e);
	return r < 0 ? r : enter_remove_tree(s, trash, name, e);
}
