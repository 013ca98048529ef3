#include "cmd/cmd.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/copy.h"
#include "engine/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct export_args {
	char *output;
};

/* Under another name until it is whole. */
static int export_to_file(struct cmd_call *call, const char *path, struct err *e)
{
	auto_free char *above = path_dir(path);
	auto_free char *temporary = xasprintf("%s/.moss-export.XXXXXX", above);
	int r = copy_check_output(path, e);
	if (r < 0)
		return err_ctx(e, "failed to export container");
	auto_fd fd = mkostemp(temporary, O_CLOEXEC); /* 0600, as Docker's */
	if (fd < 0)
		return err_go(e, errno, "open %s", temporary);
	r = container_export(call->store, call->argv[0], fd, e);
	if (r == 0 && rename(temporary, path) < 0)
		r = err_go(e, errno, "rename %s %s", temporary, path);
	if (r < 0)
		(void)unlink(temporary);
	return r;
}

static int export_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct export_args *a = args;
	if (!str_empty(a->output))
		return export_to_file(call, a->output, e);
	if (isatty(STDOUT_FILENO))
		return err_set(e, EINVAL,
			"cowardly refusing to save to a terminal. Use the -o flag or redirect");
	return container_export(call->store, call->argv[0], STDOUT_FILENO, e);
}

static const char *const aliases[] = {"container export", NULL};

// clang-format off
static const struct opt opts[] = {
	{"output", 'o', OPT_STR, FIELD(struct export_args, output), "string",
		"Write to a file, instead of STDOUT", .complete = COMPLETE_FILE},
	{0},
};
// clang-format on

const struct cmd cmd_export = {
	.name = "export",
	.aliases = aliases,
	.brief = "Export a container's filesystem as a tar archive",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = opts,
	.args_size = sizeof(struct export_args),
	.about =
		"Owners, modes, times, extended attributes, hard links and holes are kept. What is "
		"in volumes and other mounts is not part of it.",
	.examples = "moss export -o web.tar web\nmoss export web | moss import - web:copy",
	.run = export_run,
};
