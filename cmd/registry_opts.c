#include "cmd/registry_opts.h"
#include "base/err.h"
#include "registry/transport.h"

#include <errno.h>
#include <stddef.h>

enum { RETRIES_MAX = 1000 };

// clang-format off
#define AUTHFILE(how) \
	{"authfile", 0, OPT_STR, FIELD(struct registry_opts, authfile), "string", \
		"File of registry credentials (default $REGISTRY_AUTH_FILE)", .flags = (how), \
		.complete = COMPLETE_FILE}
#define TLS(how) \
	{"cert-dir", 0, OPT_STR, FIELD(struct registry_opts, cert_dir), "string", \
		"Folder of the registry's certificates and keys", .flags = (how), \
		.complete = COMPLETE_DIR}, \
	{"tls-verify", 0, OPT_BOOL, FIELD(struct registry_opts, tls_verify), NULL, \
		"Require HTTPS and verify certificates (false: neither)", \
		.given_offset = FIELD(struct registry_opts, tls_verify_given)}
#define CREDS(how) \
	{"creds", 0, OPT_STR, FIELD(struct registry_opts, creds), "string", \
		"Credentials (USERNAME:PASSWORD) for the registry", .flags = (how)}
#define RETRY(how) \
	{"retry", 0, OPT_UINT, FIELD(struct registry_opts, retry), "uint", \
		"How often a failing transfer is tried again", .flags = (how), \
		.given_offset = FIELD(struct registry_opts, retry_given)}, \
	{"retry-delay", 0, OPT_DURATION, FIELD(struct registry_opts, retry_delay_ns), "duration", \
		"First pause before trying again; it grows", .flags = (how)}
#define INCOMING(how) \
	{"decryption-key", 0, OPT_UNSUPPORTED, 0, "strings", \
		"Keys for encrypted layers, which moss does not know", .flags = (how)}, \
	{"signature-policy", 0, OPT_STR, FIELD(struct registry_opts, signature_policy), "string", \
		"File to read instead of policy.json", .flags = OPTF_HIDDEN, \
		.complete = COMPLETE_FILE}

const struct opt registry_authfile_rows[] = {AUTHFILE(0), {0}};
const struct opt registry_opt_rows[] = {AUTHFILE(0), TLS(0), {0}};
const struct opt registry_creds_rows[] = {AUTHFILE(0), TLS(0), CREDS(0), {0}};
const struct opt registry_push_rows[] = {AUTHFILE(0), TLS(0), CREDS(0), RETRY(0), {0}};
const struct opt registry_pull_rows[] = {
	AUTHFILE(0), TLS(0), CREDS(0), RETRY(0), INCOMING(0), {0}};
const struct opt registry_run_rows[] = {
	AUTHFILE(OPTF_HIDDEN), TLS(OPTF_HIDDEN), CREDS(OPTF_HIDDEN), RETRY(OPTF_HIDDEN),
	INCOMING(OPTF_HIDDEN), {0}};
// clang-format on

int registry_creds_fit(const char *creds, const char *typed, struct err *e)
{
	if (!creds || !transport_is(typed))
		return 0;
	(void)err_set(e, EINVAL, "--creds are for a registry, which this is not");
	return err_hint(e, "leave them out; a list's members that are in registries are "
			   "fetched with what `moss login` keeps");
}

struct pull_options registry_pull_options(
	const struct cmd_call *call, const struct registry_opts *a)
{
	return (struct pull_options){
		.tls = a->insecure            ? PULL_TLS_INSECURE
		       : !a->tls_verify_given ? PULL_TLS_DEFAULT
		       : a->tls_verify        ? PULL_TLS_VERIFY
					      : PULL_TLS_INSECURE,
		.config_dir = call->globals->config_dir,
		.authfile = a->authfile,
		.creds = a->creds,
		.cert_dir = a->cert_dir,
		.has_retries = a->retry_given,
		.retries = a->retry > RETRIES_MAX ? RETRIES_MAX : (int64_t)a->retry,
		.retry_delay_ms = a->retry_delay_ns / 1000000,
		.signature_policy = a->signature_policy,
		.progress = PROGRESS_AUTO,
		.progress_fd = 1,
	};
}
