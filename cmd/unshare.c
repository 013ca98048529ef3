/* moss unshare: a command as the root of the user's namespace, where the files of containers and
 * volumes have the owners that containers see. */
#include <stdlib.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/enter_shell.h"
#include "storage/store.h"

static int unshare_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	const char *shell = getenv("SHELL");
	char *fallback[] = {(char *)(str_empty(shell) ? "/bin/sh" : shell), NULL};
	return enter_shell(call->store, call->argc ? call->argv : fallback, e);
}

// clang-format off
static const struct opt unshare_opts[] = {
	{"rootless-netns", 0, OPT_UNSUPPORTED, 0, "", "Join the network namespace of bridges",
		.hint = "containers have network namespaces of their own: moss run --network container:NAME"},
	{0},
};
// clang-format on

const struct cmd cmd_unshare = {
	.name = "unshare",
	.brief = "Run a command in the user namespace of containers",
	.operands = "[COMMAND [ARG...]]",
	.max = ANY,
	.needs = NEED_STORE,
	.stop_at_operand = true,
	.error_status = 125,
	.opts = unshare_opts,
	.about = "Runs the command ($SHELL where none is given) as the root of the user namespace that "
		 "containers live in, with a mount namespace of its own: files that belong to users of "
		 "a container can be looked at, changed and removed there. The environment names the "
		 "store in CONTAINERS_GRAPHROOT and CONTAINERS_RUNROOT. moss mount and moss image "
		 "mount work there. The exit status is the "
		 "command's, 127 where it is not found and 126 where it cannot be run.",
	.examples = "moss unshare ls -ln \"$(moss volume inspect -f '{{.Mountpoint}}' data)\"\n"
		    "moss unshare chown -R 0:0 ./left-by-a-container",
	.run = unshare_run,
};
