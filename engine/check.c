#include "engine/check.h"
#include "engine/check_internal.h"
#include "engine/transfer/unpacker.h"
#include "storage/db/check_row.h"
#include "storage/db/container_row.h"
#include "storage/db/layer_row.h"
#include "storage/image.h"
#include "storage/store.h"
#include "storage/volume.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 500 };

static void item_deinit(struct check_item *it)
{
	free(it->id);
	free(it->place);
	free(it->outcome);
	strv_free(&it->errors);
}

void check_deinit(struct check *c)
{
	for (size_t i = 0; i < c->n; i++)
		item_deinit(&c->items[i]);
	free(c->items);
	*c = (struct check){0};
}

struct check_item *check_find(struct check *c, enum check_kind kind, const char *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].kind == kind && !strcmp(c->items[i].id, id))
			return &c->items[i];
	return NULL;
}

static struct check_item *item(
	struct check *c, enum check_kind kind, const char *id, const char *place)
{
	struct check_item *found = check_find(c, kind, id);
	if (found)
		return found;
	c->items = xrealloc(c->items, (c->n + 1) * sizeof(*c->items));
	found = &c->items[c->n++];
	*found = (struct check_item){
		.kind = kind, .id = xstrdup(id), .place = place ? xstrdup(place) : NULL};
	return found;
}

/* ---- layers ---- */

void check_layers_free(struct check_layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		check_layer_row_deinit(&l->v[i]);
	free(l->v);
	*l = (struct check_layers){0};
}

const struct check_layer_row *check_layer_by_id(const struct check_layers *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].id, id))
			return &l->v[i];
	return NULL;
}

static void note_layer(
	struct check *c, const struct check_layer_row *row, const char *path, const char *message)
{
	struct check_item *it = item(c, CHECK_LAYER, row->diff_id, row->id);
	if (*path)
		strv_addf(&it->errors, "layer %s: /%s %s", row->diff_id, path, message);
	else
		strv_addf(&it->errors, "layer %s: %s", row->diff_id, message);
}

/* Sends one job and takes in what it finds; `note` is told of each. */
static int run_job(struct store *s, const char *folder, const json_t *job,
	void (*note)(void *arg, const char *what, const char *path, const char *message), void *arg,
	struct err *e)
{
	struct unpacker u;
	auto_fd dir = openat(s->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open %s/%s", s->root, folder);
	int r = unpacker_start(s, &u, e);
	if (r < 0)
		return r;
	const int fds[2] = {dir, dir};
	r = unpacker_send(&u, job, fds, 2, e);
	while (r == 0) {
		auto_json reply = unpacker_next(&u, NULL, e);
		const json_t *damage = json_object_get(reply, "damage");
		if (!reply) {
			r = -e->code;
		} else if (damage) {
			note(arg, json_str_or(damage, "what", ""), json_str_or(damage, "path", ""),
				json_str_or(damage, "message", "is damaged"));
		} else if (json_bool_or(reply, "ok", false)) {
			break;
		}
	}
	unpacker_stop(&u);
	return r;
}

struct layers_job {
	struct check *c;
	const struct check_layers *l;
};

static void note_of_layer(void *arg, const char *what, const char *path, const char *message)
{
	struct layers_job *j = arg;
	const struct check_layer_row *row = check_layer_by_id(j->l, what);
	if (row)
		note_layer(j->c, row, path, message);
}

static json_t *layers_job(const struct check_layers *l, size_t from, size_t to)
{
	json_t *job = json_object(), *list = json_array();
	json_set_str(job, "op", "check");
	for (size_t i = from; i < to; i++) {
		json_t *o = json_object();
		json_set_str(o, "id", l->v[i].id);
		json_set_str(o, "diff_id", l->v[i].diff_id);
		json_set_bool(o, "local", l->v[i].is_local);
		json_array_append_new(list, o);
	}
	json_set(job, "layers", list);
	return job;
}

/* Without reading: what must be there. */
static void look_at_layer(struct store *s, struct check *c, const struct check_layer_row *row)
{
	static const char *const parts[] = {"diff", "tar-split"};
	struct stat st;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		auto_free char *path = xasprintf("layers/%s/%s", row->id, parts[i]);
		bool is_there = fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
		if (!is_there || (i == 0 ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)))
			note_layer(c, row, "",
				i == 0 ? "its files are missing" : "tar-split is missing");
	}
}

static int check_layers(struct store *s, const struct check_options *o,
	const struct check_layers *l, struct check *c, struct err *e)
{
	struct layers_job j = {c, l};
	for (size_t i = 0; o->is_quick && i < l->n; i++)
		look_at_layer(s, c, &l->v[i]);
	for (size_t i = 0; !o->is_quick && i < l->n; i += BATCH) {
		auto_json job = layers_job(l, i, i + BATCH < l->n ? i + BATCH : l->n);
		if (run_job(s, "layers", job, note_of_layer, &j, e) < 0)
			return err_ctx(e, "cannot check the layers");
	}
	return 0;
}

/* ---- blobs ---- */

static void note_of_blob(void *arg, const char *what, const char *path, const char *message)
{
	auto_free char *id = xasprintf("sha256:%s", what);
	(void)path;
	strv_addf(&item(arg, CHECK_BLOB, id, NULL)->errors, "blob %s: %s", id, message);
}

static int check_blobs(struct store *s, const struct check_options *o, const struct strv *blobs,
	struct check *c, struct err *e)
{
	for (size_t i = 0; o->is_quick && i < blobs->n; i++) {
		auto_free char *path = xasprintf("blobs/sha256/%s", blobs->v[i]);
		if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			note_of_blob(c, blobs->v[i], "", "is missing");
	}
	for (size_t i = 0; !o->is_quick && i < blobs->n; i += BATCH) {
		struct strv part = {blobs->v + i, blobs->n - i < BATCH ? blobs->n - i : BATCH};
		auto_json job = json_object();
		json_set_str(job, "op", "check");
		json_set(job, "blobs", json_from_strv(&part));
		if (run_job(s, "blobs/sha256", job, note_of_blob, c, e) < 0)
			return err_ctx(e, "cannot check the blobs");
	}
	return 0;
}

/* ---- what nobody knows ---- */

static bool is_old(int dir, const char *name, const struct check_options *o)
{
	struct stat st;
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ctim.tv_sec + o->max_age_s <= time(NULL);
}

static int find_unreferenced(struct store *s, const char *folder, const struct check_options *o,
	bool (*is_known)(const void *arg, const char *name), const void *arg, struct check *c,
	struct err *e)
{
	int fd = openat(s->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, "cannot read %s/%s", s->root, folder);
	const struct dirent *d;
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
			is_known(arg, d->d_name) || !is_old(fd, d->d_name, o))
			continue;
		auto_free char *path = xasprintf("%s/%s", folder, d->d_name);
		strv_addf(&item(c, CHECK_UNREFERENCED, path, path)->errors,
			"%s: nothing refers to it", path);
	}
	return 0;
}

static bool layer_is_known(const void *arg, const char *name)
{
	return check_layer_by_id(arg, name) != NULL;
}

static bool blob_is_known(const void *arg, const char *name) { return strv_has(arg, name); }

/* ---- images, containers, volumes ---- */

/* What is wrong with a part is wrong with the whole. */
static void inherit(struct check *c, enum check_kind part, const char *part_id,
	enum check_kind whole, const char *whole_id, const char *place)
{
	const struct check_item *from = part_id ? check_find(c, part, part_id) : NULL;
	if (!from)
		return;
	auto_strv errors = STRV_INIT;
	strv_copy(&errors, &from->errors);
	struct check_item *to = item(c, whole, whole_id, place);
	for (size_t i = 0; i < errors.n; i++)
		strv_add(&to->errors, errors.v[i]);
}

static void check_image(struct check *c, const struct image *image)
{
	for (size_t i = 0; i < image->n_layers; i++)
		inherit(c, CHECK_LAYER, image->diff_ids[i], CHECK_IMAGE, image->id, NULL);
	inherit(c, CHECK_BLOB, image->id, CHECK_IMAGE, image->id, NULL);
	for (char **m = image->manifests; *m; m++)
		inherit(c, CHECK_BLOB, *m, CHECK_IMAGE, image->id, NULL);
}

static int check_images(struct store *s, struct check *c, struct err *e)
{
	struct image *images = NULL;
	size_t n = 0;
	int r = image_list(s, &images, &n, e);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		check_image(c, &images[i]);
		image_deinit(&images[i]);
	}
	free(images);
	return r;
}

static int check_container(struct store *s, const struct check_layers *l, struct check *c,
	const struct container_row *row, struct err *e)
{
	static const char *const parts[] = {"alive", "config.json"};
	char **ids = NULL;
	size_t n = 0;
	if (!strcmp(row->state, "removing"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		auto_free char *path = xasprintf("containers/%s/%s", row->id, parts[i]);
		if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			strv_addf(&item(c, CHECK_CONTAINER, row->id, row->name)->errors,
				"container %s: %s is missing", row->id, parts[i]);
	}
	int r = container_row_layers(s->db, row->id, &ids, &n, e);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct check_layer_row *layer = check_layer_by_id(l, ids[i]);
		if (layer)
			inherit(c, CHECK_LAYER, layer->diff_id, CHECK_CONTAINER, row->id,
				row->name);
		free(ids[i]);
	}
	free(ids);
	return r;
}

static int check_containers(
	struct store *s, const struct check_layers *l, struct check *c, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0;
	int r = container_row_list(s->db, &rows, &n, e);
	for (size_t i = 0; i < n; i++) {
		if (r >= 0)
			r = check_container(s, l, c, &rows[i], e);
		container_row_deinit(&rows[i]);
	}
	free(rows);
	return r;
}

static int check_volumes(struct store *s, struct check *c, struct err *e)
{
	struct volume *v = NULL;
	size_t n = 0;
	struct stat st;
	int r = volume_list(s, &v, &n, e);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		auto_free char *path = xasprintf("volumes/%s/_data", v[i].name);
		if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
			strv_addf(&item(c, CHECK_VOLUME, v[i].name, NULL)->errors,
				"volume %s: its folder is missing", v[i].name);
	}
	for (size_t i = 0; i < n; i++)
		volume_deinit(&v[i]);
	free(v);
	return r;
}

static int check_database(
	struct store *s, const struct check_options *o, struct check *c, struct err *e)
{
	auto_strv problems = STRV_INIT;
	int r = check_row_database(s->db, o->is_quick, &problems, e);
	for (size_t i = 0; i < problems.n; i++)
		strv_add(&item(c, CHECK_DATABASE, "moss.db", NULL)->errors, problems.v[i]);
	return r;
}

/* What was removed while it was being checked is not lost. */
static bool has_gone(struct store *s, const struct check_item *it, struct err *e)
{
	if (it->kind == CHECK_LAYER)
		return layer_row_exists(s->db, it->place, e) == 0;
	return it->kind == CHECK_BLOB && blob_is_used(s->db, it->id + strlen("sha256:"), e) == 0;
}

static void forget_gone(struct store *s, struct check *c)
{
	struct err ignored;
	size_t kept = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (has_gone(s, &c->items[i], &ignored))
			item_deinit(&c->items[i]);
		else
			c->items[kept++] = c->items[i];
	}
	c->n = kept;
}

int check_store(struct store *s, const struct check_options *o, struct check *c, struct err *e)
{
	auto_check_layers l = {0};
	auto_strv blobs = STRV_INIT;
	int r = check_database(s, o, c, e);
	if (r >= 0)
		r = check_row_layers(s->db, &l.v, &l.n, e);
	if (r >= 0)
		r = check_row_blobs(s->db, &blobs, e);
	if (r < 0 || (r = check_layers(s, o, &l, c, e)) < 0 ||
		(r = check_blobs(s, o, &blobs, c, e)) < 0)
		return r;
	forget_gone(s, c);
	if ((r = find_unreferenced(s, "layers", o, layer_is_known, &l, c, e)) < 0 ||
		(r = find_unreferenced(s, "blobs/sha256", o, blob_is_known, &blobs, c, e)) < 0 ||
		(r = check_images(s, c, e)) < 0 || (r = check_containers(s, &l, c, e)) < 0)
		return r;
	r = check_volumes(s, c, e);
	return r < 0 ? r : 0;
}
