/* moss top */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format/tabwriter.h"
#include "cmd/pick.h"
#include "engine/start.h"
#include "engine/top.h"

struct top_args {
	bool latest, list_descriptors;
};

// clang-format off
static const struct opt top_opts[] = {
	{"latest", 'l', OPT_BOOL, FIELD(struct top_args, latest), "",
		"Show the processes of the container that was created last"},
	{"list-descriptors", 0, OPT_BOOL, FIELD(struct top_args, list_descriptors), "",
		"List Podman's format descriptors", .flags = OPTF_HIDDEN},
	{0},
};
// clang-format on

static void print(const struct top *t)
{
	static const struct tabwriter docker = {.width_min = 20, .padding = 3};
	static const struct tabwriter podman = {.width_min = 12, .padding = 2};
	auto_buf text = BUF_INIT, out = BUF_INIT;
	for (size_t i = 0; i < t->n_lines; i++) {
		for (char **c = t->cells[i]; *c; c++)
			buf_printf(&text, "%s%s", c == t->cells[i] ? "" : "\t", *c);
		buf_putc(&text, '\n');
	}
	tabwriter_align_as(t->is_podman ? &podman : &docker, &out, text.data, text.len);
	(void)fwrite(out.data, 1, out.len, stdout);
}

static int top_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct top_args *a = args;
	struct container_row row;
	struct top t;
	if (a->list_descriptors) {
		for (const char *const *d = top_descriptors(); *d; d++)
			puts(*d);
		return 0;
	}
	int min = a->latest ? 0 : 1;
	if (cmd_wrong_count(call->cmd, call->program, call->typed, min, (size_t)call->argc))
		return 1;
	auto_free char *name = pick_one(call, a->latest, e);
	int r = name ? container_get(call->store, name, &row, e) : -e->code;
	if (r < 0)
		return r;
	r = container_top(call->store, &row, call->argv + min, (size_t)(call->argc - min), &t, e);
	container_row_deinit(&row);
	if (r < 0)
		return r;
	print(&t);
	top_deinit(&t);
	return 0;
}

static const char *const top_aliases[] = {"container top", NULL};
const struct cmd cmd_top = {
	.name = "top",
	.aliases = top_aliases,
	.brief = "Display the running processes of a container",
	.operands = "CONTAINER [ps OPTIONS]",
	.max = ANY,
	.needs = NEED_STORE,
	.stop_at_operand = true,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = top_opts,
	.args_size = sizeof(struct top_args),
	.about =
		"Without options: the columns of ps -ef. Options are given to the ps of this "
		"machine, which must print a column PID; Podman's descriptors (pid, user, hpid, "
		"comm, args, time, capeff ...; all of them: --list-descriptors) can stand in their "
		"place.\n\n"
		"PID and PPID are numbers of this machine, as kill(1) wants them; among Podman's "
		"descriptors they are the container's own, and hpid is this machine's.",
	.examples = "moss top web\n"
		    "moss top web -o pid,comm,rss\n"
		    "moss top web pid hpid user args",
	.run = top_run,
};
