/* logout: forgets credentials. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "registry/credentials_file.h"

struct logout {
	bool all;
	char *authfile, *compat_auth_file;
};

static int forget_one(const char *typed, const char *path, bool keeps_path, struct err *e)
{
	bool had;
	auto_server server = {0};
	int r = credentials_server_parse(typed, keeps_path, &server, e);
	if (r < 0)
		return r;
	printf("Removing login credentials for %s\n", server.key);
	fflush(stdout);
	return credentials_file_erase(path, &server, &had, e);
}

static int logout_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct logout *a = args;
	bool is_authfile;
	if (a->compat_auth_file && a->authfile)
		return err_set(e, EINVAL,
			"options for paths to the credential file and to the Docker-compatible "
			"credential file can not be set simultaneously");
	if (a->all && call->argc)
		return err_set(e, EINVAL, "--all takes no arguments");
	auto_free char *path = credentials_file_path(call->globals->config_dir,
		a->compat_auth_file ? a->compat_auth_file : a->authfile, &is_authfile, e);
	if (!path)
		return -e->code;
	if (!a->all)
		return forget_one(call->argc ? call->argv[0] : "", path,
			is_authfile && !a->compat_auth_file, e);
	int r = credentials_file_erase_all(path, e);
	if (r == 0)
		printf("Removed login credentials for all registries\n");
	return r;
}

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct logout, all), NULL,
		"Forget the credentials of all registries in the file"},
	{"authfile", 0, OPT_STR, FIELD(struct logout, authfile), "string",
		"File of registry credentials (default $REGISTRY_AUTH_FILE)",
		.complete = COMPLETE_FILE},
	{"compat-auth-file", 0, OPT_STR, FIELD(struct logout, compat_auth_file), "string",
		"Change this file, in Docker's format", .complete = COMPLETE_FILE},
	{0},
};
// clang-format on

const struct cmd cmd_logout = {
	.name = "logout",
	.brief = "Log out from a registry",
	.operands = "[SERVER]",
	.min = 0,
	.max = 1,
	.opts = opts,
	.args_size = sizeof(struct logout),
	.about = "Removes the credentials that `login` kept for the registry (docker.io where none "
		 "is named) from ~/.docker/config.json, or from the file that --authfile or "
		 "REGISTRY_AUTH_FILE names, and from its credential helper.",
	.run = logout_run,
};
