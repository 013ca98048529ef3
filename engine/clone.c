#include "engine/clone.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/create.h"
#include "storage/db/container_row.h"
#include "storage/db/id_range_row.h"
#include "storage/db/trash_row.h"
#include "storage/image.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 16 * 1024 * 1024, SHORT_ID = 12, NAMES_MAX = 1000 };

/* Every mention of the one id, whole or short, becomes the other's. Owned. */
static char *with_id(const char *text, const char *from, const char *to)
{
	auto_buf b = BUF_INIT;
	for (const char *p = text; *p;) {
		size_t n = 0;
		while (n < 64 && p[n] && p[n] == from[n])
			n++;
		size_t known = n == 64 ? 64 : n >= SHORT_ID ? SHORT_ID : 0;
		if (known)
			buf_add(&b, to, known);
		else
			buf_putc(&b, *p);
		p += known ? known : 1;
	}
	return buf_take(&b);
}

static char *maybe_with_id(const char *text, const char *from, const char *to)
{
	return text ? with_id(text, from, to) : NULL;
}

static int clone_file(
	struct store *s, const char *name, const char *from, const char *to, struct err *e)
{
	auto_buf text = BUF_INIT;
	struct err missing;
	auto_free char *source = xasprintf("containers/%s/%s", from, name);
	auto_free char *target = xasprintf("containers/%s/%s", to, name);
	int r = read_file_at(s->root_fd, source, FILE_BYTES_MAX, &text, &missing);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*e = missing;
		return r;
	}
	auto_free char *own = with_id(text.data ? text.data : "", from, to);
	return write_file_at(s->root_fd, target, own, strlen(own), 0644, false, e);
}

/* The bundle, with the layers it stands on. */
static int clone_spec(
	struct store *s, const char *from, const struct container_new *c, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_free char *source = xasprintf("containers/%s/config.json", from);
	auto_free char *target = xasprintf("containers/%s/config.json", c->row.id);
	const struct strv layers = {c->layer_ids, c->n_layers};
	if (read_file_at(s->root_fd, source, FILE_BYTES_MAX, &text, e) < 0)
		return -e->code;
	auto_free char *own = with_id(text.data ? text.data : "", from, c->row.id);
	auto_free char *chain = strv_join(&layers, ",");
	auto_json spec = json_parse(own, strlen(own), "config.json", e);
	json_t *annotations = json_object_get(spec, "annotations");
	if (!spec)
		return -e->code;
	if (!json_is_object(annotations))
		return err_set(e, EBADMSG, "%s/%s has no annotations", s->root, source);
	json_set_str(annotations, "moss.layers", chain);
	auto_free char *written = json_text(spec);
	return write_file_at(s->root_fd, target, written, strlen(written), 0600, false, e);
}

static int refuse_own_ids(struct store *s, const struct container_row *from, struct err *e)
{
	struct id_range_row *rows = NULL;
	size_t n = 0;
	int r = id_range_row_list(s->db, &rows, &n, e);
	for (size_t i = 0; i < n && r >= 0; i++)
		if (!strcmp(rows[i].container_id, from->id)) {
			err_set(e, ENOTSUP, "container %s has ids of its own (--userns=auto)",
				from->name);
			r = err_hint(e, "make another one with the same flags: moss create");
		}
	free(rows);
	return r < 0 ? r : 0;
}

/* Those below its own writable layers, or the other image's. */
static int take_layers(struct store *s, const struct container_row *from, const struct image *image,
	struct container_new *out, struct err *e)
{
	struct strv own = STRV_INIT, all = STRV_INIT;
	if (image) {
		for (size_t i = 0; i < image->n_layers; i++)
			strv_add(&all, image->layer_ids[i]);
	} else {
		int r = container_row_layers(s->db, from->id, &all.v, &all.n, e);
		if (r >= 0)
			r = container_row_layers_own(s->db, from->id, &own.v, &own.n, e);
		if (r < 0)
			return r;
		while (all.n && own.n && !strcmp(all.v[all.n - 1], own.v[own.n - 1])) {
			free(all.v[--all.n]);
			free(own.v[--own.n]);
			all.v[all.n] = own.v[own.n] = NULL;
		}
		strv_free(&own);
	}
	out->layer_ids = all.v;
	out->n_layers = all.n;
	return 0;
}

static int take_volumes(
	struct store *s, const struct container_row *from, struct container_new *out, struct err *e)
{
	struct strv names = STRV_INIT;
	auto_free char *text = NULL;
	int r = trash_row_volumes_of(s->db, from->id, &text, e);
	if (r < 0)
		return r;
	auto_json list = json_parse(text, strlen(text), "volumes", e);
	json_to_strv(list, &names);
	out->volume_names = names.v;
	out->n_volumes = names.n;
	return 0;
}

static char *free_name(struct store *s, const char *of)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		struct err ignored;
		struct container_row other = {0};
		auto_free char *name =
			i ? xasprintf("%s-clone%d", of, i) : xasprintf("%s-clone", of);
		int r = container_row_find(s->db, name, &other, &ignored);
		container_row_deinit(&other);
		if (r == ROW_ABSENT)
			return take_ptr(name);
	}
	return xasprintf("%s-clone", of);
}

static void fill_row(struct store *s, const struct container_row *from, const char *name,
	const struct image *image, const char *image_name, struct container_row *to)
{
	to->name = name ? xstrdup(name) : free_name(s, from->name);
	to->image_id = image ? xstrdup(image->id) : from->image_id ? xstrdup(from->image_id) : NULL;
	to->image_name = xstrdup(image ? image_name : from->image_name ? from->image_name : "");
	to->state = xstrdup("created");
	to->config = with_id(from->config, from->id, to->id);
	to->driver = xstrdup(from->driver);
	to->created_ns = clock_now_ns();
	to->error = xstrdup("");
	to->network = maybe_with_id(from->network, from->id, to->id);
	to->restart_policy = from->restart_policy ? xstrdup(from->restart_policy) : NULL;
}

static int fill_folder(
	struct store *s, const char *from, const struct container_new *c, struct err *e)
{
	static const char *const files[] = {"hosts", "resolv.conf", "hostname"};
	int r = container_make_folders(
		s, c->dir, (const char *const *)c->layer_ids, c->n_layers, e);
	for (size_t i = 0; i < ARRAY_LEN(files) && r >= 0; i++)
		r = clone_file(s, files[i], from, c->row.id, e);
	return r < 0 ? r : clone_spec(s, from, c, e);
}

int container_clone(struct store *s, const struct container_row *from, const char *name,
	const struct image *image, const char *image_name, struct container_new *out, struct err *e)
{
	unsigned char random[32];
	*out = (struct container_new){.alive_fd = -1};
	int r = refuse_own_ids(s, from, e);
	if (r < 0)
		return r;
	random_bytes(random, sizeof(random));
	hex_encode(out->row.id, random, sizeof(random));
	fill_row(s, from, name, image, image_name, &out->row);
	r = take_layers(s, from, image, out, e);
	if (r >= 0)
		r = take_volumes(s, from, out, e);
	if (r >= 0)
		r = store_container_new(s, out->row.id, &out->dir, &out->alive_fd, e);
	if (r >= 0 && (r = fill_folder(s, from->id, out, e)) < 0)
		container_discard(s, out);
	if (r < 0)
		container_new_deinit(out);
	return r;
}
