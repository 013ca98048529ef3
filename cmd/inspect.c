/* moss inspect, container inspect, image inspect, volume inspect */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format/inspector.h"
#include "cmd/pick.h"
#include "engine/image_like.h"
#include "engine/image_platform.h"
#include "engine/inspect_object.h"
#include "engine/size.h"
#include "engine/start.h"
#include "storage/image.h"
#include "storage/volume.h"

enum kind { KIND_ANY, KIND_CONTAINER, KIND_IMAGE, KIND_VOLUME };

struct inspect {
	char *format;
	char *type;
	char *platform;
	bool latest, size, all;
};

#define FORMAT_HELP                                                                                \
	"Format output using a custom template: 'json': Print in JSON format; 'TEMPLATE': Print "  \
	"output using the given Go template"

// clang-format off
static const struct opt inspect_opts[] = {
	{"format", 'f', OPT_STR, FIELD(struct inspect, format), "string", FORMAT_HELP},
	{"latest", 'l', OPT_BOOL, FIELD(struct inspect, latest), "",
		"Inspect the container that was created last"},
	{"size", 's', OPT_BOOL, FIELD(struct inspect, size), "",
		"Display total file sizes if the type is container"},
	{"type", 't', OPT_STR, FIELD(struct inspect, type), "string",
		"Return JSON for specified type", .complete = COMPLETE_CHOICES,
		.choices = "container image volume"},
	{0},
};
static const struct opt container_inspect_opts[] = {
	{"format", 'f', OPT_STR, FIELD(struct inspect, format), "string", FORMAT_HELP},
	{"latest", 'l', OPT_BOOL, FIELD(struct inspect, latest), "",
		"Inspect the container that was created last"},
	{"size", 's', OPT_BOOL, FIELD(struct inspect, size), "", "Display total file sizes"},
	{0},
};
static const struct opt image_inspect_opts[] = {
	{"format", 'f', OPT_STR, FIELD(struct inspect, format), "string", FORMAT_HELP},
	{"platform", 0, OPT_STR, FIELD(struct inspect, platform), "string",
		"Only where the image is of this platform (os[/arch[/variant]])"},
	{0},
};

static const struct opt volume_inspect_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct inspect, all), "", "Inspect all volumes"},
	{"format", 'f', OPT_STR, FIELD(struct inspect, format), "string", FORMAT_HELP},
	{0},
};
// clang-format on

struct found {
	json_t *object; /* owned */
	const struct gotype *type;
};

static int add_sizes(
	struct store *s, const struct container_row *row, json_t *object, struct err *e)
{
	const char *id = row->id;
	int64_t rw = 0;
	struct image image = {.id = NULL};
	int r = container_sizes(s, &id, 1, &rw, e);
	if (r < 0)
		return r;
	r = image_find(s, row->image_id, NULL, &image, e);
	if (r < 0)
		return r;
	json_set_int(object, "SizeRw", rw);
	json_set_int(object, "SizeRootFs", rw + (r == ROW_OK ? image.size : 0));
	if (r == ROW_OK)
		image_deinit(&image);
	return 0;
}

static int find_container(struct cmd_call *call, const struct inspect *a, const char *name,
	struct found *out, struct err *e)
{
	struct container_row row = {.name = NULL};
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return r == -ENOENT ? ROW_ABSENT : r;
	out->object = (json_t *)container_inspect(call->store, &row);
	out->type = &go_container;
	if (a->size)
		r = add_sizes(call->store, &row, out->object, e);
	container_row_deinit(&row);
	return r;
}

static int find_image(struct cmd_call *call, const struct inspect *a, const char *name,
	struct found *out, struct err *e)
{
	struct image image = {.id = NULL};
	int r = image_lookup(call->store, name, &image, e);
	if (r != ROW_OK)
		return r;
	r = a->platform ? image_platform_check(&image, name, a->platform, e) : 0;
	if (r == 0) {
		out->object = image_inspect(call->store, &image);
		out->type = &go_image;
	}
	image_deinit(&image);
	return r;
}

static int find_volume(struct cmd_call *call, const char *name, struct found *out, struct err *e)
{
	struct volume volume = {.name = NULL};
	int r = volume_find(call->store, name, &volume, e);
	if (r == ROW_ABSENT)
		err_set(e, ENOENT, "get %s: no such volume", name);
	if (r != ROW_OK)
		return r;
	out->object = volume_inspect(&volume);
	out->type = &go_volume;
	volume_deinit(&volume);
	return ROW_OK;
}

/* ROW_OK; ROW_ABSENT with e set; -errno. */
static int find(struct cmd_call *call, const struct inspect *a, enum kind kind, const char *name,
	struct found *out, struct err *e)
{
	switch (kind) {
	case KIND_CONTAINER:
		return find_container(call, a, name, out, e);
	case KIND_IMAGE:
		return find_image(call, a, name, out, e);
	case KIND_VOLUME:
		return find_volume(call, name, out, e);
	default:
		break;
	}
	int r = find_container(call, a, name, out, e);
	if (r == ROW_ABSENT)
		r = find_image(call, a, name, out, e);
	if (r == ROW_ABSENT)
		r = find_volume(call, name, out, e);
	if (r == ROW_ABSENT) {
		err_set(e, ENOENT, "Error: No such object: %s", name);
		(void)image_like_hint(call->store, name, e);
	}
	return r;
}

static int inspect_one(struct cmd_call *call, const struct inspect *a, enum kind kind,
	const char *name, struct inspector *i, struct err *e)
{
	struct found f = {.object = NULL};
	int r = find(call, a, kind, name, &f, e);
	auto_json object = f.object;
	if (r != ROW_OK)
		return -1;
	if (a->size && f.type != &go_container)
		fprintf(stderr, "WARNING: --size ignored for %s\n",
			f.type == &go_image ? "image" : "volume");
	/* Docker's volume inspect has no JSON to fall back to. */
	bool with_raw = strcmp(call->cmd->name, "volume inspect") != 0;
	return inspector_add(i, object, f.type, with_raw, e);
}

static int inspect_names(struct cmd_call *call, const struct inspect *a, enum kind kind,
	char *const *names, size_t n_names, struct err *e)
{
	auto_inspector i = {.template = NULL};
	int r = inspector_init(&i, a->format, e);
	if (r < 0)
		return r;
	struct err *failed = xcalloc(n_names, sizeof(*failed));
	size_t n = 0;
	for (size_t k = 0; k < n_names; k++)
		n += inspect_one(call, a, kind, names[k], &i, &failed[n]) < 0;
	inspector_flush(&i);
	for (size_t k = 0; k < n; k++)
		cmd_report(call, &failed[k]);
	free(failed);
	return call->failures ? 1 : 0;
}

static int inspect_all(
	struct cmd_call *call, const struct inspect *a, enum kind kind, struct err *e)
{
	if (!a->latest &&
		cmd_wrong_count(call->cmd, call->program, call->typed, 1, (size_t)call->argc))
		return 1;
	if (!a->latest)
		return inspect_names(call, a, kind, call->argv, (size_t)call->argc, e);
	if (call->argc || (kind != KIND_ANY && kind != KIND_CONTAINER)) {
		err_set(e, EINVAL, "--latest is a container, and cannot be used with names");
		return err_status(e, 125);
	}
	auto_free char *name = pick_one(call, true, e);
	return name ? inspect_names(call, a, KIND_CONTAINER, &name, 1, e) : -e->code;
}

static int inspect_run(struct cmd_call *call, void *args, struct err *e)
{
	static const struct {
		const char *name;
		int kind; /* -1: Docker's, but not ours yet */
	} types[] = {{"", KIND_ANY}, {"all", KIND_ANY}, {"container", KIND_CONTAINER},
		{"image", KIND_IMAGE}, {"volume", KIND_VOLUME}, {"network", -1}, {"node", -1},
		{"plugin", -1}, {"secret", -1}, {"service", -1}, {"task", -1}};
	const struct inspect *a = args;
	const char *type = a->type ? a->type : "";
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(type, types[i].name) != 0)
			continue;
		if (types[i].kind < 0)
			return err_set(e, ENOTSUP, "--type %s is not supported yet", type);
		return inspect_all(call, a, (enum kind)types[i].kind, e);
	}
	return err_set(e, EINVAL, "\"%s\" is not a valid value for --type", type);
}

static int container_inspect_run(struct cmd_call *call, void *args, struct err *e)
{
	return inspect_all(call, args, KIND_CONTAINER, e);
}

static int image_inspect_run(struct cmd_call *call, void *args, struct err *e)
{
	return inspect_all(call, args, KIND_IMAGE, e);
}

static int inspect_all_volumes(struct cmd_call *call, const struct inspect *a, struct err *e)
{
	struct volume *volumes = NULL;
	size_t n = 0;
	auto_strv names = STRV_INIT;
	if (volume_list(call->store, &volumes, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		strv_add(&names, volumes[i].name);
		volume_deinit(&volumes[i]);
	}
	free(volumes);
	return inspect_names(call, a, KIND_VOLUME, names.v, names.n, e);
}

static int volume_inspect_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct inspect *a = args;
	if (!a->all)
		return inspect_all(call, a, KIND_VOLUME, e);
	if (call->argc) {
		err_set(e, EINVAL, "--all cannot be used with names of volumes");
		return err_status(e, 125);
	}
	return inspect_all_volumes(call, a, e);
}

const struct cmd cmd_inspect = {
	.name = "inspect",
	.brief = "Return low-level information on Docker objects",
	.operands = "NAME|ID [NAME|ID...]",
	.min = 0,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect),
	.about =
		"Prints containers, images and volumes as JSON, or each through a Go template. A "
		"name is looked for among containers, then images, then volumes; --type asks for "
		"one of them.\n\n"
		"Templates see the objects as Docker's client does: fields by their Go names or by "
		"their JSON names, with the functions json, split, join, title, lower, upper, pad, "
		"truncate and println beside Go's own.",
	.examples = "moss inspect web\n"
		    "moss inspect -f '{{.State.Status}}' web\n"
		    "moss inspect -f '{{range .Config.Env}}{{println .}}{{end}}' web\n"
		    "moss inspect -f '{{(index (index .NetworkSettings.Ports \"80/tcp\") "
		    "0).HostPort}}' web",
	.run = inspect_run,
};

const struct cmd cmd_container_inspect = {
	.name = "container inspect",
	.brief = "Display detailed information on one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 0,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = container_inspect_opts,
	.args_size = sizeof(struct inspect),
	.run = container_inspect_run,
};

const struct cmd cmd_image_inspect = {
	.name = "image inspect",
	.brief = "Display detailed information on one or more images",
	.operands = "IMAGE [IMAGE...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = image_inspect_opts,
	.args_size = sizeof(struct inspect),
	.run = image_inspect_run,
};

const struct cmd cmd_volume_inspect = {
	.name = "volume inspect",
	.brief = "Display detailed information on one or more volumes",
	.operands = "VOLUME [VOLUME...]",
	.min = 0,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_VOLUME,
	.opts = volume_inspect_opts,
	.args_size = sizeof(struct inspect),
	.run = volume_inspect_run,
};
