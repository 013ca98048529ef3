#include "cmd/cmd.h"
#include "base/err.h"
#include "base/scope.h"
#include "cmd/image_names.h"
#include "engine/image_name.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

#include <errno.h>
#include <string.h>

static int drop_all(
	struct cmd_call *call, const struct image *image, char *const *names, struct err *e)
{
	for (; names && *names; names++) {
		int r = image_name_drop(call->store, image, *names, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_name(char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static int drop_one(
	struct cmd_call *call, const struct image *image, const char *typed, struct err *e)
{
	auto_free char *name = image_reference(typed);
	int r = ROW_ABSENT;
	if (name && (has_name(image->names, name) || has_name(image->digests, name)))
		r = image_name_drop(call->store, image, name, e);
	return r == ROW_ABSENT
		       ? err_set(e, ENOENT, "%s is no name of the image %s", typed, call->argv[0])
		       : r;
}

static int untag_run(struct cmd_call *call, void *args, struct err *e)
{
	struct image image = {0};
	(void)args;
	int r = image_named(call->store, call->argv[0], &image, e);
	if (r < 0)
		return r;
	if (call->argc == 1) {
		r = drop_all(call, &image, image.names, e);
		if (r == 0)
			r = drop_all(call, &image, image.digests, e);
	}
	for (int i = 1; i < call->argc && r >= 0; i++)
		r = drop_one(call, &image, call->argv[i], e);
	if (r >= 0)
		r = image_names_settle(call->store, e);
	image_deinit(&image);
	return r < 0 ? r : 0;
}

static const char *const aliases[] = {"image untag", NULL};
static const struct opt opts[] = {{0}};

const struct cmd cmd_untag = {
	.name = "untag",
	.aliases = aliases,
	.brief = "Remove names from an image",
	.operands = "IMAGE [NAME...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.error_status = 125,
	.opts = opts,
	.about = "Takes the given names away from the image, or all that it has where none is "
		 "given. "
		 "The image itself stays, and can be named by its ID.",
	.examples = "moss untag app:1 app:latest",
	.run = untag_run,
};
