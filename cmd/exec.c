/* exec: one more process in a running container. */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/attach.h"
#include "engine/exec.h"
#include "engine/launch.h"
#include "engine/parse_env.h"
#include "engine/start.h"
#include "storage/db/container_row.h"

struct exec {
	char *cidfile, *detach_keys, *user, *workdir;
	struct strv env, env_file;
	bool detach, interactive, latest, privileged, tty;
};

static int load_env(const struct exec *a, struct strv *env, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < a->env_file.n; i++)
		r = env_read_file(a->env_file.v[i], true, env, e);
	if (r < 0)
		return err_status(e, 1);
	for (size_t i = 0; r >= 0 && i < a->env.n; i++)
		r = env_parse_flag(a->env.v[i], env, e);
	return r < 0 ? err_status(e, 125) : 0;
}

static int check(const struct exec *a, struct err *e)
{
	unsigned char keys[16];
	if (a->detach_keys) {
		struct err ignored;
		if (detach_keys_parse(a->detach_keys, keys, sizeof(keys), &ignored) < 0)
			return err_set(
				e, EINVAL, "Invalid escape keys (%s) provided", a->detach_keys);
	}
	if (a->workdir && *a->workdir && *a->workdir != '/') {
		err_set(e, EINVAL, "OCI runtime exec failed: exec failed: Cwd must be an absolute path");
		return err_status(e, 126);
	}
	if (a->tty && a->interactive && !a->detach && !isatty(0))
		return err_set(e, ENOTTY, "the input device is not a TTY");
	return 0;
}

/* The container is the first operand, unless a flag of Podman's says which; *used tells. Owned. */
static char *find_name(struct cmd_call *call, const struct exec *a, int *used, struct err *e)
{
	*used = !a->latest && !a->cidfile;
	if (a->latest && a->cidfile) {
		err_set(e, EINVAL, "--latest and --cidfile cannot be used together");
		return NULL;
	}
	return a->cidfile ? pick_cidfile(a->cidfile, e) : pick_one(call, a->latest, e);
}

static int exec_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct exec *a = args;
	int used = 1;
	if (cmd_wrong_count(call->cmd, call->program, call->typed,
		    a->latest || a->cidfile ? 1 : 2, (size_t)call->argc))
		return 1;
	auto_strv env = STRV_INIT;
	struct container_row row = {0};
	unsigned rows = 0, cols = 0;
	int r = check(a, e);
	if (r < 0 || (r = load_env(a, &env, e)) < 0)
		return r;
	auto_free char *name = find_name(call, a, &used, e);
	if (!name || (r = container_get(call->store, name, &row, e)) < 0)
		return -e->code;
	if (a->tty && !a->detach)
		(void)terminal_size(&rows, &cols);
	const struct exec_request request = {
		.args = (const char *const *)call->argv + used,
		.env = env.v,
		.cwd = str_empty(a->workdir) ? NULL : a->workdir,
		.user = str_empty(a->user) ? NULL : a->user,
		.terminal = a->tty,
		.privileged = a->privileged,
		.rows = (unsigned short)rows,
		.cols = (unsigned short)cols,
	};
	const struct exec_options options = {
		.interactive = a->interactive && !a->detach,
		.detached = a->detach,
		.detach_keys = a->detach_keys,
	};
	r = container_exec(call->store, &row, &request, &options, e);
	container_row_deinit(&row);
	return r;
}

#define NO_FDS "no descriptor of the host gets into a container; pipe data through -i"

// clang-format off
static const struct opt opts[] = {
	{.name = "cidfile", .type = OPT_STR, .offset = FIELD(struct exec, cidfile), .value = "string",
		.help = "Read the container ID from the file", .complete = COMPLETE_FILE},
	{.name = "detach", .shorthand = 'd', .type = OPT_BOOL, .offset = FIELD(struct exec, detach),
		.help = "Detached mode: run command in the background"},
	{.name = "detach-keys", .type = OPT_STR, .offset = FIELD(struct exec, detach_keys),
		.value = "string", .help = "Override the key sequence for detaching a container"},
	{.name = "env", .shorthand = 'e', .type = OPT_LIST, .offset = FIELD(struct exec, env),
		.value = "list", .help = "Set environment variables"},
	{.name = "env-file", .type = OPT_LIST, .offset = FIELD(struct exec, env_file),
		.value = "list", .help = "Read in a file of environment variables",
		.complete = COMPLETE_FILE},
	{.name = "interactive", .shorthand = 'i', .type = OPT_BOOL,
		.offset = FIELD(struct exec, interactive),
		.help = "Keep STDIN open even if not attached"},
	{.name = "latest", .shorthand = 'l', .type = OPT_BOOL, .offset = FIELD(struct exec, latest),
		.help = "Act on the container that was created last"},
	{.name = "no-session", .type = OPT_UNSUPPORTED, .help = "Leave no trace of the process",
		.flags = OPTF_HIDDEN, .hint = "an exec without its events cannot be had"},
	{.name = "preserve-fd", .type = OPT_UNSUPPORTED, .value = "list", .help = "Pass descriptors on",
		.flags = OPTF_HIDDEN, .hint = NO_FDS},
	{.name = "preserve-fds", .type = OPT_UNSUPPORTED, .value = "uint",
		.help = "Pass descriptors on", .flags = OPTF_HIDDEN, .hint = NO_FDS},
	{.name = "wait", .type = OPT_UNSUPPORTED, .value = "int",
		.help = "Wait for the container to run", .flags = OPTF_HIDDEN,
		.hint = "moss start returns when it runs"},
	{.name = "privileged", .type = OPT_BOOL, .offset = FIELD(struct exec, privileged),
		.help = "Give extended privileges to the command"},
	{.name = "tty", .shorthand = 't', .type = OPT_BOOL, .offset = FIELD(struct exec, tty),
		.help = "Allocate a pseudo-TTY"},
	{.name = "user", .shorthand = 'u', .type = OPT_STR, .offset = FIELD(struct exec, user),
		.value = "string",
		.help = "Username or UID (format: \"<name|uid>[:<group|gid>]\")"},
	{.name = "workdir", .shorthand = 'w', .type = OPT_STR, .offset = FIELD(struct exec, workdir),
		.value = "string", .help = "Working directory inside the container"},
	{0},
};
// clang-format on

static const char *const aliases[] = {"container exec", NULL};

const struct cmd cmd_exec = {
	.name = "exec",
	.aliases = aliases,
	.brief = "Execute a command in a running container",
	.operands = "CONTAINER COMMAND [ARG...]",
	.min = 0,
	.max = ANY,
	.needs = NEED_STORE,
	.stop_at_operand = true,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = opts,
	.args_size = sizeof(struct exec),
	.about =
		"The command gets the container's environment, user, working directory, "
		"capabilities and system call filter, with what the flags change. Its exit code is "
		"that of moss exec; 126 where it cannot be run, 127 where it is not found.",
	.examples = "moss exec -it web sh\nmoss exec -u www-data -w /srv web ls",
	.run = exec_run,
};
