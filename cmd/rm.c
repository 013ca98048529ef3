/* moss rm */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "cmd/stop_opts.h"
#include "engine/start.h"
#include "engine/undo.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

struct rm {
	struct pick pick;
	bool force, volumes, ignore, no_trash;
	int64_t time;
	bool time_given;
};

// clang-format off
static const struct opt rm_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct rm, pick.all), "", "Remove all containers"},
	{"cidfile", 0, OPT_LIST, FIELD(struct rm, pick.cidfile), "list",
		"Read the container ID from the file", .complete = COMPLETE_FILE},
	{"depend", 0, OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN,
		.hint = "name the containers that use the namespaces of the other, too"},
	{"filter", 0, OPT_FILTER, FIELD(struct rm, pick.filter), "list",
		"Remove the containers that ps -a would list with this filter"},
	{"force", 'f', OPT_BOOL, FIELD(struct rm, force), "",
		"Force the removal of a running container (uses SIGKILL)"},
	{"ignore", 'i', OPT_BOOL, FIELD(struct rm, ignore), "",
		"A container that does not exist is no error"},
	{"latest", 0, OPT_BOOL, FIELD(struct rm, pick.latest), "",
		"Remove the container that was created last"},
	{"link", 'l', OPT_UNSUPPORTED, 0, "", "Remove the specified link"},
	{"no-trash", 0, OPT_BOOL, FIELD(struct rm, no_trash), "",
		"Delete for good: \"moss undo\" cannot bring it back"},
	{"storage", 0, OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN,
		.hint = "no other tool keeps containers in a store of moss"},
	{"time", 't', OPT_INT, FIELD(struct rm, time), "int",
		"With --force: stop the container first, and kill it after so many seconds",
		.given_offset = FIELD(struct rm, time_given)},
	{"volumes", 'v', OPT_BOOL, FIELD(struct rm, volumes), "",
		"Remove anonymous volumes associated with the container"},
	{0},
};
// clang-format on

static int rm_one(struct cmd_call *call, const struct rm *a, const char *name, struct err *e)
{
	auto_container_row row = {0};
	int r = container_get(call->store, name, &row, e);
	if (r == 0 && a->time_given)
		r = container_stop_with(call->store, &row, 0, stop_timeout(a->time), e);
	return r < 0 ? r : container_remove(call->store, &row, a->force, a->volumes, e);
}

static int rm_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct rm *a = args;
	auto_strv names = STRV_INIT;
	int failures = 0;
	if (a->time_given && !a->force) {
		err_set(e, EINVAL, "--force option must be specified to use the --time option");
		return err_status(e, 125);
	}
	int r = pick_names(call, &a->pick, NULL, &names, e);
	if (r != 0)
		return r;
	call->store->keeps = !a->no_trash;
	for (size_t i = 0; i < names.n; i++) {
		struct err one = {0};
		r = rm_one(call, a, names.v[i], &one);
		if (r == 0)
			puts(names.v[i]);
		else if (r != -ENOENT || !a->ignore)
			cmd_report(call, &one);
		/* With --force one that is not there is said, but no failure. */
		failures += r < 0 && !((a->force || a->ignore) && r == -ENOENT);
	}
	undo_note(call->store);
	return failures ? 1 : 0;
}

static const char *const rm_aliases[] = {"container rm", "container remove", NULL};
const struct cmd cmd_rm = {
	.name = "rm",
	.aliases = rm_aliases,
	.brief = "Remove one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = rm_opts,
	.args_size = sizeof(struct rm),
	.run = rm_run,
};
