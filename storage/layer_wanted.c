#include "storage/layer_wanted.h"
#include "storage/tarsplit.h"
#include "storage/unpack_tar.h"
#include "storage/unpack_write_internal.h"
#include "base/path.h"
#include "base/scope.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the table ---- */

static const char *name_of(const struct wanted *w) { return *w->path ? path_base(w->path) : "."; }

static size_t slot_of(const struct layer_wants *x, ino_t parent, const char *name)
{
	uint64_t h = tarsplit_crc(parent, name, strlen(name));
	size_t i = (size_t)h & (x->room - 1);
	while (x->table[i] &&
		(x->table[i]->parent != parent || strcmp(name_of(x->table[i]), name) != 0))
		i = (i + 1) & (x->room - 1);
	return i;
}

static void grow(struct layer_wants *x)
{
	struct wanted **old = x->table;
	size_t room = x->room;
	x->room = room ? 2 * room : 1024;
	x->table = xcalloc(x->room, sizeof(struct wanted *));
	for (size_t i = 0; i < room; i++)
		if (old[i])
			x->table[slot_of(x, old[i]->parent, name_of(old[i]))] = old[i];
	free(old);
}

struct wanted *layer_wanted_find(struct layer_wants *x, ino_t parent, const char *name)
{
	return x->room ? x->table[slot_of(x, parent, name)] : NULL;
}

static struct wanted *find_or_add(struct layer_wants *x, ino_t parent, const char *path)
{
	const char *name = *path ? path_base(path) : ".";
	if (2 * (x->n + 1) > x->room)
		grow(x);
	size_t i = slot_of(x, parent, name);
	if (!x->table[i]) {
		x->table[i] = xcalloc(1, sizeof(struct wanted));
		x->table[i]->parent = parent;
		x->table[i]->path = xstrdup(path);
		x->n++;
	}
	return x->table[i];
}

void layer_wants_deinit(struct layer_wants *x)
{
	for (size_t i = 0; i < x->room; i++) {
		if (!x->table[i])
			continue;
		free(x->table[i]->path);
		free(x->table[i]->link);
		strv_free(&x->table[i]->xattrs);
		free(x->table[i]);
	}
	free(x->table);
	free(x->parent_path);
	strv_free(&x->astray);
}

/* ---- what the tar says ---- */

/* The inode of the folder that `path` lies in; false where there is none. */
static bool parent_of(struct layer_wants *x, const char *path, ino_t *ino)
{
	struct stat st;
	auto_free char *dir = strchr(path, '/') ? path_dir(path) : xstrdup("");
	if (x->parent_path && !strcmp(x->parent_path, dir)) {
		*ino = x->parent_ino;
		return true;
	}
	auto_fd fd = path_open_in(x->diff_fd, *dir ? dir : "/", O_PATH | O_DIRECTORY, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	free(x->parent_path);
	x->parent_path = take_ptr(dir);
	*ino = x->parent_ino = st.st_ino;
	return true;
}

bool layer_keeps_xattr(const char *name)
{
	return (str_starts(name, "user.") && !str_starts(name, "user.overlay.") &&
		       !str_starts(name, "user.fuseoverlayfs.")) ||
	       !strcmp(name, "security.capability");
}

static void set_metadata(struct layer_wants *x, struct wanted *w, const struct tar_entry *en)
{
	w->mode = en->mode;
	w->uid = x->is_single_id ? 0 : en->uid;
	w->gid = x->is_single_id ? 0 : en->gid;
	w->mtime_s = en->mtime_s;
	w->mtime_ns = en->mtime_ns;
	strv_free(&w->xattrs);
	for (size_t i = 0; i < en->n_xattrs; i++) {
		if (!layer_keeps_xattr(en->xattrs[i].name))
			continue;
		char *hex = xcalloc(2, en->xattrs[i].len + 1);
		hex_encode(hex, en->xattrs[i].value, en->xattrs[i].len);
		strv_add(&w->xattrs, en->xattrs[i].name);
		strv_take(&w->xattrs, hex);
	}
}

struct wanted *layer_wanted_at(struct layer_wants *x, const char *path)
{
	ino_t parent;
	return parent_of(x, path, &parent)
		       ? layer_wanted_find(x, parent, *path ? path_base(path) : ".")
		       : NULL;
}

static void want_whiteout(struct layer_wants *x, const char *path, const char *last)
{
	const char *name = last + sizeof(".wh.") - 1;
	ino_t parent;
	if (!strcmp(last, ".wh..wh..opq")) {
		auto_free char *dir = strchr(path, '/') ? path_dir(path) : xstrdup("");
		struct wanted *w = layer_wanted_at(x, dir);
		if (!w && parent_of(x, dir, &parent)) {
			w = find_or_add(x, parent, dir);
			w->type = 'p'; /* a parent of which nothing else is known */
		}
		if (w)
			w->is_opaque = true;
		return;
	}
	if (str_starts(name, ".wh."))
		return;
	auto_free char *hidden = xasprintf("%.*s%s", (int)(last - path), path, name);
	if (!parent_of(x, hidden, &parent)) {
		strv_add(&x->astray, hidden);
		return;
	}
	if (!layer_wanted_find(x, parent, name))
		find_or_add(x, parent, hidden)->type = 'w';
}

/* As unpacking does: of a link to a link only the owner is set. */
static void want_same(struct layer_wants *x, struct wanted *w, const struct tar_entry *en)
{
	auto_free char *target = layer_clean_name(en->link);
	struct wanted *t = target ? layer_wanted_at(x, target) : NULL;
	while (t && t->same_as)
		t = t->same_as;
	if (!t || t == w)
		return;
	w->same_as = t;
	if (t->type == '0')
		set_metadata(x, t, en);
	if (t->type == '2' && !x->is_single_id) {
		t->uid = en->uid;
		t->gid = en->gid;
	}
}

static void want_at(
	struct layer_wants *x, ino_t parent, const char *path, const struct tar_entry *en)
{
	struct wanted *w = find_or_add(x, parent, path);
	/* A folder is merged with what is there; one over a whiteout hides what is below. */
	bool hides = w->type == 'w' || ((w->type == '5' || w->type == 'p') && w->is_opaque);
	w->is_opaque = en->type == '5' && hides;
	w->type = en->type;
	w->size = en->size;
	w->same_as = NULL;
	free(w->link);
	w->link = xstrdup(en->link);
	if (en->type == '1')
		want_same(x, w, en);
	else
		set_metadata(x, w, en);
}

void layer_want(struct layer_wants *x, const struct tar_entry *en)
{
	auto_free char *path = layer_clean_name(en->path);
	ino_t parent;
	if (!path || en->type == '3' || en->type == '4')
		return;
	if (str_starts(path_base(path), ".wh."))
		want_whiteout(x, path, path_base(path));
	else if (parent_of(x, path, &parent))
		want_at(x, parent, path, en);
	else
		strv_add(&x->astray, path);
}
