/* registry_opts: the flags that say how a registry is spoken to, shared by the commands that do. */
#ifndef CMD_REGISTRY_OPTS_H
#define CMD_REGISTRY_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/cmd.h"
#include "engine/transfer/pull.h"

struct registry_opts {
	char *authfile, *cert_dir, *creds, *signature_policy;
	bool tls_verify, tls_verify_given;
	bool insecure; /* Docker's flag of its `manifest` commands, which list it themselves */
	uint64_t retry;
	bool retry_given;
	int64_t retry_delay_ns;
};

/* The groups grow, for OPT_SHARED: */
extern const struct opt registry_authfile_rows[]; /* --authfile: logout */
extern const struct opt registry_opt_rows[]; /* + --cert-dir, --tls-verify: login, manifest */
extern const struct opt registry_creds_rows[]; /* + --creds: search, manifest add and push */
extern const struct opt registry_push_rows[]; /* + --retry, --retry-delay: push */
extern const struct opt registry_pull_rows[]; /* + what is for images that come in: pull */
extern const struct opt registry_run_rows[]; /* the same, of which help shows --tls-verify only */

/* A file or folder asks for no credentials: -EINVAL where --creds are given with the name of one. */
int registry_creds_fit(const char *creds, const char *typed, struct err *e);
/* What the transfers take: progress goes to stdout. The strings stay the caller's. */
struct pull_options registry_pull_options(
	const struct cmd_call *call, const struct registry_opts *a);

#endif
