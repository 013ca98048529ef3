/* volume export, volume import */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/write_file.h"
#include "engine/volume.h"
#include "storage/db/container_row.h"
#include "storage/volume.h"

struct volume_export {
	char *output;
};

struct exporting {
	struct store *store;
	const struct volume *volume;
};

static int write_export(void *arg, int fd, struct err *e)
{
	const struct exporting *x = arg;
	return volume_export(x->store, x->volume, fd, e);
}

static int export_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct volume_export *a = args;
	const char *name = call->argv[0];
	struct volume v = {0};
	int r = volume_find(call->store, name, &v, e);
	if (r == ROW_ABSENT)
		r = err_set(e, ENOENT, "get %s: no such volume", name);
	if (r == ROW_OK)
		r = volume_check_plain(&v, "export", e);
	if (r == 0 && str_empty(a->output) && isatty(STDOUT_FILENO))
		r = err_set(e, EINVAL,
			"cowardly refusing to save to a terminal. Use the -o flag or redirect");
	struct exporting x = {.store = call->store, .volume = &v};
	if (r == 0 && !str_empty(a->output))
		r = write_to_file(a->output, false, write_export, &x, e);
	else if (r == 0 && (r = write_export(&x, STDOUT_FILENO, e)) < 0)
		r = write_stdout_failed(e);
	volume_deinit(&v);
	return r;
}

static int import_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	err_set(e, ENOTSUP,
		"%s volume import is not supported: a container unpacks archives safely",
		call->program);
	return err_hint(e, "moss create --name x -v VOLUME:/v IMAGE && moss cp - x:/v <ARCHIVE");
}

// clang-format off
static const struct opt export_opts[] = {
	{"output", 'o', OPT_STR, FIELD(struct volume_export, output), "string",
		"Write to a file, instead of STDOUT", .complete = COMPLETE_FILE},
	{0},
};
static const struct opt no_opts[] = {{0}};
// clang-format on

const struct cmd cmd_volume_export = {
	.name = "volume export",
	.brief = "Export a volume's files as a tar archive",
	.operands = "VOLUME",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_VOLUME,
	.opts = export_opts,
	.args_size = sizeof(struct volume_export),
	.run = export_run,
	.examples = "moss volume export data | zstd >data.tar.zst",
};

const struct cmd cmd_volume_import = {
	.name = "volume import",
	.brief = "Import a tar archive into a volume",
	.operands = "VOLUME [SOURCE]",
	.max = ANY,
	.hidden = true,
	.opts = no_opts,
	.run = import_run,
};
