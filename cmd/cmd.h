/* cmd: one const entry per command. cmd/commands.c lists them; nothing else does.
 *
 * A command's file has: its args struct, its option rows, its run function, its entry. It parses
 * nothing itself and makes no kernel calls: it calls engine/ and prints. Output for the user goes
 * to stdout with stdio; warnings through log_warn; errors are returned, never printed
 * (cmd_report for the commands that go on with the next operand).
 *
 * All names are full names, words separated by one space: .name = "volume create", or .name =
 * "run" with the alias "container run". A group ("volume") is an entry without run; its members
 * are the commands that have a full name starting with the group's.
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
	char *root; /* --root: data root */
	char *runroot; /* --runroot */
	char *storage_driver; /* --storage-driver, NULL = config or probing */
	char *config_dir; /* --config: Docker client configuration folder */
	char *registries_conf; /* --registries-conf: instead of the user's or the system's */
	char *log_level;
	bool debug;
	bool version;
};

struct cmd_call {
	const struct cmd *cmd;
	const struct globals *globals;
	const char *program; /* what usage texts call the program: "moss", or "docker" by argv[0] */
	const char *typed; /* the full name the user typed: "container run" */
	struct store *store; /* open where .needs has NEED_STORE */
	char **argv; /* operands, NULL-terminated */
	int argc;
	int failures; /* counted by cmd_report */
	bool names_help; /* after the error main says where the flags are explained */
};

enum cmd_needs {
	NEED_STORE = 1, /* main opens the store before run */
};

#define ANY (-1)

struct cmd {
	const char *name; /* "run", "volume create" */
	const char *const *aliases; /* NULL-terminated further full names, "container run" */
	const char *brief; /* "Create and run a new container from an image" */
	const char *operands; /* "IMAGE [COMMAND] [ARG...]" */
	int min, max; /* operands; max may be ANY */
	unsigned needs;
	bool stop_at_operand; /* flags end at the first operand (run, create, exec) */
	bool hidden;
	int error_status; /* exit status of errors without one; 0 = 1 */
	enum complete complete; /* what operands are */
	const struct opt *opts;
	size_t args_size;
	const char *about; /* paragraphs for the man page; may be NULL */
	const char *examples; /* for the man page; may be NULL */
	const struct cmd *const *sub; /* only of cmd_root: all commands, NULL-terminated */
	/* Exit status >= 0, or a negative errno with e set. */
	int (*run)(struct cmd_call *call, void *args, struct err *e);
};

/* Prints "moss: <msg>" at once and counts a failure: for commands that try every operand. The
 * command then returns call->failures ? 1 : 0. */
void cmd_report(struct cmd_call *call, const struct err *e);
/* Tries every operand: prints it on a line of its own where `one` succeeds, reports where it fails.
 * The command's exit status. */
int cmd_each(struct cmd_call *call, void *args,
	int (*one)(struct cmd_call *call, void *args, const char *operand, struct err *e));
/* Opens a file that an operand or a flag names; errors in Go's spelling, which scripts look for:
 * "open x: no such file or directory". */
int cmd_open_input(const char *path, struct err *e);
/* Docker's sentence and usage on stderr where n operands are not as many as are wanted, at least min
 * and at most the command's max; false where they are. */
bool cmd_wrong_count(
	const struct cmd *c, const char *program, const char *typed, int min, size_t n);
/* "moss: <msg>", and the hint on a line of its own, on stderr. */
void cmd_print_error(const struct err *e);

extern const struct cmd cmd_root; /* every command; its opts are the global flags */

/* ---- cmd/find.c: names ---- */

/* The command that the first words of argv name ("container run" takes two); *used is how many.
 * A group where only its name fits. NULL (and *used 0) where the first word names nothing. */
const struct cmd *cmd_find(int argc, char *const *argv, int *used);
/* The i-th full name: 0 = .name, then the aliases; NULL at the end. */
const char *cmd_full_name(const struct cmd *c, size_t i);
/* The last word of the command's name as a member of the group (NULL: its one-word name, as a
 * command of its own), or NULL where it is none. */
const char *cmd_member_name(const struct cmd *c, const struct cmd *group);

/* ---- cmd/help.c ---- */

/* The whole help text of a command or group (cmd_root: the program). typed: the full name to show,
 * NULL = the command's own. */
void help_text(const struct cmd *c, const char *program, const char *typed, struct buf *out);
/* "moss run [OPTIONS] IMAGE [COMMAND] [ARG...]" */
void help_synopsis(const struct cmd *c, const char *program, const char *typed, struct buf *out);
/* What follows an error in the use of a command: "Usage: ... brief". */
void help_short(const struct cmd *c, const char *program, const char *typed, struct buf *out);
/* The rows of a table that are shown, by name. The array is the caller's to free. */
const struct opt **help_rows(const struct opt *table, size_t *n);
/* The metavariable of a row ("" for a switch), and its default as the help shows it: owned, NULL
 * where it shows none. */
const char *help_metavar(const struct opt *o);
char *help_default(const struct opt *o);

/* ---- cmd/suggest.c ---- */

/* The name nearest to a mistyped one among the members of the group (NULL: the top level, or a
 * member of any group that has this very name), or NULL. */
const char *suggest_command(const struct cmd *group, const char *typed);

#endif
