/* moss: finds the command, parses its flags into its own struct, opens what it needs, runs it and
 * prints the one error it returns. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/log_tag.h"
#include "engine/doctor.h"
#include "engine/enter.h"
#include "engine/log.h"
#include "storage/store.h"

struct invocation {
	const char *program; /* "moss" or "docker" */
	struct globals globals;
	const struct cmd *cmd;
	char *typed; /* the full name as typed */
	int argc; /* words after the command's name */
	char **argv;
};

/* A flag that does not parse: Docker's words have no prefix. */
static int usage_error(const struct invocation *in, const struct err *e)
{
	const char *space = str_empty(in->typed) ? "" : " ";
	const char *typed = str_empty(in->typed) ? "" : in->typed;
	if (e->code == EOPNOTSUPP) {
		cmd_print_error(e);
		return e->status;
	}
	fprintf(stderr, "%s\nSee '%s%s%s --help'.\n", e->msg, in->program, space, typed);
	if (e->hint[0])
		fprintf(stderr, "%s\n", e->hint);
	return e->status;
}

static int show_help(const struct invocation *in, FILE *to)
{
	auto_buf text = BUF_INIT;
	help_text(in->cmd, in->program, in->typed, &text);
	fputs(text.data, to);
	return 0;
}

/* Docker's commands that may be missing here: told from typos. */
static bool is_dockers(const char *word)
{
	static const char *const words[] = {"build", "builder", "buildx", "checkpoint", "compose",
		"config", "context", "network", "node", "plugin", "scout", "secret", "service",
		"stack", "swarm", "trust"};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* "moss docker ps": a habit, or a script's variable. */
static bool is_engine(const char *word)
{
	return !strcmp(word, "docker") || !strcmp(word, "podman") || !strcmp(word, "moss");
}

static int unknown_command(const struct invocation *in, const char *word, const char *next)
{
	fprintf(stderr, "moss: '%s' is not a %s command.\nSee '%s --help'\n", word, in->program,
		in->program);
	const char *near = suggest_command(NULL, word);
	if (is_dockers(word))
		fprintf(stderr, "Docker's command of this name is not supported yet\n");
	else if (is_engine(word) && next)
		fprintf(stderr, "Did you mean '%s %s'?\n", in->program, next);
	else if (near)
		fprintf(stderr, "Did you mean '%s %s'?\n", in->program, near);
	return 1;
}

/* A group alone shows its help, on stderr as Docker does; another word names no member of it. */
static int run_group(const struct invocation *in)
{
	const char *word = in->argc ? in->argv[0] : NULL;
	if (!word)
		return show_help(in, stderr);
	if (word[0] == '-') {
		struct err e;
		auto_strv operands = STRV_INIT;
		if (opt_parse(NULL, NULL, in->argc, in->argv, true, &operands, &e) < 0)
			return usage_error(in, &e);
		return show_help(in, stdout);
	}
	fprintf(stderr, "moss: '%s %s' is not a %s command.\nSee '%s %s --help'\n", in->typed, word,
		in->program, in->program, in->typed);
	const char *near = suggest_command(in->cmd, word);
	if (is_dockers(word))
		fprintf(stderr, "Docker's command of this name is not supported yet\n");
	else if (near)
		fprintf(stderr, "Did you mean '%s %s %s'?\n", in->program, in->typed, near);
	return 1;
}

static int open_store(const struct globals *g, struct store *store, struct err *e)
{
	struct store_options o = {
		.root = g->root, .runroot = g->runroot, .driver = g->storage_driver};
	return store_open(store, &o, e);
}

static int execute(const struct invocation *in, void *args, struct strv *operands, bool *names_help,
	struct err *e)
{
	struct store store = {.root_fd = -1, .runroot_fd = -1};
	char *none = NULL;
	struct cmd_call call = {
		.cmd = in->cmd,
		.globals = &in->globals,
		.program = in->program,
		.typed = in->typed,
		.argv = operands->v ? operands->v : &none,
		.argc = (int)operands->n,
	};
	if (in->cmd->needs & NEED_STORE) {
		if (open_store(&in->globals, &store, e) < 0)
			return -e->code;
		call.store = &store;
	}
	int r = in->cmd->run(&call, args, e);
	*names_help = call.names_help;
	struct err ignored = {.code = 0};
	/* What a command that was killed left in the trash. */
	if (call.store && store.has_leftovers && store_purge(&store, enter_remove, &ignored) < 0)
		log_debug("%s", ignored.msg);
	if (call.store)
		store_close(&store);
	return r;
}

/* An output that could not be written (a full disk) is an error, whatever the command thinks. */
static int finish_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "moss: cannot write to standard output: %s\n", strerror(errno));
	return status ? status : 1;
}

/* The cure of what the machine refuses, where the error itself knows none. */
static void explain(const struct invocation *in, struct err *e)
{
	auto_free char *root = NULL;
	struct err ignored;
	if ((in->cmd->needs & NEED_STORE) && store_root(in->globals.root, &root, &ignored) == 0)
		doctor_explain(root, e);
}

static int run_command(const struct invocation *in)
{
	const struct cmd *c = in->cmd;
	struct err e = {0};
	auto_strv operands = STRV_INIT;
	auto_free void *args = xcalloc(1, c->args_size ? c->args_size : 1);
	int status;
	int r = opt_parse(c->opts, args, in->argc, in->argv, c->stop_at_operand, &operands, &e);
	if (r < 0) {
		status = usage_error(in, &e);
	} else if (r == 1) {
		status = show_help(in, stdout);
	} else if (cmd_wrong_count(in->cmd, in->program, in->typed, in->cmd->min, operands.n)) {
		status = 1;
	} else {
		bool names_help = false;
		status = execute(in, args, &operands, &names_help, &e);
		if (status < 0) {
			explain(in, &e);
			cmd_print_error(&e);
			if (names_help)
				fprintf(stderr, "See '%s %s --help'.\n", in->program, in->typed);
			status = e.status ? e.status : c->error_status ? c->error_status : 1;
		}
	}
	opt_free(c->opts, args);
	return finish_output(status);
}

static int set_log_level(const struct globals *g, struct err *e)
{
	static const char *const levels[] = {
		"debug", "info", "warn", "warning", "error", "fatal", "panic", "trace"};
	bool is_known = false;
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		is_known |= strcasecmp(levels[i], g->log_level) == 0;
	if (!is_known)
		return err_set(e, EINVAL, "unable to parse logging level: %s", g->log_level);
	log_debug_on = g->debug || strcasecmp(g->log_level, "debug") == 0 ||
		       strcasecmp(g->log_level, "trace") == 0;
	if (log_debug_on)
		setenv("MOSS_DEBUG", "1", 1);
	return 0;
}

/* The flag is the variable, for all that is done here: what names an image, and what is started. */
static void set_registries_conf(const struct globals *g)
{
	if (!str_empty(g->registries_conf))
		setenv("CONTAINERS_REGISTRIES_CONF", g->registries_conf, 1);
}

/* The words before the command; *rest is where the command's name stands. 0, or 1 where *status
 * is the answer already. */
static int parse_globals(struct invocation *in, int argc, char **argv, int *rest, int *status)
{
	struct err e = {0};
	auto_strv words = STRV_INIT;
	in->cmd = &cmd_root;
	int r = opt_parse(cmd_root.opts, &in->globals, argc, argv, true, &words, &e);
	*rest = argc - (int)words.n;
	if (r == 0 && !in->globals.version)
		r = set_log_level(&in->globals, &e);
	set_registries_conf(&in->globals);
	if (r < 0 && !e.status) {
		cmd_print_error(&e);
		*status = 1;
		return 1;
	}
	if (r < 0) {
		*status = usage_error(in, &e);
		return 1;
	}
	if (in->globals.version) {
		printf("moss version %s\n", MOSS_VERSION);
		*status = finish_output(0);
		return 1;
	}
	if (r == 1 || words.n == 0) {
		/* As Docker: asked for on stdout, nothing said on stderr. */
		show_help(in, r == 1 ? stdout : stderr);
		*status = finish_output(0);
		return 1;
	}
	if (log_debug_on && getenv("DOCKER_HOST"))
		log_debug("DOCKER_HOST is ignored: there is no daemon");
	return 0;
}

static const char *program_name(const char *argv0)
{
	return argv0 && strcmp(path_base(argv0), "docker") == 0 ? "docker" : "moss";
}

int main(int argc, char **argv)
{
	fds_ensure_std();
	log_tag_render = log_tag_text;
	struct invocation in = {.program = program_name(argc ? argv[0] : NULL)};
	int at = 0, used = 0, status = 0;
	argc -= argc > 0;
	argv++;
	if (parse_globals(&in, argc, argv, &at, &status) == 0) {
		in.cmd = cmd_find(argc - at, argv + at, &used);
		if (!in.cmd) {
			status = unknown_command(&in, argv[at], argv[at + 1]);
		} else {
			in.typed = used == 2 ? xasprintf("%s %s", argv[at], argv[at + 1])
					     : xstrdup(argv[at]);
			in.argc = argc - at - used;
			in.argv = argv + at + used;
			status = in.cmd->run ? run_command(&in) : finish_output(run_group(&in));
		}
	}
	free(in.typed);
	opt_free(cmd_root.opts, &in.globals);
	return status;
}
