/* moss wait */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/start.h"
#include "engine/wait.h"
#include "storage/db/container_row.h"

struct wait {
	struct pick pick;
	struct strv condition;
	bool ignore, exit_first_match;
	char *interval;
};

struct waiting {
	const struct wait *a;
	wait_set set;
	int64_t interval_ns;
};

// clang-format off
static const struct opt wait_opts[] = {
	{"condition", 0, OPT_CSV, FIELD(struct wait, condition), "strings",
		"Wait for one of these states: configured, created, exited, healthy, initialized, "
		"paused, removing, running, stopped, stopping, unhealthy", .complete = COMPLETE_CHOICES,
		.choices = "configured created exited healthy initialized paused removing running "
			   "stopped stopping unhealthy"},
	{"exit-first-match", 0, OPT_BOOL, FIELD(struct wait, exit_first_match), "",
		"Wait for the first of the containers only"},
	{"ignore", 0, OPT_BOOL, FIELD(struct wait, ignore), "",
		"Print -1 for a container that does not exist"},
	{"interval", 'i', OPT_STR, FIELD(struct wait, interval), "string",
		"Time between two looks at a condition", .def = "250ms"},
	{"latest", 'l', OPT_BOOL, FIELD(struct wait, pick.latest), "",
		"Wait for the container that was created last"},
	{0},
};
// clang-format on

/* One look. 1: it is so, *code is what to print. */
static int look(
	struct cmd_call *call, const struct waiting *w, const char *name, int *code, struct err *e)
{
	auto_container_row row = {0};
	int r = container_get(call->store, name, &row, e);
	*code = -1;
	if (r == -ENOENT && w->a->ignore)
		return 1;
	return r < 0 ? r : wait_set_holds(w->set, &row, code);
}

static void pause_for(int64_t ns)
{
	const struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
	(void)nanosleep(&t, NULL);
}

/* Until it is in one of the states, or (it was there before) is gone. */
static int wait_for_state(
	struct cmd_call *call, const struct waiting *w, const char *name, int *code, struct err *e)
{
	struct err gone = {0};
	int r = look(call, w, name, code, e);
	while (r == 0) {
		pause_for(w->interval_ns);
		r = look(call, w, name, code, &gone);
		if (r == -ENOENT && wait_set_holds(w->set, NULL, code))
			return 0;
		if (r < 0)
			*e = gone;
	}
	return r < 0 ? r : 0;
}

static int wait_one(
	struct cmd_call *call, const struct waiting *w, const char *name, int *code, struct err *e)
{
	if (!wait_set_is_end(w->set))
		return wait_for_state(call, w, name, code, e);
	auto_container_row row = {0};
	int r = container_get(call->store, name, &row, e);
	*code = -1;
	if (r == -ENOENT && w->a->ignore)
		return 0;
	return r < 0 ? r : container_wait(call->store, &row, code, e);
}

static void show(int code)
{
	printf("%d\n", code);
	(void)fflush(stdout);
}

static int wait_first(
	struct cmd_call *call, const struct waiting *w, const struct strv *names, struct err *e)
{
	for (;; pause_for(w->interval_ns)) {
		for (size_t i = 0; i < names->n; i++) {
			int code;
			int r = look(call, w, names->v[i], &code, e);
			if (r > 0)
				show(code);
			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
}

static int wait_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct wait *a = args;
	struct waiting w = {.a = a};
	auto_strv names = STRV_INIT;
	int r = wait_set_parse(&a->condition, &w.set, e);
	if (r == 0 && (!clock_parse_duration(a->interval, &w.interval_ns) || w.interval_ns <= 0))
		r = err_set(e, EINVAL, "invalid interval: %s", a->interval);
	if (r < 0)
		return err_status(e, 125);
	if ((r = pick_names(call, &a->pick, NULL, &names, e)) != 0)
		return r;
	if (a->exit_first_match)
		return wait_first(call, &w, &names, e);
	for (size_t i = 0; i < names.n; i++) {
		struct err one = {0};
		int code;
		if (wait_one(call, &w, names.v[i], &code, &one) < 0)
			cmd_report(call, &one);
		else
			show(code);
	}
	return call->failures ? 1 : 0;
}

static const char *const wait_aliases[] = {"container wait", NULL};
const struct cmd cmd_wait = {
	.name = "wait",
	.aliases = wait_aliases,
	.brief = "Block until one or more containers stop, then print their exit codes",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = wait_opts,
	.args_size = sizeof(struct wait),
	.about = "Prints one line for each container, in the order of the arguments: its exit "
		 "code, or -1 where a condition was met that is no end. Where a restart policy "
		 "starts the container again, its next end is waited for.",
	.examples = "moss wait job\n"
		    "moss wait --condition healthy db",
	.run = wait_run,
};
