/* moss version: the fields of docker version. There is no server; its half says what the same
 * program does, so that scripts that ask for .Server.Version get an answer. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/platform.h"
#include "cmd/object.h"

/* The level of Docker's API and command line that moss follows. */
#define API_VERSION "1.45"
#define MIN_API_VERSION "1.24"

struct version {
	char *format;
};

static json_t *client_fields(const char *arch)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Version", MOSS_VERSION,
		"ApiVersion", API_VERSION, "DefaultAPIVersion", API_VERSION, "GitCommit", "",
		"GoVersion", "", "Os", "linux", "Arch", arch, "BuildTime", "", "Context",
		"default");
}

static json_t *server_fields(const char *arch)
{
	struct utsname u = {0};
	(void)uname(&u);
	json_t *details = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ApiVersion",
		API_VERSION, "Arch", arch, "Experimental", "false", "GitCommit", "",
		"KernelVersion", u.release, "MinAPIVersion", MIN_API_VERSION, "Os", "linux");
	return json_pack(
		"{s:{s:s}, s:[{s:s, s:s, s:o}], s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		"Platform", "Name", "moss", "Components", "Name", "Engine", "Version", MOSS_VERSION,
		"Details", details, "Version", MOSS_VERSION, "ApiVersion", API_VERSION,
		"MinAPIVersion", MIN_API_VERSION, "GitCommit", "", "GoVersion", "", "Os", "linux",
		"Arch", arch, "KernelVersion", u.release, "BuildTime", "");
}

/* The field's name in templates is Go's, in JSON another one. */
static void add_api_version(json_t *half) { json_set_str(half, "APIVersion", API_VERSION); }

static void print_text(const char *arch)
{
	printf("Client: moss\n");
	printf(" Version:           %s\n", MOSS_VERSION);
	printf(" API version:       %s\n", API_VERSION);
	printf(" OS/Arch:           linux/%s\n", arch);
	printf(" Context:           default\n");
	printf("\nServer: moss (the same program: there is no daemon)\n");
	printf(" Engine:\n");
	printf("  Version:          %s\n", MOSS_VERSION);
	printf("  API version:      %s (minimum version %s)\n", API_VERSION, MIN_API_VERSION);
	printf("  OS/Arch:          linux/%s\n", arch);
	printf("  Experimental:     false\n");
}

static int version_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct version *v = args;
	(void)call;
	const char *arch = platform_arch();
	if (str_empty(v->format)) {
		print_text(arch);
		return 0;
	}
	auto_json all = json_pack(
		"{s:o, s:o}", "Client", client_fields(arch), "Server", server_fields(arch));
	if (strcmp(v->format, "json") != 0) {
		add_api_version(json_at(all, "Client"));
		add_api_version(json_at(all, "Server"));
	}
	return object_print(all, v->format, e);
}

// clang-format off
static const struct opt opts[] = {
	{"format", 'f', OPT_STR, FIELD(struct version, format), "string",
		"Format output using a custom template:\n"
		"'json':             Print in JSON format\n"
		"'TEMPLATE':         Print output using the given Go template"},
	{0},
};
// clang-format on

const struct cmd cmd_version = {
	.name = "version",
	.brief = "Show the moss version information",
	.opts = opts,
	.args_size = sizeof(struct version),
	.run = version_run,
};
