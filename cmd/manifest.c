/* manifest exists, remove, rm: what is done to lists without a registry. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "engine/manifest_list.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/manifest_list.h"

static const struct opt no_opts[] = {{0}};

/* ---- exists ---- */

static int exists_run(struct cmd_call *call, void *args, struct err *e)
{
	auto_list l = {0};
	(void)args;
	int r = manifest_list_get(call->store, call->argv[0], &l, e);
	return r == -ENOENT ? 1 : r < 0 ? r : 0;
}

const struct cmd cmd_manifest_exists = {
	.name = "manifest exists",
	.brief = "Tell by the exit status whether a manifest list exists",
	.operands = "MANIFEST_LIST",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.error_status = 125,
	.opts = no_opts,
	.args_size = 1,
	.about = "0: it exists in the store; 1: it does not; 125: that could not be told. Nothing "
		 "is "
		 "printed.",
	.run = exists_run,
};

/* ---- remove ---- */

static int remove_entry(struct manifest_list *l, void *arg, struct err *e)
{
	const char *digest = arg;
	if (!manifest_list_drop(l, digest))
		return err_set(e, ENOENT,
			"no instance matching digest \"%s\" found in manifest list", digest);
	printf("%s\n", manifest_list_id(l));
	return 0;
}

static int remove_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	char *digest = call->argv[1];
	if (!digest_valid(digest))
		return err_set(e, EINVAL,
			"removing from manifest list %s: invalid image digest \"%s\"",
			call->argv[0], digest);
	int r = manifest_list_change(call->store, call->argv[0], remove_entry, digest, e);
	return r == -ENOENT ? err_ctx(e, "removing from manifest list %s", call->argv[0]) : r;
}

const struct cmd cmd_manifest_remove = {
	.name = "manifest remove",
	.brief = "Remove an image from a manifest list",
	.operands = "MANIFEST_LIST DIGEST",
	.min = 2,
	.max = 2,
	.needs = NEED_STORE,
	.opts = no_opts,
	.args_size = 1,
	.about = "The image itself stays where it is. Prints the list's id.",
	.run = remove_run,
};

/* ---- rm ---- */

struct rm {
	bool ignore;
};

static int rm_one(struct cmd_call *call, const struct rm *a, const char *typed, struct err *e)
{
	auto_reference ref = {0};
	int r = reference_parse(typed, true, &ref, e);
	if (r < 0)
		return r;
	auto_free char *name = reference_full(&ref);
	r = manifest_list_remove(call->store, name, e);
	if (r == ROW_ABSENT && !a->ignore)
		return err_set(e, ENOENT, "No such manifest: %s", typed);
	return r < 0 ? r : 0;
}

static int rm_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)e;
	for (int i = 0; i < call->argc; i++) {
		struct err cause = {0};
		if (rm_one(call, args, call->argv[i], &cause) < 0)
			cmd_report(call, &cause);
	}
	return call->failures ? 1 : 0;
}

static const struct opt rm_opts[] = {
	{"ignore", 'i', OPT_BOOL, FIELD(struct rm, ignore), NULL,
		"Do not mind lists that do not exist"},
	{0},
};

const struct cmd cmd_manifest_rm = {
	.name = "manifest rm",
	.brief = "Delete one or more manifest lists from local storage",
	.operands = "MANIFEST_LIST [MANIFEST_LIST...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.opts = rm_opts,
	.args_size = sizeof(struct rm),
	.about = "Images and what was pushed of the list stay.",
	.run = rm_run,
};
