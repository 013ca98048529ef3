/* Which images a store of containers/storage has, by its files: for skopeo, which copies images but
 * lists none. Where the store is, is said by containers-storage.conf(5). */
#include "engine/transfer/migrate_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/toml.h"
#include "registry/reference.h"

enum { INDEX_MAX = 64 * 1024 * 1024 };

struct found *found_list_add(struct found_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].id, id))
			return &l->v[i];
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n] = (struct found){.id = xstrdup(id)};
	return &l->v[l->n++];
}

/* ---- where ---- */

/* $HOME, $USER and $UID stand in such paths. */
static char *expand(const char *path)
{
	auto_free char *uid = xasprintf("%u", getuid());
	const char *const names[] = {"$HOME", "$USER", "$UID"};
	const char *const values[] = {getenv("HOME"), getenv("USER"), uid};
	auto_buf out = BUF_INIT;
	while (*path) {
		size_t i = 0;
		while (i < ARRAY_LEN(names) && !(values[i] && str_starts(path, names[i])))
			i++;
		if (i < ARRAY_LEN(names)) {
			buf_puts(&out, values[i]);
			path += strlen(names[i]);
		} else {
			buf_putc(&out, *path++);
		}
	}
	return buf_take(&out);
}

/* [storage] key of that file; owned, NULL where it is not set. */
static char *setting(const char *file, const char *key)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (!file || read_file(file, TOML_MAX, &text, &ignored) < 0 || !text.len)
		return NULL;
	auto_json conf = toml_parse(text.data, text.len, file, &ignored);
	const char *path = json_str(json_object_get(conf, "storage"), key);
	return str_empty(path) ? NULL : expand(path);
}

static char *storage_root(void)
{
	const char *named = getenv("CONTAINERS_STORAGE_CONF");
	auto_free char *own = path_of_user("XDG_CONFIG_HOME", ".config", "containers/storage.conf");
	char *root = setting(str_empty(named) ? own : named, "graphroot");
	if (!root)
		root = setting("/etc/containers/storage.conf", "rootless_storage_path");
	return root ? root : path_of_user("XDG_DATA_HOME", ".local/share", "containers/storage");
}

/* ---- what ---- */

/* The layers on which others stand. */
static json_t *parents_of(const json_t *layers)
{
	json_t *parents = json_object();
	size_t i;
	json_t *layer;
	json_array_foreach ((json_t *)layers, i, layer) {
		const char *parent = json_str(layer, "parent");
		if (!str_empty(parent))
			json_set_bool(parents, parent, true);
	}
	return parents;
}

static int read_image(
	const json_t *image, const json_t *parents, struct found_list *l, struct err *e)
{
	const json_t *names = json_object_get(image, "names");
	auto_free char *id = xasprintf("sha256:%s", json_str_or(image, "id", ""));
	size_t i;
	json_t *name;
	if (!digest_valid(id))
		return err_set(e, EBADMSG, "an image without an id");
	if (!json_array_size(names) && json_object_get(parents, json_str_or(image, "layer", "")))
		return 0;
	struct found *f = found_list_add(l, id);
	json_array_foreach ((json_t *)names, i, name) {
		auto_reference ref = {0};
		struct err ignored;
		const char *text = json_string_value(name);
		if (text && reference_parse(text, false, &ref, &ignored) == 0 && !ref.digest)
			strv_add(&f->names, text);
	}
	return 0;
}

int migrate_storage_read(
	const json_t *images, const json_t *layers, struct found_list *l, struct err *e)
{
	auto_json parents = parents_of(layers);
	size_t i;
	json_t *image;
	if (!json_is_array(images))
		return err_set(e, EBADMSG, "no list of images");
	json_array_foreach ((json_t *)images, i, image)
		if (read_image(image, parents, l, e) < 0)
			return -e->code;
	return 0;
}

/* ROOT/DRIVER-KIND/KIND.json. New reference, NULL with e set. */
static json_t *read_index(const char *root, const char *driver, const char *kind, struct err *e)
{
	auto_free char *path = xasprintf("%s/%s-%s/%s.json", root, driver, kind, kind);
	auto_buf text = BUF_INIT;
	if (read_file(path, INDEX_MAX, &text, e) < 0)
		return NULL;
	return json_parse(text.data ? text.data : "", text.len, path, e);
}

int migrate_storage_list(struct found_list *l, struct err *e)
{
	static const char *const drivers[] = {"overlay", "vfs", "btrfs", "zfs"};
	auto_free char *root = storage_root();
	for (size_t i = 0; root && i < ARRAY_LEN(drivers); i++) {
		struct err failure = {0}, ignored;
		auto_json images = read_index(root, drivers[i], "images", &failure);
		if (!images && failure.code == ENOENT)
			continue;
		if (!images) {
			*e = failure;
			return -e->code;
		}
		auto_json layers = read_index(root, drivers[i], "layers", &ignored);
		int r = migrate_storage_read(images, layers, l, e);
		return r < 0 ? err_ctx(e, "%s/%s-images/images.json", root, drivers[i]) : 0;
	}
	return err_set(e, ENOENT, "there are no images of Podman in %s", root ? root : "~");
}
