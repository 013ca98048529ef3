#include "cmd/cmd.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/commit.h"
#include "engine/commit_image.h"
#include "engine/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct commit_args {
	struct strv change;
	char *author, *message, *format, *iidfile;
	bool pause, quiet, include_volumes;
};

static int check_format(const char *format, struct err *e)
{
	if (str_empty(format) || !strcmp(format, "docker") || !strcmp(format, "oci"))
		return 0;
	return err_set(e, EINVAL, "unrecognized image format \"%s\": docker or oci", format);
}

static int write_iidfile(const char *path, const char *id, struct err *e)
{
	if (str_empty(path))
		return 0;
	auto_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : write_all(fd, id, strlen(id));
	return r < 0 ? err_sysn(e, -r, "cannot write the ID to %s", path) : 0;
}

static int commit_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct commit_args *a = args;
	struct container_row row;
	auto_free char *name = NULL;
	char id[72];
	int r = check_format(a->format, e);
	if (r == 0)
		r = image_new_name(call->argc > 1 ? call->argv[1] : NULL,
			"refusing to create a tag with a digest reference", &name, e);
	if (r < 0)
		return r;
	if ((r = container_get(call->store, call->argv[0], &row, e)) < 0)
		return r;
	const struct commit_options o = {
		.author = a->author,
		.message = a->message,
		.changes = &a->change,
		.name = name,
		.pause = a->pause,
		.include_volumes = a->include_volumes,
	};
	r = container_commit(call->store, &row, &o, id, e);
	container_row_deinit(&row);
	if (r < 0)
		return r;
	puts(id);
	return write_iidfile(a->iidfile, id, e);
}

static const char *const aliases[] = {"container commit", NULL};

// clang-format off
static const struct opt opts[] = {
	{"author", 'a', OPT_STR, FIELD(struct commit_args, author), "string",
		"Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")"},
	{"change", 'c', OPT_LIST, FIELD(struct commit_args, change), "list",
		"Apply Dockerfile instruction to the created image"},
	{"config", 0, OPT_UNSUPPORTED, 0, "string", "File with a configuration to merge",
		.hint = "Say it with --change."},
	{"format", 'f', OPT_STR, FIELD(struct commit_args, format), "string",
		"Format of the image's manifest once it is pushed (docker, oci): both are made from the same image"},
	{"iidfile", 0, OPT_STR, FIELD(struct commit_args, iidfile), "string",
		"Write the image ID to the file", .complete = COMPLETE_FILE},
	{"include-volumes", 0, OPT_BOOL, FIELD(struct commit_args, include_volumes), "",
		"Make the container's mount points volumes of the image"},
	{"message", 'm', OPT_STR, FIELD(struct commit_args, message), "string", "Commit message"},
	{"pause", 'p', OPT_BOOL, FIELD(struct commit_args, pause), "",
		"Pause container during commit", .def = "true", .flags = OPTF_NEGATABLE},
	{"quiet", 'q', OPT_BOOL, FIELD(struct commit_args, quiet), "",
		"Suppress output (there is none but the ID)"},
	{"squash", 's', OPT_UNSUPPORTED, 0, "", "Make one layer of all",
		.hint = "moss export CONTAINER | moss import - IMAGE makes an image of one layer."},
	{0},
};
// clang-format on

const struct cmd cmd_commit = {
	.name = "commit",
	.aliases = aliases,
	.brief = "Create a new image from a container's changes",
	.operands = "CONTAINER [REPOSITORY[:TAG]]",
	.min = 1,
	.max = 2,
	.needs = NEED_STORE,
	.stop_at_operand = true,
	.complete = COMPLETE_CONTAINER,
	.opts = opts,
	.args_size = sizeof(struct commit_args),
	.about =
		"Makes an image from a container's files and configuration and prints its ID. What "
		"is in volumes and other mounts is not part of it. The files of a container that "
		"does not run are not copied: they become the image's layer, and the container "
		"goes on above it. A running container is paused while its files are copied "
		"(--pause=false: it is not, and what it writes meanwhile may be half there). "
		"Owners, modes, times, extended attributes, hard links, holes and file "
		"capabilities are kept.",
	.examples = "moss commit -m 'with curl' -c 'CMD [\"curl\", \"--version\"]' work mine:1",
	.run = commit_run,
};
