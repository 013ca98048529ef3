/* moss init */
#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/stand.h"
#include "engine/start.h"
#include "storage/db/container_row.h"

struct init {
	struct pick pick;
};

// clang-format off
static const struct opt init_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct init, pick.all), "",
		"Initialize every container that does not run"},
	{"latest", 'l', OPT_BOOL, FIELD(struct init, pick.latest), "",
		"Act on the container that was created last"},
	{0},
};
// clang-format on

static int init_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	(void)args;
	auto_container_row row = {0};
	int r = container_get(call->store, name, &row, e);
	return r < 0 ? r : container_init(call->store, &row, e);
}

/* A name that is wrong is found before anything is done, as Podman does. */
static int check_names(struct cmd_call *call, struct err *e)
{
	for (int i = 0; i < call->argc; i++) {
		auto_container_row row = {0};
		int r = container_get(call->store, call->argv[i], &row, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int init_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct init *a = args;
	int r = check_names(call, e);
	if (r == 0)
		r = pick_each(call, &a->pick, "created exited", args, init_one, e);
	return r > 0 ? 125 : r;
}

static const char *const init_aliases[] = {"container init", NULL};
const struct cmd cmd_init = {
	.name = "init",
	.aliases = init_aliases,
	.brief = "Prepare one or more containers without running them",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.error_status = 125,
	.complete = COMPLETE_CONTAINER,
	.opts = init_opts,
	.args_size = sizeof(struct init),
	.about = "Makes all that a start makes but the program: namespaces, root file system, "
		 "network and "
		 "mounts of the container are there, to be looked at with inspect, cp and diff, or "
		 "to "
		 "be joined by other containers. moss start then only lets the program run; moss "
		 "stop takes everything down again.",
	.examples = "moss init web\n"
		    "moss inspect -f '{{.State.Pid}}' web\n"
		    "moss start web",
	.run = init_run,
};
