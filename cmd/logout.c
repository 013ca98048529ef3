/* logout: forgets credentials. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "registry/credential_store.h"
#include "registry/credentials_file.h"

struct logout {
	struct registry_opts registry;
	bool all;
	char *compat_auth_file;
};

static int forget_one(
	const char *typed, const struct credential_store *store, bool keeps_path, struct err *e)
{
	auto_server server = {0};
	int r = credentials_server_parse(typed, keeps_path, &server, e);
	if (r < 0)
		return r;
	printf("Removing login credentials for %s\n", server.key);
	fflush(stdout);
	return credential_store_erase(store, &server, e);
}

static int logout_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct logout *a = args;
	bool is_authfile;
	if (a->compat_auth_file && a->registry.authfile)
		return err_set(e, EINVAL,
			"options for paths to the credential file and to the Docker-compatible "
			"credential file can not be set simultaneously");
	if (a->all && call->argc)
		return err_set(e, EINVAL, "--all takes no arguments");
	auto_free char *path = credentials_file_path(call->globals->config_dir,
		a->compat_auth_file ? a->compat_auth_file : a->registry.authfile, &is_authfile, e);
	if (!path)
		return -e->code;
	const char *named = a->compat_auth_file    ? a->compat_auth_file
			    : a->registry.authfile ? a->registry.authfile
						   : getenv("REGISTRY_AUTH_FILE");
	if (!str_empty(named) && access(path, F_OK) < 0)
		return err_sys(e, "cannot open %s", named);
	auto_credential_store store = {0};
	int r = credential_store_open(&store, path, a->compat_auth_file, e);
	if (r < 0)
		return r;
	if (!a->all)
		return forget_one(call->argc ? call->argv[0] : "", &store,
			is_authfile && !a->compat_auth_file, e);
	r = credential_store_erase_all(&store, e);
	if (r == 0)
		printf("Removed login credentials for all registries\n");
	return r;
}

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct logout, all), NULL,
		"Forget the credentials of all registries in the file"},
	{"compat-auth-file", 0, OPT_STR, FIELD(struct logout, compat_auth_file), "string",
		"Change this file, in Docker's format", .complete = COMPLETE_FILE},
	OPT_SHARED(struct logout, registry, registry_authfile_rows),
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
		 "REGISTRY_AUTH_FILE names, and from its credential helper and those of "
		 "registries.conf(5).",
	.run = logout_run,
};
