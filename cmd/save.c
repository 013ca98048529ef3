#include "cmd/cmd.h"
#include "base/scope.h"
#include "cmd/image_names.h"
#include "cmd/save_output.h"
#include "engine/manifest_list.h"
#include "engine/transfer/platform.h"
#include "engine/transfer/save.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct save_args {
	char *output, *format, *platform;
	bool compress, uncompressed, quiet, many;
};

/* ---- which images, under which names ---- */

struct wanted {
	struct image *images;
	struct save_item *items;
	size_t n;
};

static void wanted_deinit(struct wanted *w)
{
	for (size_t i = 0; i < w->n; i++) {
		image_deinit(&w->images[i]);
		strv_free(&w->items[i].names);
	}
	free(w->images);
	free(w->items);
}
#define auto_wanted __attribute__((cleanup(wanted_deinit))) struct wanted

static int check_platform(const char *text, const struct image *image, struct err *e)
{
	auto_platform p = {0};
	if (str_empty(text))
		return 0;
	if (platform_parse(text, &p, e) < 0)
		return -e->code;
	if (platform_has(&p, image->config))
		return 0;
	return err_set(e, ENOENT, "no suitable export target found for platform %s", text);
}

/* One image once, with every name it is saved under. Takes the image. */
static int add_image(struct wanted *w, const struct save_args *a, struct image *image,
	const char *name, struct err *e)
{
	size_t i = 0;
	if (check_platform(a->platform, image, e) < 0) {
		image_deinit(image);
		return -e->code;
	}
	while (i < w->n && strcmp(w->images[i].id, image->id) != 0)
		i++;
	if (i < w->n) {
		image_deinit(image);
	} else {
		w->images = xrealloc(w->images, (i + 1) * sizeof(*w->images));
		w->items = xrealloc(w->items, (i + 1) * sizeof(*w->items));
		w->images[i] = *image;
		w->items[i] = (struct save_item){0};
		w->n++;
	}
	if (name && !strv_has(&w->items[i].names, name))
		strv_add(&w->items[i].names, name);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int tagged_names(struct store *s, const char *repository, struct strv *names, struct err *e)
{
	struct image *all = NULL;
	size_t n = 0, length = strlen(repository);
	if (image_list(s, &all, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++)
		for (char **name = all[i].names; name && *name; name++)
			if (!strncmp(*name, repository, length) && (*name)[length] == ':')
				strv_add(names, *name);
	image_list_free(all, n);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_text);
	return 0;
}

/* All images that have a tag there, as in Docker. */
static int add_repository(struct cmd_call *call, const struct save_args *a, const char *repository,
	struct wanted *w, struct err *e)
{
	auto_strv names = STRV_INIT;
	if (tagged_names(call->store, repository, &names, e) < 0)
		return -e->code;
	for (size_t i = 0; i < names.n; i++) {
		struct image image;
		int r = image_find(call->store, names.v[i], names.v[i], &image, e);
		if (r == ROW_OK)
			r = add_image(w, a, &image, names.v[i], e);
		if (r < 0)
			return r;
	}
	return names.n > 0;
}

/* No image is called so; perhaps a list is. */
static int explain_absent(struct cmd_call *call, const char *typed, struct err *e)
{
	auto_list l = {0};
	struct err ignored;
	if (e->code != ENOENT || manifest_list_get(call->store, typed, &l, &ignored) < 0)
		return -e->code;
	(void)err_set(e, EOPNOTSUPP, "%s is a manifest list", typed);
	return err_hint(e, "moss manifest push %s oci-archive:FILE writes it whole", typed);
}

/* An ID or a digest stands for no name. */
static int add_typed(struct cmd_call *call, const struct save_args *a, const char *typed,
	struct wanted *w, struct err *e)
{
	struct err ignored;
	struct image image;
	auto_reference ref = {0};
	bool is_name = reference_parse(typed, false, &ref, &ignored) == 0;
	if (is_name && !ref.tag && !ref.digest) {
		auto_free char *repository = reference_name(&ref);
		int r = add_repository(call, a, repository, w, e);
		if (r != 0)
			return r;
	}
	if (image_named(call->store, typed, &image, e) < 0)
		return explain_absent(call, typed, e);
	auto_free char *full = is_name ? image_reference_here(call->store, &image, typed) : NULL;
	bool has_name = false;
	for (char **name = image.names; full && name && *name; name++)
		has_name |= !strcmp(*name, full);
	return add_image(w, a, &image, has_name ? full : NULL, e);
}

static int find_images(
	struct cmd_call *call, const struct save_args *a, struct wanted *w, struct err *e)
{
	for (int i = 0; i < (int)call->argc; i++)
		if (add_typed(call, a, call->argv[i], w, e) < 0)
			return -e->code;
	for (size_t i = 0; i < w->n; i++)
		w->items[i].image = &w->images[i];
	return 0;
}

/* ---- how ---- */

static int read_options(const struct save_args *a, struct save_options *o, struct err *e)
{
	const char *format = str_empty(a->format) ? "docker-archive" : a->format;
	if (transport_of_format(format, &o->format, e) < 0)
		return -e->code;
	if (a->compress && o->format != TRANSPORT_DIR)
		return err_set(
			e, EINVAL, "--compress can only be set when --format is 'docker-dir'");
	if (a->compress && a->uncompressed)
		return err_set(e, EINVAL, "--compress and --uncompressed contradict each other");
	if (transport_is_folder(o->format) && str_empty(a->output))
		return err_set(
			e, EINVAL, "--format %s needs a folder: name it with --output", format);
	bool is_oci = o->format == TRANSPORT_OCI_ARCHIVE || o->format == TRANSPORT_OCI;
	o->compress = a->compress || (is_oci && !a->uncompressed);
	return 0;
}

static int save_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct save_args *a = args;
	struct save_options o = {0};
	auto_wanted w = {0};
	if (read_options(a, &o, e) < 0)
		return -e->code;
	if (str_empty(a->output) && isatty(STDOUT_FILENO))
		return err_set(e, EINVAL,
			"cowardly refusing to save to a terminal. Use the -o flag or redirect");
	if (find_images(call, a, &w, e) < 0)
		return -e->code;
	if (w.n > 1 && o.format == TRANSPORT_DIR)
		return err_set(e, EINVAL, "a docker-dir holds one image, not %zu", w.n);
	return save_output(call->store, a->output, w.items, w.n, &o, e);
}

static const char *const aliases[] = {"image save", NULL};

// clang-format off
static const struct opt opts[] = {
	{"compress", 0, OPT_BOOL, FIELD(struct save_args, compress), NULL,
		"Compress the layers (with --format docker-dir)"},
	{"format", 0, OPT_STR, FIELD(struct save_args, format), "string",
		"docker-archive, oci-archive, oci-dir or docker-dir (default docker-archive)"},
	{"multi-image-archive", 'm', OPT_BOOL, FIELD(struct save_args, many), NULL,
		"Podman's; several images can be saved without it"},
	{"output", 'o', OPT_STR, FIELD(struct save_args, output), "string",
		"Write to a file, instead of STDOUT", .complete = COMPLETE_FILE},
	{"platform", 0, OPT_STR, FIELD(struct save_args, platform), "string",
		"Save only the given platform (formatted as os[/arch[/variant]])"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct save_args, quiet), NULL, "Print nothing"},
	{"signature-policy", 0, OPT_UNSUPPORTED, 0, "string",
		"What is in the store has been admitted already", .flags = OPTF_HIDDEN},
	{"uncompressed", 0, OPT_BOOL, FIELD(struct save_args, uncompressed), NULL,
		"Do not compress the layers (with --format oci-archive or oci-dir)"},
	{0},
};
// clang-format on

const struct cmd cmd_save = {
	.name = "save",
	.aliases = aliases,
	.brief = "Save one or more images to a tar archive (streamed to STDOUT by default)",
	.operands = "IMAGE [IMAGE...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.args_size = sizeof(struct save_args),
	.about = "Layers are the exact archives they were pulled or loaded as, so that image and "
		 "layers keep their digests. A repository without a tag stands for all images "
		 "that have a tag there, an ID for no name. The same images give the same bytes.",
	.examples = "  moss save -o app.tar app:1.2\n  moss save app db | ssh host moss load\n"
		    "  moss save --format oci-dir -o layout app",
	.run = save_run,
};
