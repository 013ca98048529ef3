#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"

void cmd_print_error(const struct err *e)
{
	fflush(stdout);
	fprintf(stderr, "moss: %s\n", e->msg);
	if (e->hint[0])
		fprintf(stderr, "%s\n", e->hint);
}

void cmd_report(struct cmd_call *call, const struct err *e)
{
	call->failures++;
	cmd_print_error(e);
}
