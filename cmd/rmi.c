/* rmi */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/image_names.h"
#include "engine/image_remove.h"
#include "engine/undo.h"
#include "storage/image.h"
#include "storage/store.h"

struct rmi {
	bool all, force, ignore, no_prune, no_trash;
};

static unsigned flags_of(const struct rmi *a)
{
	return (a->force ? IMAGE_REMOVE_FORCE : 0) | (a->no_prune ? IMAGE_REMOVE_NO_PRUNE : 0) |
	       (a->all ? IMAGE_REMOVE_ALL_NAMES : 0);
}

static int remove_named(
	struct cmd_call *call, const struct rmi *a, const char *typed, struct err *e)
{
	struct image image = {0};
	int r = image_named(call->store, typed, &image, e);
	if (r < 0)
		return r;
	auto_strv lines = STRV_INIT;
	auto_free char *reference = image_reference_here(call->store, &image, typed);
	r = image_remove(call->store, &image, typed, reference, flags_of(a), &lines, e);
	image_deinit(&image);
	for (size_t i = 0; i < lines.n; i++)
		puts(lines.v[i]);
	return r;
}

static void remove_each(struct cmd_call *call, const struct rmi *a, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++) {
		struct err one = {0};
		int r = remove_named(call, a, names->v[i], &one);
		if (r == -ENOENT && (a->ignore || a->all))
			continue;
		if (r < 0)
			cmd_report(call, &one);
		/* With --force what is not there is told, but no failure. */
		if (r == -ENOENT && a->force)
			call->failures--;
	}
}

static bool has_child_left(const struct image *list, size_t n, const bool *done, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (!done[i] && list[i].parent && !strcmp(list[i].parent, id))
			return true;
	return false;
}

/* The ids: what was made of another goes before it. */
static int list_all(struct store *s, struct strv *ids, struct err *e)
{
	struct image *list = NULL;
	size_t n = 0, before;
	int r = image_list(s, &list, &n, e);
	auto_free bool *done = xcalloc(n + 1, sizeof(*done));
	do {
		before = ids->n;
		for (size_t i = 0; i < n; i++)
			if (!done[i] && !has_child_left(list, n, done, list[i].id)) {
				strv_add(ids, list[i].id);
				done[i] = true;
			}
	} while (ids->n != before);
	image_list_free(list, n);
	return r;
}

static int rmi_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct rmi *a = args;
	auto_strv names = STRV_INIT;
	if (a->all && call->argc) {
		err_set(e, EINVAL,
			"when using the --all switch, you may not pass any images names or IDs");
		return err_status(e, 125);
	}
	if (!a->all &&
		cmd_wrong_count(call->cmd, call->program, call->typed, 1, (size_t)call->argc))
		return 1;
	int r = a->all ? list_all(call->store, &names, e) : 0;
	if (r < 0)
		return r;
	for (int i = 0; i < call->argc; i++)
		strv_add(&names, call->argv[i]);
	call->store->keeps = !a->no_trash;
	remove_each(call, a, &names);
	undo_note(call->store);
	return call->failures ? 1 : 0;
}

static const char *const aliases[] = {"image rm", "image remove", NULL};

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct rmi, all), "", "Remove all images"},
	{"force", 'f', OPT_BOOL, FIELD(struct rmi, force), "", "Force removal of the image"},
	{"ignore", 'i', OPT_BOOL, FIELD(struct rmi, ignore), "",
		"An image that does not exist is no error"},
	{"no-prune", 0, OPT_BOOL, FIELD(struct rmi, no_prune), "", "Do not delete untagged parents"},
	{"no-trash", 0, OPT_BOOL, FIELD(struct rmi, no_trash), "",
		"Delete for good: \"moss undo\" cannot bring it back"},
	{"platform", 0, OPT_UNSUPPORTED, 0, "list", "Remove only the given platform variant",
		.flags = OPTF_HIDDEN,
		.hint = "an image has one platform here: remove the image"},
	{0},
};
// clang-format on

const struct cmd cmd_rmi = {
	.name = "rmi",
	.aliases = aliases,
	.brief = "Remove one or more images",
	.operands = "IMAGE [IMAGE...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.args_size = sizeof(struct rmi),
	.run = rmi_run,
	.about = "A name is taken away while the image has others; the last one takes the image "
		 "along, and with it the images without a name that it was made from. One that "
		 "others were made from, or a container uses, stays without a name.",
};
