#include "cmd/cmd.h"
#include "base/scope.h"
#include "cmd/write_file.h"
#include "engine/copy.h"
#include "engine/export.h"

#include <errno.h>
#include <unistd.h>

struct export_args {
	char *output;
};

static int write_export(void *arg, int fd, struct err *e)
{
	struct cmd_call *call = arg;
	return container_export(call->store, call->argv[0], fd, e);
}

static int export_to_file(struct cmd_call *call, const char *path, struct err *e)
{
	if (copy_check_output(path, e) < 0)
		return err_ctx(e, "failed to export container");
	return write_to_file(path, false, write_export, call, e);
}

static int export_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct export_args *a = args;
	if (!str_empty(a->output))
		return export_to_file(call, a->output, e);
	if (isatty(STDOUT_FILENO))
		return err_set(e, EINVAL,
			"cowardly refusing to save to a terminal. Use the -o flag or redirect");
	int r = container_export(call->store, call->argv[0], STDOUT_FILENO, e);
	return r < 0 ? write_stdout_failed(e) : r;
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
