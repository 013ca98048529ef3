/* tag */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/image_names.h"
#include "engine/image_name.h"
#include "registry/reference.h"
#include "storage/image.h"

/* A name that can be given. */
static int parse_target(const char *typed, struct reference *ref, struct err *e)
{
	if (reference_parse(typed, true, ref, e) < 0)
		return err_ctx(
			e, "Error parsing reference: \"%s\" is not a valid repository/tag", typed);
	if (ref->digest)
		return err_set(e, EINVAL, "refusing to create a tag with a digest reference");
	auto_free char *shown = reference_familiar_name(ref);
	if (!strcmp(shown, "sha256"))
		return err_set(e, EINVAL,
			"refusing to create an ambiguous tag using digest algorithm as name");
	return 0;
}

/* All targets are looked at before the first is given. */
static int tag_run(struct cmd_call *call, void *args, struct err *e)
{
	struct reference *targets = xcalloc((size_t)call->argc, sizeof(*targets));
	struct image image = {0};
	int r = 0;
	(void)args;
	for (int i = 1; i < call->argc && r == 0; i++)
		r = parse_target(call->argv[i], &targets[i], e);
	if (r == 0)
		r = image_named(call->store, call->argv[0], &image, e);
	for (int i = 1; i < call->argc && r == 0; i++)
		r = image_name_add(call->store, &image, &targets[i], e);
	image_deinit(&image);
	for (int i = 1; i < call->argc; i++)
		reference_deinit(&targets[i]);
	free(targets);
	return r;
}

static const char *const aliases[] = {"image tag", NULL};
static const struct opt opts[] = {{0}};

const struct cmd cmd_tag = {
	.name = "tag",
	.aliases = aliases,
	.brief = "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
	.operands = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]...",
	.min = 2,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.run = tag_run,
};
