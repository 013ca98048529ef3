#include "cmd/cmd.h"
#include "base/scope.h"
#include "base/shown.h"
#include "engine/commit_image.h"
#include "engine/import.h"
#include "engine/transfer/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct import_args {
	struct strv change;
	char *message, *platform, *os, *arch, *variant, *signature_policy;
	bool quiet;
};

static bool is_url(const char *s)
{
	return !strncasecmp(s, "http://", 7) || !strncasecmp(s, "https://", 8);
}

static int open_source(const char *source, struct err *e)
{
	struct stat st;
	if (!strcmp(source, "-")) {
		int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? err_sys(e, "cannot read from stdin") : fd;
	}
	auto_fd fd = cmd_open_input(source, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "read %s: is a directory", source);
	return take_fd(fd);
}

static int choose_platform(const struct import_args *a, struct platform *p, struct err *e)
{
	auto_free char *pair = NULL;
	const char *text = a->platform;
	if (!str_empty(a->os) || !str_empty(a->arch) || !str_empty(a->variant)) {
		if (!str_empty(text))
			return err_set(e, EINVAL,
				"--platform cannot be used with --os, --arch and --variant");
		auto_platform ours = {0};
		if (platform_parse(NULL, &ours, e) < 0)
			return -e->code;
		pair = xasprintf("%s/%s%s%s", str_empty(a->os) ? ours.os : a->os,
			str_empty(a->arch) ? ours.architecture : a->arch,
			str_empty(a->variant) ? "" : "/", str_empty(a->variant) ? "" : a->variant);
		text = pair;
	}
	if (platform_parse(text, p, e) < 0)
		return -e->code;
	if (strcmp(p->os, "linux") != 0)
		return err_set(e, EINVAL, "operating system is not supported");
	return 0;
}

static int import_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct import_args *a = args;
	const char *source = call->argv[0];
	auto_platform platform = {0};
	auto_free char *name = NULL;
	char id[72];
	int r = image_new_name(
		call->argc > 1 ? call->argv[1] : NULL, "cannot import digest reference", &name, e);
	if (r < 0)
		return r;
	auto_fd fd = is_url(source) ? -1 : open_source(source, e);
	if (fd < 0 && !is_url(source))
		return fd;
	if ((r = choose_platform(a, &platform, e)) < 0)
		return r;
	const struct import_options o = {
		.fd = fd,
		.source = source,
		.signature_policy = a->signature_policy,
		.message = a->message,
		.changes = &a->change,
		.os = platform.os,
		.architecture = platform.architecture,
		.variant = platform.variant,
		.name = name,
	};
	/* Docker's line, once it has got an answer: to a person already while it waits for one. */
	bool tells_source = is_url(source) && !a->quiet, is_early = isatty(STDOUT_FILENO);
	char shown[1024];
	shown_url(source, shown, sizeof(shown));
	if (tells_source && is_early)
		printf("Downloading from %s\n", shown);
	fflush(stdout);
	r = image_import(call->store, &o, id, e);
	if (r < 0)
		return r;
	if (tells_source && !is_early)
		printf("Downloading from %s\n", shown);
	puts(id);
	return 0;
}

static const char *const aliases[] = {"image import", NULL};

// clang-format off
static const struct opt opts[] = {
	{"arch", 0, OPT_STR, FIELD(struct import_args, arch), "string",
		"Set the architecture of the imported image"},
	{"change", 'c', OPT_LIST, FIELD(struct import_args, change), "list",
		"Apply Dockerfile instruction to the created image"},
	{"message", 'm', OPT_STR, FIELD(struct import_args, message), "string",
		"Set commit message for imported image"},
	{"os", 0, OPT_STR, FIELD(struct import_args, os), "string",
		"Set the OS of the imported image"},
	{"platform", 0, OPT_STR, FIELD(struct import_args, platform), "string",
		"Set platform if server is multi-platform capable"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct import_args, quiet), "",
		"Print the ID only"},
	{"signature-policy", 0, OPT_STR, FIELD(struct import_args, signature_policy), "string",
		"File to read instead of policy.json", .flags = OPTF_HIDDEN,
		.complete = COMPLETE_FILE},
	{"variant", 0, OPT_STR, FIELD(struct import_args, variant), "string",
		"Set the variant of the imported image"},
	{0},
};
// clang-format on

const struct cmd cmd_import = {
	.name = "import",
	.aliases = aliases,
	.brief = "Import the contents from a tarball to create a filesystem image",
	.operands = "file|URL|- [REPOSITORY[:TAG]]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_FILE,
	.opts = opts,
	.args_size = sizeof(struct import_args),
	.about = "Makes an image of one layer from a tar archive of a file system: plain or "
		 "compressed with gzip, bzip2, xz or zstd; from a file, from the standard input "
		 "(-) or from a URL. Owners, modes, times, extended attributes, hard links and "
		 "holes are kept, and so is the archive's digest: it is the layer's. --change "
		 "takes CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, "
		 "USER, VOLUME and WORKDIR. What policy.json(5) says of the transport tarball, "
		 "else by default, decides whether it may be imported.",
	.examples = "tar -C rootfs -c . | moss import -c 'CMD [\"/bin/sh\"]' - mine:1\n"
		    "moss import https://example.org/rootfs.tar.xz mine:2",
	.run = import_run,
};
