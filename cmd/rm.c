/* moss rm */
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "engine/start.h"

#include <errno.h>

struct rm {
	bool force, volumes;
};

// clang-format off
static const struct opt rm_opts[] = {
	{"force", 'f', OPT_BOOL, FIELD(struct rm, force), "",
		"Force the removal of a running container (uses SIGKILL)"},
	{"link", 'l', OPT_UNSUPPORTED, 0, "", "Remove the specified link"},
	{"volumes", 'v', OPT_BOOL, FIELD(struct rm, volumes), "",
		"Remove anonymous volumes associated with the container"},
	{0},
};
// clang-format on

static int rm_one(struct cmd_call *call, const struct rm *a, const char *name, struct err *e)
{
	struct container_row row;
	int r = container_get(call->store, name, &row, e);
	if (r < 0)
		return r;
	r = container_remove(call->store, &row, a->force, a->volumes, e);
	container_row_deinit(&row);
	return r;
}

static int rm_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct rm *a = args;
	int failures = 0;
	(void)e;
	for (int i = 0; i < call->argc; i++) {
		struct err one = {0};
		int r = rm_one(call, a, call->argv[i], &one);
		if (r < 0)
			cmd_report(call, &one);
		else
			puts(call->argv[i]);
		/* With --force one that is not there is said, but no failure. */
		failures += r < 0 && !(a->force && r == -ENOENT);
	}
	return failures ? 1 : 0;
}

static const char *const rm_aliases[] = {"container rm", "container remove", NULL};
const struct cmd cmd_rm = {
	.name = "rm",
	.aliases = rm_aliases,
	.brief = "Remove one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = rm_opts,
	.args_size = sizeof(struct rm),
	.run = rm_run,
};
