/* push_opts: the flags that `push` and `manifest push` share: in which form images are sent. */
#ifndef CMD_PUSH_OPTS_H
#define CMD_PUSH_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/registry_opts.h"
#include "engine/transfer/push.h"

struct push_opts {
	struct registry_opts registry; /* whose rows each lists itself */
	char *compression_format, *digestfile, *format;
	int64_t compression_level;
	bool compression_level_given, force_compression, quiet, remove_signatures;
};
extern const struct opt push_opt_rows[];

/* Checks the values. The strings stay the caller's. */
int push_opts_read(const struct cmd_call *call, const struct push_opts *a, struct push_options *o,
	struct err *e);
/* --digestfile: the digest, without a newline, as Podman writes it. */
int push_opts_write_digest(const struct push_opts *a, const char *digest, struct err *e);
/* The reference of a destination in a registry: "docker://" in front is no other; other transports
 * are refused by name. */
struct reference;
int push_destination(const char *typed, struct reference *ref, struct err *e);

#endif
