/* moss image exists */
#include <errno.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/image_names.h"
#include "storage/image.h"

static int exists_run(struct cmd_call *call, void *args, struct err *e)
{
	struct image image = {0};
	(void)args;
	int r = image_named(call->store, call->argv[0], &image, e);
	image_deinit(&image);
	return r == -ENOENT ? 1 : r;
}

static const struct opt opts[] = {{0}};

const struct cmd cmd_image_exists = {
	.name = "image exists",
	.brief = "Tell by the exit status whether an image exists",
	.operands = "IMAGE",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.error_status = 125,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.about = "0: it exists; 1: it does not; 125: that could not be told. Nothing is printed.",
	.run = exists_run,
};
