/* moss image mount, moss image unmount */
#include "cmd/cmd.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/image_names.h"
#include "cmd/mount_list.h"
#include "engine/mount.h"
#include "storage/image.h"
#include "storage/db/container_row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_LEN = 12 };

struct mount_args {
	bool all;
	char *format;
};

static const char *hex_of(const char *id)
{
	const char *hex = str_after(id, "sha256:");
	return hex ? hex : id;
}

/* What is mounted, or all that there is, without its mount. */
struct images {
	struct image *v;
	size_t n;
};

static void images_deinit(struct images *x)
{
	for (size_t i = 0; i < x->n; i++)
		image_deinit(&x->v[i]);
	free(x->v);
	*x = (struct images){NULL, 0};
}

static int images_named(struct cmd_call *call, struct images *x, struct err *e)
{
	x->v = xcalloc((size_t)call->argc + 1, sizeof(*x->v));
	for (int i = 0; i < call->argc; i++) {
		int r = image_named(call->store, call->argv[i], &x->v[i], e);
		if (r < 0)
			return r;
		x->n++;
	}
	return 0;
}

/* One whose image is gone has its id only. */
static int images_mounted(struct cmd_call *call, struct images *x, struct err *e)
{
	auto_strv ids = STRV_INIT;
	int r = mount_images(call->store, &ids, e);
	x->v = xcalloc(ids.n + 1, sizeof(*x->v));
	for (size_t i = 0; i < ids.n && r >= 0; i++) {
		r = image_find(call->store, ids.v[i], NULL, &x->v[x->n], e);
		if (r < 0)
			return r;
		if (r != ROW_OK)
			x->v[x->n] = (struct image){.id = xstrdup(ids.v[i])};
		x->n++;
	}
	return r < 0 ? r : 0;
}

/* ---- printing ---- */

static json_t *json_of(const struct image *i, const char *path)
{
	json_t *digests = json_array(), *names = json_array(), *o = json_object();
	for (char **m = i->manifests; m && *m; m++)
		json_array_append_new(digests, json_string(*m));
	for (char **n = i->names; n && *n; n++) {
		auto_free char *shown = image_familiar(*n);
		json_array_append_new(names, json_string(shown));
	}
	json_set_str(o, "id", hex_of(i->id));
	json_set(o, "Names", digests);
	json_set(o, "Repositories", names);
	json_set_str(o, "mountpoint", path);
	return o;
}

static char *name_of(const struct image *i)
{
	return i->names && i->names[0] ? image_familiar(i->names[0])
				       : xstrndup(hex_of(i->id), SHORT_LEN);
}

static void print_all(struct cmd_call *call, const struct images *x, bool as_json)
{
	auto_json all = json_array();
	struct mount_list lines = MOUNT_LIST_INIT;
	for (size_t i = 0; i < x->n; i++) {
		auto_free char *path = mount_image_path(call->store, x->v[i].id);
		auto_free char *name = name_of(&x->v[i]);
		mount_list_add(&lines, name, path);
		json_array_append_new(all, json_of(&x->v[i], path));
	}
	if (as_json)
		mount_list_json(all);
	else
		mount_list_print(&lines);
	mount_list_deinit(&lines);
}

/* ---- mounting ---- */

/* The line of one is its path alone, as of a container. */
static int mount_them(
	struct cmd_call *call, const struct mount_args *a, struct images *x, struct err *e)
{
	for (size_t i = 0; i < x->n; i++) {
		auto_free char *path = NULL;
		int r = mount_image(call->store, &x->v[i], &path, e);
		if (r < 0)
			return r;
		if (x->n == 1 && !a->all && !a->format)
			puts(path);
	}
	if (x->n != 1 || a->all || a->format)
		print_all(call, x, a->format != NULL);
	return 0;
}

static int mount_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct mount_args *a = args;
	struct images x = {NULL, 0};
	if (a->all && call->argc)
		return err_set(e, EINVAL, "--all and images cannot be used together");
	int r = mount_list_check_format(a->format, e);
	if (r == 0)
		r = mount_check_place("image mount", e);
	if (r < 0)
		return r;
	if (!a->all && !call->argc) {
		r = images_mounted(call, &x, e);
		if (r == 0)
			print_all(call, &x, a->format != NULL);
	} else {
		r = a->all ? image_list(call->store, &x.v, &x.n, e) : images_named(call, &x, e);
		if (r >= 0)
			r = mount_them(call, a, &x, e);
	}
	images_deinit(&x);
	return r < 0 ? r : 0;
}

/* ---- unmounting ---- */

struct unmount_args {
	bool all, force;
};

static int unmount_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct unmount_args *a = args;
	struct images x = {NULL, 0};
	if (a->all && call->argc)
		return err_set(e, EINVAL, "--all and images cannot be used together");
	if (!a->all &&
		cmd_wrong_count(call->cmd, call->program, call->typed, 1, (size_t)call->argc))
		return 125;
	int r = mount_check_place("image unmount", e);
	if (r == 0)
		r = a->all ? images_mounted(call, &x, e) : images_named(call, &x, e);
	for (size_t i = 0; i < x.n && r >= 0; i++) {
		struct err failed = {0};
		if (mount_image_end(call->store, &x.v[i], a->force, &failed) < 0)
			cmd_report(call, &failed);
		else
			puts(hex_of(x.v[i].id));
	}
	images_deinit(&x);
	return r < 0 ? r : call->failures ? 125 : 0;
}

static const char *const unmount_aliases[] = {"image umount", NULL};

// clang-format off
static const struct opt mount_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct mount_args, all), "", "Mount all images"},
	{"format", 0, OPT_STR, FIELD(struct mount_args, format), "string",
		"\"json\": print what is mounted as JSON", .complete = COMPLETE_CHOICES,
		.choices = "json"},
	{0},
};
static const struct opt unmount_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct unmount_args, all), "", "Unmount all images"},
	{"force", 'f', OPT_BOOL, FIELD(struct unmount_args, force), "",
		"Unmount also what something still has open"},
	{0},
};
// clang-format on

const struct cmd cmd_image_mount = {
	.name = "image mount",
	.brief = "Mount the files of images, read-only",
	.operands = "[IMAGE...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.error_status = 125,
	.opts = mount_opts,
	.args_size = sizeof(struct mount_args),
	.about = "Prints where the files of the image are; for several, a line with name and path "
		 "for "
		 "each. With no image it lists what is mounted. It works inside moss unshare only: "
		 "there the files are mounted for the commands of that shell, and what is still "
		 "mounted when the shell ends ends with it.",
	.examples = "moss unshare sh -c 'ls \"$(moss image mount debian:12)/etc\"'",
	.run = mount_run,
};

const struct cmd cmd_image_unmount = {
	.name = "image unmount",
	.aliases = unmount_aliases,
	.brief = "Unmount the files of images",
	.operands = "IMAGE [IMAGE...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.error_status = 125,
	.opts = unmount_opts,
	.args_size = sizeof(struct unmount_args),
	.about = "Takes away what moss image mount has mounted in this shell (moss unshare), and "
		 "prints "
		 "the image's ID; one that is not mounted is passed over.",
	.examples = "moss image unmount --all",
	.run = unmount_run,
};
