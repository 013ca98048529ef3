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
	bool force, no_prune, no_trash;
};

static int remove_named(
	struct cmd_call *call, const struct rmi *a, const char *typed, struct err *e)
{
	struct image image = {0};
	int r = image_named(call->store, typed, &image, e);
	if (r < 0)
		return r;
	auto_strv lines = STRV_INIT;
	auto_free char *reference = image_reference_here(call->store, &image, typed);
	r = image_remove(call->store, &image, typed, reference, a->force, &lines, e);
	image_deinit(&image);
	for (size_t i = 0; i < lines.n; i++)
		puts(lines.v[i]);
	return r;
}

static int rmi_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct rmi *a = args;
	int missing = 0;
	(void)e;
	call->store->keeps = !a->no_trash;
	for (int i = 0; i < call->argc; i++) {
		struct err one = {0};
		int r = remove_named(call, a, call->argv[i], &one);
		if (r < 0)
			cmd_report(call, &one);
		/* With --force what is not there is told, but no failure. */
		missing += r == -ENOENT && a->force;
	}
	undo_note(call->store);
	return call->failures > missing ? 1 : 0;
}

static const char *const aliases[] = {"image rm", "image remove", NULL};

// clang-format off
static const struct opt opts[] = {
	{"force", 'f', OPT_BOOL, FIELD(struct rmi, force), "", "Force removal of the image"},
	{"no-prune", 0, OPT_BOOL, FIELD(struct rmi, no_prune), "", "Do not delete untagged parents"},
	{"no-trash", 0, OPT_BOOL, FIELD(struct rmi, no_trash), "",
		"Delete for good: \"moss undo\" cannot bring it back"},
	{"platform", 0, OPT_UNSUPPORTED, 0, "list", "Remove only the given platform variant",
		.flags = OPTF_HIDDEN},
	{0},
};
// clang-format on

const struct cmd cmd_rmi = {
	.name = "rmi",
	.aliases = aliases,
	.brief = "Remove one or more images",
	.operands = "IMAGE [IMAGE...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.args_size = sizeof(struct rmi),
	.run = rmi_run,
	.about = "A name is taken away while the image has others; the last one takes the image "
		 "along.",
};
