#include "cmd/push_transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/image_names.h"
#include "cmd/push_opts.h"
#include "cmd/save_output.h"
#include "engine/transfer/own_manifest.h"
#include "engine/transfer/save.h"
#include "engine/transfer/write_folder.h"
#include "registry/reference.h"
#include "registry/transport.h"
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
	if (to->index >= 0)
		return err_set(e, EINVAL, "a destination has no image @%lld to replace",
			(long long)to->index);
	return to->kind == TRANSPORT_DOCKER_ARCHIVE ? check_docker_archive(to, p, o, e) : 0;
}

/* A folder's layers are as they are, unless it is asked for; a layout's are compressed. */
static int read_options(struct store *s, const struct transport *to, const struct push_transport *p,
	const struct push_options *from, const struct image *image, struct save_options *o,
	struct err *e)
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
	if (!is_dir || o->manifest != FORMAT_AS_IS)
		return 0;
	if (o->compress && from->compression.format == COMPRESSION_ZSTD) {
		o->manifest = FORMAT_OCI;
		return 0;
	}
	return own_manifest_format(s, image, &o->manifest, e);
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

static int write_image(struct store *s, const struct transport *to, const struct save_item *item,
	const struct save_options *o, struct err *e)
{
	return transport_is_folder(to->kind) ? write_folder(s, to, item, o, e)
					     : save_output(s, to->path, item, 1, o, e);
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
	if (r == 0)
		r = read_options(call->store, &to, p, o, image, &options, e);
	add_names(&to, p, image, &item.names);
	if (r == 0)
		r = write_image(call->store, &to, &item, &options, e);
	strv_free(&item.names);
	if (r < 0)
		return err_ctx(e, "%s", p->typed);
	if (!a->quiet)
		printf("%s: digest: %s size: %lld\n", p->typed, written.digest,
			(long long)written.size);
	return push_opts_write_digest(a, written.digest, e);
}
