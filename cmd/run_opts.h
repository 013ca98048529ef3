/* run_opts: what run and create share: their flags, finding or pulling the image, warnings. */
#ifndef CMD_RUN_OPTS_H
#define CMD_RUN_OPTS_H

#include <stdbool.h>

#include "cmd/opt.h"
#include "cmd/registry_opts.h"
#include "engine/create.h"

struct cmd_call;
struct container_new;
struct err;

struct create_args {
	struct create_request req;
	bool quiet;
	struct registry_opts registry;
	/* Podman's */
	bool replace;
	char *arch, *os, *variant;
};

/* Every flag of create; run adds its own. For OPT_SHARED. */
extern const struct opt create_opts[];

/* The operands IMAGE [COMMAND] [ARG...] and the flags into a container without a record. The image
 * is pulled as --pull says, with Docker's lines on stderr; warnings go there too. The file of
 * --cidfile is checked before anything is made. */
int create_args_prepare(
	struct cmd_call *call, struct create_args *a, struct container_new *out, struct err *e);
/* Writes --cidfile, if any. */
int create_args_write_cidfile(const struct create_args *a, const char *id, struct err *e);

#endif
