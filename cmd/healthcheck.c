/* moss healthcheck run */
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "engine/health.h"
#include "engine/start.h"

struct healthcheck_run {
	bool ignore_result;
};

// clang-format off
static const struct opt healthcheck_run_opts[] = {
	{"ignore-result", 0, OPT_BOOL, FIELD(struct healthcheck_run, ignore_result), "",
		"Exit with 0 whatever the check says"},
	{0},
};
// clang-format on

static int healthcheck_run_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct healthcheck_run *a = args;
	auto_container_row row = {0};
	int code = -1;
	int r = container_get(call->store, call->argv[0], &row, e);
	if (r < 0 || (r = health_check(call->store, &row, &code, e)) < 0)
		return r;
	if (code != 0)
		puts("unhealthy");
	return code != 0 && !a->ignore_result;
}

const struct cmd cmd_healthcheck_run = {
	.name = "healthcheck run",
	.brief = "Run the health check of a container",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.error_status = 125,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = healthcheck_run_opts,
	.args_size = sizeof(struct healthcheck_run),
	.about = "Runs the container's check once, now, and records the result as one of its own "
		 "(moss inspect shows them, under State.Health). Exit status: 0 the check "
		 "succeeded, 1 it failed, 125 it could not be run: the container does not run, or "
		 "has no check.",
	.examples = "moss run -d --name web --health-cmd 'wget -qO- localhost' nginx\n"
		    "moss healthcheck run web",
	.run = healthcheck_run_run,
};
