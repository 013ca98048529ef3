#include "cmd/registry_opts.h"

#include <stddef.h>

// clang-format off
const struct opt registry_opt_rows[] = {
	{"authfile", 0, OPT_STR, FIELD(struct registry_opts, authfile), "string",
		"File of registry credentials (default $REGISTRY_AUTH_FILE)",
		.complete = COMPLETE_FILE},
	{"cert-dir", 0, OPT_STR, FIELD(struct registry_opts, cert_dir), "string",
		"Folder of the registry's certificates and keys", .complete = COMPLETE_DIR},
	{"tls-verify", 0, OPT_BOOL, FIELD(struct registry_opts, tls_verify), NULL,
		"Require HTTPS and verify certificates (false: neither)",
		.given_offset = FIELD(struct registry_opts, tls_verify_given)},
	{0},
};
// clang-format on

struct pull_options registry_pull_options(
	const struct cmd_call *call, const struct registry_opts *a, const char *creds)
{
	return (struct pull_options){
		.tls = a->insecure            ? PULL_TLS_INSECURE
		       : !a->tls_verify_given ? PULL_TLS_DEFAULT
		       : a->tls_verify        ? PULL_TLS_VERIFY
					      : PULL_TLS_INSECURE,
		.config_dir = call->globals->config_dir,
		.authfile = a->authfile,
		.creds = creds,
		.cert_dir = a->cert_dir,
		.progress = PROGRESS_AUTO,
		.progress_fd = 1,
	};
}
