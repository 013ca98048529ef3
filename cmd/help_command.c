/* moss help [COMMAND]: the same text as COMMAND --help. */
#include <stdio.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"

#include <errno.h>

static int help_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	int used = 0;
	const struct cmd *c = call->argc ? cmd_find(call->argc, call->argv, &used) : &cmd_root;
	if (!c || used < call->argc) {
		auto_buf words = BUF_INIT;
		for (int i = 0; i < call->argc; i++)
			buf_printf(&words, "%s%s", i ? " " : "", call->argv[i]);
		(void)err_set(e, EINVAL, "unknown help topic: %s", words.data);
		const char *near = suggest_command(c, call->argv[used]);
		const char *group = c ? call->argv[0] : "", *space = c ? " " : "";
		return near ? err_hint(e, "Did you mean '%s %s%s%s'?", call->program, group, space,
				      near)
			    : -e->code;
	}
	auto_buf text = BUF_INIT;
	help_text(c, call->program, NULL, &text);
	fputs(text.data, stdout);
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.brief = "Help about a command",
	.operands = "[COMMAND]",
	.max = 2,
	.hidden = true,
	.complete = COMPLETE_COMMAND,
	.run = help_run,
};
