/* registry_opts: the flags that say how a registry is spoken to, shared by the commands that do. */
#ifndef CMD_REGISTRY_OPTS_H
#define CMD_REGISTRY_OPTS_H

#include <stdbool.h>

#include "cmd/cmd.h"
#include "engine/transfer/pull.h"

struct registry_opts {
	char *authfile, *cert_dir;
	bool tls_verify, tls_verify_given;
	bool insecure;
};
/* --authfile, --cert-dir, --tls-verify. */
extern const struct opt registry_opt_rows[];

/* What the transfers take. The strings stay the caller's. */
struct pull_options registry_pull_options(
	const struct cmd_call *call, const struct registry_opts *a, const char *creds);

#endif
