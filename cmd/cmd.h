/* cmd: one const entry per command. cmd/commands.c lists them; nothing else does.
 *
 * A command's file has: its args struct, its option rows, its run function, its entry. It parses
 * nothing itself and makes no kernel calls: it calls engine/ and prints. Output for the user goes
 * to stdout with stdio; warnings through log_warn; errors are returned, never printed
 * (cmd_report for the commands that go on with the next operand).
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/opt.h"

struct store;

struct globals {
	char *root;           /* --root: data root */
	char *runroot;        /* --runroot */
	char *storage_driver; /* --storage-driver, NULL = config or probing */
	char *config_dir;     /* --config: Docker client configuration folder */
	char *log_level;
	bool debug;
	struct strv storage_opt;
};

struct cmd_call {
	const struct cmd *cmd;
	const struct globals *globals;
	struct store *store; /* open where .needs has NEED_STORE */
	char **argv;         /* operands, NULL-terminated */
	int argc;
	int failures;        /* counted by cmd_report */
};

enum cmd_needs {
	NEED_STORE = 1, /* main opens the store before run */
};

#define ANY (-1)

struct cmd {
	const char *name;
	const char *const *aliases; /* NULL-terminated further full names, "container run" */
	const char *brief;          /* "Create and run a new container from an image" */
	const char *operands;       /* "IMAGE [COMMAND] [ARG...]" */
	int min, max;               /* operands; max may be ANY */
	unsigned needs;
	bool stop_at_operand;       /* flags end at the first operand (run, create, exec) */
	bool hidden;
	int error_status;           /* exit status of errors without one; 0 = 1 */
	enum complete complete;     /* what operands are */
	const struct opt *opts;
	size_t args_size;
	const char *about;          /* paragraphs for the man page and --help; may be NULL */
	const char *examples;       /* may be NULL */
	const struct cmd *const *sub; /* a group: its commands, NULL-terminated; run is NULL */
	/* Exit status >= 0, or a negative errno with e set. */
	int (*run)(struct cmd_call *call, void *args, struct err *e);
};

/* Prints "moss: <msg>" at once and counts a failure: for commands that try every operand. The
 * command then returns call->failures ? 1 : 0. */
void cmd_report(struct cmd_call *call, const struct err *e);

extern const struct cmd cmd_root; /* the group of all commands */

#endif
