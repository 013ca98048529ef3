#include "cmd/cmd.h"
#include "engine/transfer/pull.h"
#include "base/err.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct load_args {
	char *input, *platform, *signature_policy;
	bool quiet;
};

static int open_input(const struct load_args *a, struct err *e)
{
	if (!str_empty(a->input))
		return cmd_open_input(a->input, e);
	if (isatty(STDIN_FILENO)) {
		err_set(e, EINVAL, "requested load from stdin, but stdin is empty");
		return err_hint(
			e, "name a file with --input, or redirect one: moss load <image.tar");
	}
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_sys(e, "cannot read from stdin") : fd;
}

static int load_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct load_args *a = args;
	auto_strv lines = STRV_INIT;
	auto_fd fd = open_input(a, e);
	if (fd < 0)
		return fd;
	const struct load_source source = {.fd = fd,
		.path = a->input,
		.platform = str_empty(a->platform) ? NULL : a->platform,
		.signature_policy = a->signature_policy};
	struct progress *progress =
		progress_new(STDOUT_FILENO, a->quiet ? PROGRESS_QUIET : PROGRESS_AUTO);
	int r = image_load(call->store, &source, progress, &lines, e);
	progress_free(progress);
	/* What was loaded before a failure is there, and said. */
	for (size_t i = 0; i < lines.n; i++)
		puts(lines.v[i]);
	return r < 0 && !str_empty(a->input) ? err_ctx(e, "cannot load %s", a->input) : r;
}

static const char *const aliases[] = {"image load", NULL};

// clang-format off
static const struct opt opts[] = {
	{"input", 'i', OPT_STR, FIELD(struct load_args, input), "string",
		"Read from tar archive file, instead of STDIN", .complete = COMPLETE_FILE},
	{"platform", 0, OPT_STR, FIELD(struct load_args, platform), "string",
		"Load only the given platform (formatted as os[/arch[/variant]])"},
	{"signature-policy", 0, OPT_STR, FIELD(struct load_args, signature_policy), "string",
		"File to read instead of policy.json", .flags = OPTF_HIDDEN,
		.complete = COMPLETE_FILE},
	{"quiet", 'q', OPT_BOOL, FIELD(struct load_args, quiet), NULL, "Suppress the load output"},
	{0},
};
// clang-format on

const struct cmd cmd_load = {
	.name = "load",
	.aliases = aliases,
	.brief = "Load an image from a tar archive or STDIN",
	.operands = "",
	.min = 0,
	.max = 0,
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct load_args),
	.about = "Reads the images of an archive as `docker save`, `podman save` and skopeo write "
		 "it "
		 "(docker-archive or oci-archive, plain or compressed with gzip, bzip2, xz or "
		 "zstd), with "
		 "their names, or with --input a folder (oci-dir or docker-dir). Layers that are "
		 "in the store already are not unpacked again. On a terminal each of the others "
		 "has a line with a bar.",
	.examples =
		"  moss load -i image.tar\n  curl -s https://example.org/image.tar.zst | moss load",
	.run = load_run,
};
