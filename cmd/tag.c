#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/image_names.h"
#include "engine/image_name.h"
#include "registry/reference.h"
#include "storage/image.h"

static int tag_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	auto_reference ref = {0};
	if (reference_parse(call->argv[1], true, &ref, e) < 0)
		return err_ctx(e, "Error parsing reference: \"%s\" is not a valid repository/tag",
			call->argv[1]);
	if (ref.digest)
		return err_set(e, EINVAL, "refusing to create a tag with a digest reference");
	auto_free char *shown = reference_familiar_name(&ref);
	if (!strcmp(shown, "sha256"))
		return err_set(e, EINVAL,
			"refusing to create an ambiguous tag using digest algorithm as name");
	struct image image = {0};
	int r = image_named(call->store, call->argv[0], &image, e);
	if (r < 0)
		return r;
	r = image_name_add(call->store, &image, &ref, e);
	image_deinit(&image);
	return r;
}

static const char *const aliases[] = {"image tag", NULL};
static const struct opt opts[] = {{0}};

const struct cmd cmd_tag = {
	.name = "tag",
	.aliases = aliases,
	.brief = "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
	.operands = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
	.min = 2,
	.max = 2,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.run = tag_run,
};
