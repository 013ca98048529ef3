#include "cmd/push_transport.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/image_names.h"
#include "cmd/push_opts.h"
#include "cmd/save_output.h"
#include "engine/manifest_list.h"
#include "engine/transfer/member_source.h"
#include "engine/transfer/own_manifest.h"
#include "engine/transfer/progress.h"
#include "engine/transfer/save.h"
#include "engine/transfer/write_folder.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

/* Docker reads nothing else there. */
static int check_docker_archive(const struct transport *to, const struct push_transport *p,
	const struct push_options *o, struct err *e)
{
	struct stat st;
	if (o->format == FORMAT_OCI)
		return err_set(e, EINVAL,
			"a docker-archive holds no image of the OCI format: use oci-archive");
	if (o->compression.is_given || o->compression.has_level || p->compress)
		return err_set(e, EINVAL,
			"the layers of a docker-archive are not compressed: leave the flags of "
			"compression out, or compress the file");
	if (stat(to->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		return err_set(
			e, EEXIST, "docker-archive doesn't support modifying existing images");
	return 0;
}

static int check(const struct transport *to, const struct push_transport *p,
	const struct push_options *o, struct err *e)
{
	if (registry_creds_fit(o->registry.creds, p->typed, e) < 0)
		return -e->code;
	if (to->index >= 0)
		return err_set(e, EINVAL, "a destination has no image @%lld to replace",
			(long long)to->index);
	return to->kind == TRANSPORT_DOCKER_ARCHIVE ? check_docker_archive(to, p, o, e) : 0;
}

/* A folder's layers are as they are, unless it is asked for; a layout's are compressed. */
static void read_options(const struct transport *to, const struct push_transport *p,
	const struct push_options *from, struct save_options *o)
{
	bool is_dir = to->kind == TRANSPORT_DIR;
	o->format = to->kind;
	o->compression = from->compression;
	o->manifest = from->format;
	if (to->kind == TRANSPORT_DOCKER_ARCHIVE)
		o->manifest = FORMAT_AS_IS;
	else
		o->compress = !is_dir || p->compress || from->compression.is_given ||
			      from->compression.has_level;
	bool is_zstd = o->compress && from->compression.format == COMPRESSION_ZSTD;
	if (o->manifest == FORMAT_AS_IS && to->kind != TRANSPORT_DOCKER_ARCHIVE &&
		(!is_dir || is_zstd))
		o->manifest = FORMAT_OCI;
}

/* In a dir: an image stays in its format, where no other is asked for. */
static int choose_format(
	struct store *s, const struct save_options *o, struct save_item *item, struct err *e)
{
	if (o->format != TRANSPORT_DIR || o->manifest != FORMAT_AS_IS)
		return 0;
	return own_manifest_format(s, item->image, &item->manifest, e);
}

/* The one that was typed, and in Docker's archives the image's own. */
static void add_names(const struct transport *to, const struct push_transport *p,
	const struct image *image, struct strv *names)
{
	if (to->ref)
		strv_add(names, to->ref);
	auto_free char *full = image_reference(p->name);
	if (to->kind != TRANSPORT_DOCKER_ARCHIVE || !full)
		return;
	for (char **name = image->names; *name; name++)
		if (!strcmp(*name, full) && !strv_has(names, full))
			strv_add(names, full);
}

/* A link is written through: it is what it names that becomes the archive. Owned. */
static char *linked(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return xstrdup(path);
	char *real = realpath(path, NULL);
	if (real)
		return real;
	target[n] = '\0';
	auto_free char *dir = path_dir(path);
	return target[0] == '/' ? xstrdup(target) : path_join(dir, target);
}

static int write_archive(struct store *s, const struct transport *to, const struct save_item *items,
	size_t n, const struct save_options *o, struct err *e)
{
	auto_free char *path = linked(to->path);
	return save_output(s, path, items, n, o, e);
}

static int write_items(struct store *s, const struct transport *to, const struct save_item *items,
	size_t n, const struct save_options *o, struct err *e)
{
	return transport_is_folder(to->kind) ? write_folder(s, to, items, n, o, e)
					     : write_archive(s, to, items, n, o, e);
}

int push_transport(struct cmd_call *call, const struct push_transport *p, const struct push_opts *a,
	const struct push_options *o, const struct image *image, struct err *e)
{
	auto_transport to;
	struct save_manifest written = {0};
	struct save_options options = {.manifests = &written};
	struct save_item item = {.image = image};
	if (transport_parse(p->typed, &to, e) < 0)
		return -e->code;
	int r = check(&to, p, o, e);
	read_options(&to, p, o, &options);
	add_names(&to, p, image, &item.names);
	if (r == 0)
		r = choose_format(call->store, &options, &item, e);
	if (r == 0)
		r = write_items(call->store, &to, &item, 1, &options, e);
	strv_free(&item.names);
	if (r < 0)
		return err_ctx(e, "%s", p->typed);
	if (!a->quiet)
		printf("%s: digest: %s size: %lld\n", p->typed, written.digest,
			(long long)written.size);
	return push_opts_write_digest(a, written.digest, e);
}

/* ---- lists ---- */

struct members {
	struct image *images;
	struct save_item *items;
	size_t n;
};

static void members_deinit(struct members *m)
{
	for (size_t i = 0; i < m->n; i++)
		image_deinit(&m->images[i]);
	free(m->images);
	free(m->items);
}
#define auto_members __attribute__((cleanup(members_deinit))) struct members

/* What the store has is made again; the rest comes from where it is. */
static int find_members(struct store *s, const struct manifest_list *l,
	const struct save_options *o, struct members *m, struct err *e)
{
	json_t *entries = manifest_list_entries(l), *entry;
	size_t n = json_array_size(entries), i;
	m->images = xcalloc(n + 1, sizeof(*m->images));
	m->items = xcalloc(n + 1, sizeof(*m->items));
	json_array_foreach (entries, i, entry) {
		const char *id = json_str(entry, "image");
		m->n++;
		m->items[i].entry = entry;
		int r = id ? image_find(s, id, NULL, &m->images[i], e) : ROW_ABSENT;
		if (r == ROW_OK) {
			member_choose_manifest(entry, &m->images[i]);
			m->items[i].image = &m->images[i];
			r = choose_format(s, o, &m->items[i], e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static const char *index_type(const struct save_options *o)
{
	return o->manifest == FORMAT_OCI      ? INDEX_OCI
	       : o->manifest == FORMAT_DOCKER ? INDEX_DOCKER
					      : NULL;
}

static int check_list(const struct transport *to, const struct push_transport *p,
	const struct push_options *o, struct err *e)
{
	if (to->kind != TRANSPORT_DOCKER_ARCHIVE)
		return check(to, p, o, e);
	(void)err_set(e, EOPNOTSUPP, "a docker-archive holds no manifest list");
	return err_hint(e, "an oci-archive does: oci-archive:%s", to->path);
}

int push_transport_list(struct cmd_call *call, const struct push_transport *p,
	const struct push_opts *a, struct manifest_list *l, bool list_only, struct err *e)
{
	auto_transport to;
	auto_members m = {0};
	struct push_options o;
	struct save_manifest written = {0};
	if (transport_parse(p->typed, &to, e) < 0 || push_opts_read(call, a, &o, e) < 0)
		return -e->code;
	o.registry.progress = PROGRESS_NONE;
	struct save_list list = {.list = l, .registries = &o.registry};
	struct save_options options = {.manifests = &written, .list = &list};
	int r = check_list(&to, p, &o, e);
	read_options(&to, p, &o, &options);
	list.media_type = index_type(&options);
	if (to.ref)
		strv_add(&list.names, to.ref);
	if (r == 0 && !list_only)
		r = find_members(call->store, l, &options, &m, e);
	if (r == 0)
		r = write_items(call->store, &to, m.items, m.n, &options, e);
	strv_free(&list.names);
	if (r < 0)
		return err_ctx(e, "%s", p->typed);
	if (!a->quiet)
		printf("%s\n", written.digest);
	return push_opts_write_digest(a, written.digest, e);
}
