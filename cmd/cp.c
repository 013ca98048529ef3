#include "cmd/cmd.h"
#include "base/clock.h"
#include "base/scope.h"
#include "cmd/format/human.h"
#include "cmd/write_file.h"
#include "engine/copy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct cp_args {
	bool archive, follow_link, quiet, overwrite, ignored;
	bool quiet_given;
};

enum { TICK_NS = 75 * 1000 * 1000 };

/* A line on the terminal that is written over as the copy goes on. */
struct line {
	const char *header; /* NULL: none is shown */
	int64_t next_ns;
};

static void show(void *arg, uint64_t bytes)
{
	struct line *l = arg;
	if (!l->header || clock_monotonic_ns() < l->next_ns)
		return;
	auto_free char *size = human_size((int64_t)bytes);
	fprintf(stderr, "\r\033[2K%s%s", l->header, size);
	l->next_ns = clock_monotonic_ns() + TICK_NS;
}

static void wipe(const struct line *l)
{
	if (l->header)
		fputs("\r\033[2K", stderr);
}

static int cp_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct cp_args *a = args;
	const char *src = call->argv[0], *dst = call->argv[1];
	bool is_quiet = a->quiet_given ? a->quiet : !isatty(STDOUT_FILENO);
	struct line line = {0};
	struct copy_result result;
	if (!is_quiet && isatty(STDERR_FILENO) && strcmp(dst, "-") != 0)
		line.header =
			strchr(dst, ':') ? "Copying to container - " : "Copying from container - ";
	const struct copy_options o = {
		.follow_link = a->follow_link,
		.archive = a->archive,
		.overwrite = a->overwrite,
		.progress = show,
		.arg = &line,
	};
	int r = copy_run(call->store, src, dst, &o, &result, e);
	wipe(&line);
	if (r == 0 && result.devices_left_out)
		log_warn("%llu device node%s left out: making them takes the rights of root",
			(unsigned long long)result.devices_left_out,
			result.devices_left_out == 1 ? " was" : "s were");
	if (r == 0 && !is_quiet && strcmp(dst, "-") != 0) {
		auto_free char *size = human_size((int64_t)result.bytes);
		fprintf(stderr, "Successfully copied %s to %s\n", size, result.to);
	}
	copy_result_deinit(&result);
	return r < 0 && !strcmp(dst, "-") ? write_stdout_failed(e) : r;
}

static const char *const aliases[] = {"container cp", NULL};

// clang-format off
static const struct opt opts[] = {
	{"archive", 'a', OPT_BOOL, FIELD(struct cp_args, archive), "",
		"Archive mode: what is copied into a container belongs to its user"},
	{"extract", 0, OPT_IGNORED_BOOL, FIELD(struct cp_args, ignored), "",
		"No effect, as in Podman", .flags = OPTF_HIDDEN},
	{"follow-link", 'L', OPT_BOOL, FIELD(struct cp_args, follow_link), "",
		"Always follow symbol link in SRC_PATH"},
	{"overwrite", 0, OPT_BOOL, FIELD(struct cp_args, overwrite), "",
		"Let a directory take the place of a file, and the reverse"},
	{"pause", 0, OPT_IGNORED_BOOL, FIELD(struct cp_args, ignored), "",
		"No effect, as in Podman", .flags = OPTF_HIDDEN},
	{"quiet", 'q', OPT_BOOL, FIELD(struct cp_args, quiet), "",
		"Suppress progress output during copy. Progress output is automatically "
		"suppressed if no terminal is attached",
		.given_offset = FIELD(struct cp_args, quiet_given)},
	{0},
};
// clang-format on

const struct cmd cmd_cp = {
	.name = "cp",
	.aliases = aliases,
	.brief = "Copy files/folders between a container and the local filesystem",
	.operands = "CONTAINER:SRC_PATH DEST_PATH|-",
	.min = 2,
	.max = 2,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_PATH,
	.opts = opts,
	.args_size = sizeof(struct cp_args),
	.about = "One side is CONTAINER:PATH, the other a path of the host's, or - for a tar "
		 "archive "
		 "on the standard input or output; both may be containers. The container may run, "
		 "be paused, or not run; its volumes and bind mounts are there in any case. PATH "
		 "counts from the container's root. A folder that exists as the destination gets "
		 "what is copied in it; SRC_PATH/. copies the contents of a folder. What is copied "
		 "out belongs to the calling user, what is copied in keeps its numeric owner.\n\n"
		 "Everything about the container's files is done by a process that sees nothing "
		 "but them: a container cannot lead a copy to other files, whatever it does "
		 "meanwhile.",
	.examples = "moss cp web:/var/log/nginx/. logs\n"
		    "moss cp page.html web:/usr/share/nginx/html/\n"
		    "moss cp web:/etc - | tar t\n"
		    "tar c site | moss cp - web:/srv",
	.run = cp_run,
};
