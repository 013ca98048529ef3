#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/run_opts.h"

static int create_run(struct cmd_call *call, void *args, struct err *e)
{
	struct create_args *a = args;
	struct container_new c;
	int r = create_args_prepare(call, a, &c, e);
	if (r < 0 && e->code == ENODEV)
		e->status = 1; /* not run's 127 */
	if (r < 0)
		return r;
	r = container_insert(call->store, &c, e);
	if (r < 0)
		container_discard(call->store, &c);
	else
		r = create_args_write_cidfile(a, c.row.id, e);
	if (r == 0)
		printf("%s\n", c.row.id);
	container_new_deinit(&c);
	return r;
}

static const char *const aliases[] = {"container create", NULL};

const struct cmd cmd_create = {
	.name = "create",
	.aliases = aliases,
	.brief = "Create a new container",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.stop_at_operand = true,
	.complete = COMPLETE_IMAGE,
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.about = "Makes a container from an image, without starting it, and prints its ID. The "
		 "image "
		 "is pulled where it is missing; dir:, oci:, oci-archive: and docker-archive: name "
		 "one in a file or folder, as for pull. The flags are those of run; start starts it.",
	.examples = "moss create --name web -p 8080:80 nginx\nmoss start web",
	.run = create_run,
};
