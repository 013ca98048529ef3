#include "storage/keep.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/image_row.h"
#include "storage/db/layer_row.h"
#include "storage/db/volume_row.h"
#include "storage/image.h"
#include "storage/intent.h"
#include "storage/keep_internal.h"
#include "storage/store.h"
#include "base/user_config.h"
#include "storage/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

const char keep_is_container[] = "container", keep_is_image[] = "image",
	   keep_is_volume[] = "volume";

enum { ID_BYTES = 32, FREE_PART = 20 };
#define AGE_NS (INT64_C(24) * 60 * 60 * NS_PER_S)
#define FREE_MAX (INT64_C(2) << 30)

/* ---- the folder undo/ ---- */

int keep_move(struct store *s, const char *from, const char *to, struct err *e)
{
	if (mkdirat(s->root_fd, "undo", 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create %s/undo", s->root);
	if (renameat(s->root_fd, from, s->root_fd, to) < 0 && errno != ENOENT)
		return err_sys(e, "cannot move %s/%s to %s", s->root, from, to);
	return 0;
}

/* Images have no folder to be kept: an empty one, so that undo/ tells whether there is anything. */
static int mark_image(struct store *s, const char *id, struct err *e)
{
	auto_free char *path = xasprintf("undo/%s", id);
	if ((mkdirat(s->root_fd, "undo", 0700) < 0 && errno != EEXIST) ||
		(mkdirat(s->root_fd, path, 0700) < 0 && errno != EEXIST))
		return err_sys(e, "cannot create %s/%s", s->root, path);
	return 0;
}

static int sync_folder(struct store *s, const char *name, struct err *e)
{
	auto_fd fd = openat(s->root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? err_sys(e, "cannot sync %s/%s", s->root, name) : 0;
}

/* ---- removing ---- */

int keep_container(struct store *s, const struct container_row *row, struct err *e)
{
	struct container_row now = {0};
	auto_free char *from = xasprintf("containers/%s", row->id);
	auto_free char *to = xasprintf("undo/%s", row->id);
	int r = container_row_find(s->db, row->id, &now, e);
	if (r == ROW_OK && strcmp(now.id, row->id) != 0)
		r = ROW_ABSENT;
	if (r != ROW_OK) {
		container_row_deinit(&now);
		return r;
	}
	auto_free char *volumes = NULL;
	auto_free char *content = NULL;
	r = trash_row_volumes_of(s->db, row->id, &volumes, e);
	if (r >= 0) {
		content = keep_container_text(&now, volumes);
		r = trash_row_insert(
			s->db, row->id, keep_is_container, now.name, clock_now_ns(), content, e);
	}
	if (r >= 0)
		r = trash_row_hold_container(s->db, row->id, row->id, e);
	if (r >= 0)
		r = container_row_delete(s->db, row->id, e);
	container_row_deinit(&now);
	if (r >= 0 && keep_move(s, from, to, e) < 0)
		return -e->code;
	if (r == ROW_OK)
		s->kept++;
	return r;
}

/* names, and what each leads to where that is still here. */
static void add_names(char *const *names, char *const *manifests, const struct image *now,
	struct strv *all, json_t *led)
{
	for (size_t i = 0; names[i]; i++) {
		strv_add(all, names[i]);
		for (char **m = now->manifests; manifests[i] && *m; m++)
			if (!strcmp(*m, manifests[i]))
				json_set_str(led, names[i], *m);
	}
}

int keep_image(struct store *s, const struct image *image, const struct image *was, struct err *e)
{
	const char *id = str_after(image->id, "sha256:");
	auto_json content = json_object();
	auto_json config = json_parse(image->config, strlen(image->config), "image config", e);
	if (!config || !id)
		return config ? err_set(e, EBADMSG, "image %s has no digest", image->id) : -e->code;
	json_object_set(content, "config", config);
	json_set_str(content, "manifest_digest", image->manifest_digest);
	json_set_int(content, "size", image->size);
	json_set_int(content, "created", image->created_ns);
	auto_strv names = STRV_INIT;
	json_t *manifests = json_object();
	if (was) {
		add_names(was->names, was->name_manifests, image, &names, manifests);
		add_names(was->digests, was->digest_manifests, image, &names, manifests);
	}
	json_set(content, "names", json_from_strv(&names));
	json_set(content, "manifests", manifests);
	auto_free char *text = json_text(content);
	const char *shown = names.n ? names.v[0] : "";
	int r = trash_row_insert(s->db, id, keep_is_image, shown, clock_now_ns(), text, e);
	if (r >= 0)
		r = trash_row_hold_image(s->db, id, image->id, e);
	if (r >= 0)
		r = mark_image(s, id, e);
	if (r >= 0)
		s->kept++;
	return r < 0 ? r : 0;
}

static void trash_list_free(struct trash_row *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		trash_row_deinit(&list[i]);
	free(list);
}

int keep_replaced(struct store *s, const char *id, struct strv *paths, struct err *e)
{
	struct trash_row *list = NULL;
	struct err ignored;
	const char *hex = str_after(id, "sha256:");
	size_t n = 0;
	int r = trash_row_list(s->db, &list, &n, e);
	for (size_t i = 0; i < n && hex; i++) {
		if (strcmp(list[i].kind, keep_is_image) != 0 || strcmp(list[i].id, hex) != 0)
			continue;
		auto_json content =
			json_parse(list[i].content, strlen(list[i].content), "trash", &ignored);
		keep_add_manifests(content, paths);
	}
	trash_list_free(list, n);
	return r < 0 ? r : 0;
}

int keep_volume(struct store *s, const char *stage, const char *name, struct err *e)
{
	struct volume v = {0};
	char id[2 * ID_BYTES + 1];
	unsigned char bytes[ID_BYTES];
	auto_strv lines = STRV_INIT;
	random_bytes(bytes, sizeof(bytes));
	hex_encode(id, bytes, sizeof(bytes));
	auto_free char *from = xasprintf("volumes/%s", name);
	auto_free char *to = xasprintf("undo/%s", id);
	strv_addf(&lines, "keep %s %s", id, from);
	int r = volume_row_find(s->db, name, &v, e);
	if (r != ROW_OK)
		return r;
	auto_free char *content = keep_volume_text(&v);
	volume_deinit(&v);
	if ((r = intent_write(s, stage, &lines, e)) < 0 ||
		(r = trash_row_insert(
			 s->db, id, keep_is_volume, name, clock_now_ns(), content, e)) < 0 ||
		(r = volume_row_delete(s->db, name, e)) != ROW_OK)
		return r;
	r = keep_move(s, from, to, e);
	if (r >= 0)
		r = sync_folder(s, "undo", e);
	if (r >= 0)
		s->kept++;
	return r;
}

/* ---- what is kept ---- */

int keep_list(struct store *s, struct trash_row **out, size_t *n, struct err *e)
{
	return trash_row_list(s->db, out, n, e);
}

struct limits {
	int64_t age_ns, free_bytes;
};

static void limits_load(struct store *s, struct limits *l)
{
	struct err ignored;
	struct statfs fs;
	auto_json config = NULL;
	(void)user_config_read(&config, &ignored);
	*l = (struct limits){.age_ns = AGE_NS, .free_bytes = FREE_MAX};
	if (statfs(s->root, &fs) == 0) {
		int64_t part = (int64_t)((uint64_t)fs.f_blocks / FREE_PART) * fs.f_bsize;
		l->free_bytes = part < FREE_MAX ? part : FREE_MAX;
	}
	const char *age = json_str(config, "trash-age");
	if (age && !clock_parse_duration(age, &l->age_ns))
		log_warn("config.json: trash-age: %s is no duration", age);
	l->free_bytes = json_int_or(config, "trash-free", l->free_bytes);
}

int64_t keep_until_ns(struct store *s, const struct trash_row *t)
{
	struct limits l;
	limits_load(s, &l);
	return t->removed_ns + l.age_ns;
}

/* A container that was on its way back when its command was killed has its folder there. */
static int take_in(struct store *s, const struct trash_row *t, struct err *e)
{
	struct container_row row = {0};
	auto_free char *from = xasprintf("containers/%s", t->id);
	auto_free char *to = xasprintf("undo/%s", t->id);
	if (strcmp(t->kind, keep_is_container) != 0)
		return 0;
	int r = container_row_find(s->db, t->id, &row, e);
	bool is_there = r == ROW_OK && !strcmp(row.id, t->id);
	container_row_deinit(&row);
	return r < 0 || is_there ? (r < 0 ? r : 0) : keep_move(s, from, to, e);
}

static int free_rows(struct store *s, const char *stage, const struct trash_row *t, struct err *e)
{
	auto_strv paths = STRV_INIT;
	struct strv ids = STRV_INIT, diffs = STRV_INIT;
	int r = take_in(s, t, e);
	strv_addf(&paths, "undo/%s", t->id);
	if (r >= 0)
		r = trash_row_delete(s->db, t->id, e);
	if (r < 0)
		return r;
	r = layer_row_collect(s->db, &ids.v, &diffs.v, &ids.n, e);
	diffs.n = ids.n;
	for (size_t i = 0; r >= 0 && i < ids.n; i++)
		strv_addf(&paths, "layers/%s", ids.v[i]);
	strv_free(&ids);
	strv_free(&diffs);
	if (!strcmp(t->kind, keep_is_image)) {
		struct err ignored;
		auto_json content = json_parse(t->content, strlen(t->content), "trash", &ignored);
		strv_addf(&paths, "blobs/sha256/%s", t->id);
		keep_add_manifests(content, &paths);
	}
	return r < 0 ? r : intent_write(s, stage, &paths, e);
}

/* As image_delete: the intent is written before the rows go. */
int keep_free(struct store *s, const struct trash_row *t, struct err *e)
{
	auto_free char *stage = NULL;
	int lock_fd = -1;
	int r = store_stage(s, &stage, &lock_fd, e);
	if (r < 0)
		return r;
	r = db_begin(s->db, DB_FULL, e);
	if (r == 0) {
		r = free_rows(s, stage, t, e);
		if (r < 0)
			db_rollback(s->db);
		else
			r = db_commit(s->db, e);
	}
	intent_end(s, stage, lock_fd);
	return r;
}

/* Those that went in before that time. */
static int free_before(struct store *s, int64_t time_ns, size_t *freed, struct err *e)
{
	struct trash_row *list = NULL;
	size_t n = 0, count = 0;
	int r = trash_row_list(s->db, &list, &n, e);
	for (size_t i = n; i-- > 0 && r >= 0;)
		if (list[i].removed_ns <= time_ns && (r = keep_free(s, &list[i], e)) >= 0)
			count++;
	trash_list_free(list, n);
	if (freed)
		*freed = count;
	return r < 0 ? r : 0;
}

int keep_free_all(struct store *s, size_t *n, struct err *e)
{
	return free_before(s, INT64_MAX, n, e);
}

/* Folders count in the links of their parent, where the file system counts at all. */
static bool may_have_any(struct store *s)
{
	struct stat st;
	return fstatat(s->root_fd, "undo", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink != 2;
}

void keep_expire(struct store *s)
{
	struct err e = {0};
	struct limits l;
	struct statfs fs;
	int64_t oldest = 0, until = 0;
	if (!may_have_any(s) || trash_row_oldest(s->db, &oldest, &e) < 0 || !oldest)
		return;
	limits_load(s, &l);
	if (statfs(s->root, &fs) == 0 && (int64_t)fs.f_bavail * (int64_t)fs.f_bsize < l.free_bytes)
		until = INT64_MAX;
	else if (oldest + l.age_ns <= clock_now_ns())
		until = clock_now_ns() - l.age_ns;
	if (!until)
		return;
	size_t n = 0;
	if (free_before(s, until, &n, &e) < 0)
		log_debug("%s", e.msg);
	/* Whoever opened the store removes the files at its end. */
	s->has_leftovers |= n > 0;
}

int keep_settle_volume(struct store *s, const char *trash_id, const char *name, struct err *e)
{
	struct stat st;
	auto_free char *kept = xasprintf("undo/%s", trash_id);
	auto_free char *place = xasprintf("volumes/%s", name);
	int is_kept = trash_row_exists(s->db, trash_id, e);
	int is_there = is_kept < 0 ? is_kept : volume_row_exists(s->db, name, e);
	if (is_there < 0)
		return is_there;
	bool in_trash = fstatat(s->root_fd, kept, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (is_kept)
		return in_trash || is_there ? 0 : keep_move(s, place, kept, e);
	if (!in_trash)
		return 0;
	if (is_there && fstatat(s->root_fd, place, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return keep_move(s, kept, place, e);
	return store_trash(s, kept, e);
}
