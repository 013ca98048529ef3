#include "cmd/cmd.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/image_names.h"
#include "cmd/save_output.h"
#include "engine/transfer/platform.h"
#include "engine/transfer/save.h"
#include "registry/reference.h"
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

/* A repository alone stands for all of its tags that the image has (as in Docker); an ID or a
 * digest for no name. */
static void add_names(const char *typed, const struct image *image, struct strv *names)
{
	struct err ignored;
	auto_reference ref = {0};
	auto_free char *full = image_reference(typed);
	if (!full || reference_parse(typed, false, &ref, &ignored) < 0 || ref.digest)
		return;
	auto_free char *repository = reference_name(&ref);
	size_t n = strlen(repository);
	for (char **name = image->names; name && *name; name++) {
		bool is_wanted = ref.tag ? !strcmp(*name, full)
					 : !strncmp(*name, repository, n) && (*name)[n] == ':';
		if (is_wanted && !strv_has(names, *name))
			strv_add(names, *name);
	}
}

static int check_platform(const char *text, const struct image *image, struct err *e)
{
	auto_platform p = {0};
	struct err ignored;
	if (str_empty(text))
		return 0;
	if (platform_parse(text, &p, e) < 0)
		return -e->code;
	auto_json config = json_parse(image->config, strlen(image->config), "config", &ignored);
	const char *variant = json_str_or(config, "variant", "");
	if (!strcmp(json_str_or(config, "os", ""), p.os) &&
		!strcmp(json_str_or(config, "architecture", ""), p.architecture) &&
		(!p.variant || !*variant || !strcmp(variant, p.variant)))
		return 0;
	return err_set(e, ENOENT, "no suitable export target found for platform %s", text);
}

static int add_image(struct cmd_call *call, const struct save_args *a, const char *typed,
	struct wanted *w, struct err *e)
{
	struct image *image = &w->images[w->n];
	int r = image_named(call->store, typed, image, e);
	if (r < 0)
		return r;
	if (check_platform(a->platform, image, e) < 0) {
		image_deinit(image);
		return -e->code;
	}
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->images[i].id, image->id)) {
			add_names(typed, &w->images[i], &w->items[i].names);
			image_deinit(image);
			return 0;
		}
	w->items[w->n].image = image;
	add_names(typed, image, &w->items[w->n].names);
	w->n++;
	return 0;
}

static int find_images(
	struct cmd_call *call, const struct save_args *a, struct wanted *w, struct err *e)
{
	w->images = xcalloc((size_t)call->argc, sizeof(*w->images));
	w->items = xcalloc((size_t)call->argc, sizeof(*w->items));
	for (int i = 0; i < (int)call->argc; i++)
		if (add_image(call, a, call->argv[i], w, e) < 0)
			return -e->code;
	return 0;
}

/* ---- how ---- */

static int read_options(const struct save_args *a, size_t n, struct save_options *o, struct err *e)
{
	const char *format = str_empty(a->format) ? "docker-archive" : a->format;
	if (save_format_parse(format, &o->format, e) < 0)
		return -e->code;
	if (a->compress && o->format != SAVE_DOCKER_DIR)
		return err_set(
			e, EINVAL, "--compress can only be set when --format is 'docker-dir'");
	if (a->compress && a->uncompressed)
		return err_set(e, EINVAL, "--compress and --uncompressed contradict each other");
	if (n > 1 && o->format == SAVE_DOCKER_DIR)
		return err_set(e, EINVAL, "a docker-dir holds one image");
	if (save_format_is_folder(o->format) && str_empty(a->output))
		return err_set(
			e, EINVAL, "--format %s needs a folder: name it with --output", format);
	bool is_oci = o->format == SAVE_OCI_ARCHIVE || o->format == SAVE_OCI_DIR;
	o->compress = a->compress || (is_oci && !a->uncompressed);
	return 0;
}

static int save_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct save_args *a = args;
	struct save_options o = {0};
	auto_wanted w = {0};
	if (read_options(a, (size_t)call->argc, &o, e) < 0)
		return -e->code;
	if (str_empty(a->output) && isatty(STDOUT_FILENO))
		return err_set(e, EINVAL,
			"cowardly refusing to save to a terminal. Use the -o flag or redirect");
	if (find_images(call, a, &w, e) < 0)
		return -e->code;
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
		 "layers keep their digests. A repository without a tag stands for all its tags "
		 "of the image, an ID for no name. The same images give the same bytes.",
	.examples = "  moss save -o app.tar app:1.2\n  moss save app db | ssh host moss load\n"
		    "  moss save --format oci-dir -o layout app",
	.run = save_run,
};
