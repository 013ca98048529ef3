/* opt: one row per flag. From the rows come parsing, --help, the man page and completion.
 *
 * The parser fills the command's own args struct through the offsets; a shared group of rows
 * fills the struct embedded in it. Docker's grammar: short clusters (-itd), --flag=value,
 * --flag value, -fvalue, booleans as --flag, --flag=false, (also --no-flag where the row says so),
 * "--" ends the flags. --help and -h (where no row has them) ask for help.
 */
#ifndef CMD_OPT_H
#define CMD_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum opt_type {
	OPT_END = 0,
	OPT_BOOL, /* bool */
	OPT_STR, /* char * (owned; NULL until given, or the row's def) */
	OPT_LIST, /* struct strv; each use adds one */
	OPT_FILTER, /* struct strv of "name=value"; each use adds one, "" none */
	OPT_CSV, /* struct strv; each use adds the comma-separated parts */
	OPT_INT, /* int64_t */
	OPT_UINT, /* uint64_t */
	OPT_DECIMAL, /* char * that was checked to be a decimal number */
	OPT_DURATION, /* int64_t nanoseconds; Go's syntax */
	OPT_BYTES, /* int64_t; n[b|k|m|g|t], 1024-based */
	OPT_GROUP, /* a shared table: `group`, whose struct stands at the offset */
	OPT_UNSUPPORTED, /* refused by name: "--gpus is not supported yet"; `value` as for the real
			    one,
			    "" or NULL for a boolean (whose =false is accepted) */
	OPT_IGNORED_BOOL, /* documented no-op of Docker's, kept for scripts (say why in help) */
};

enum opt_flags {
	OPTF_HIDDEN = 1, /* not in help */
	OPTF_ALIAS = 2, /* another spelling of the row before it (repeat type and offset); hidden */
	OPTF_STOP = 4, /* as --version: the parse succeeds at once, what follows is not looked at */
	OPTF_NEGATABLE = 8, /* --no-NAME is accepted too */
	OPTF_MINUS_ONE = 16, /* OPT_BYTES: "-1" (unlimited) is accepted */
};

enum complete {
	COMPLETE_NONE = 0, /* nothing to offer */
	COMPLETE_FILE,
	COMPLETE_DIR,
	COMPLETE_CONTAINER,
	COMPLETE_CONTAINER_RUNNING,
	COMPLETE_CONTAINER_PATH, /* CONTAINER:PATH, or a file */
	COMPLETE_IMAGE,
	COMPLETE_VOLUME,
	COMPLETE_NETWORK,
	COMPLETE_CHOICES, /* the row's `choices`, space-separated */
	COMPLETE_COMMAND,
};

struct opt {
	const char *name; /* long, without "--" */
	char shorthand; /* 0 = none */
	enum opt_type type;
	size_t offset; /* of the field in the args struct */
	const char *value; /* metavariable as Docker prints it: "string", "list", "map" ... */
	const char *help; /* one line */
	const char *def; /* default as text; NULL = zero value */
	unsigned flags;
	enum complete complete;
	const char *choices;
	const struct opt *group; /* OPT_GROUP */
	size_t given_offset; /* of a bool that tells "was given"; 0 = not kept (so never make it
				the first field) */
	const char *hint; /* OPT_UNSUPPORTED: what to do instead; may be NULL */
};

#define FIELD(args, member) offsetof(args, member)
#define OPT_SHARED(args, member, table)                                                            \
	{                                                                                          \
		.type = OPT_GROUP, .offset = offsetof(args, member), .group = (table)              \
	}

struct err;

/* Sets defaults in *args (zeroed by the caller), then parses argv[0..argc). Copies of the operands
 * are added to *operands; with stop_at_operand flags end at the first one. 0; 1 where help was
 * asked for; -EINVAL with status 125 and Docker's words ("unknown flag: --x", with the nearest one
 * in the hint); -EOPNOTSUPP with status 125 for a flag that is refused by name. In every case
 * *args is to be freed with opt_free. table may be NULL (no flags). */
int opt_parse(const struct opt *table, void *args, int argc, char *const *argv,
	bool stop_at_operand, struct strv *operands, struct err *e);
/* Frees every owned field. */
void opt_free(const struct opt *table, void *args);
/* Calls fn for each real row, groups flattened; stops at a non-zero result and returns it. */
int opt_each(const struct opt *table, int (*fn)(const struct opt *o, void *arg), void *arg);
/* The row of a long name, or of a shorthand; NULL where there is none. Borrowed. */
const struct opt *opt_find(const struct opt *table, const char *name, size_t len);
const struct opt *opt_find_short(const struct opt *table, char c);
/* Whether the flag stands alone (takes no value unless written with "="). */
bool opt_is_switch(const struct opt *o);

/* The values, in Go's syntax. On failure: -EINVAL and the reason in Docker's words in e. */
int opt_value_bool(const char *s, bool *out, struct err *e);
int opt_value_int(const char *s, int64_t *out, struct err *e);
int opt_value_uint(const char *s, uint64_t *out, struct err *e);
int opt_value_duration(const char *s, int64_t *ns, struct err *e);
int opt_value_bytes(const char *s, int64_t *out, struct err *e);
int opt_value_decimal(const char *s, struct err *e);
/* s in double quotes as Go's %q prints it. Owned. */
char *opt_quote(const char *s);

#endif
