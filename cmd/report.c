#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"

/* A message may hold words of an image: they are not to give the terminal orders. */
static void make_printable(char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			*s = '?';
	}
}

void cmd_print_error(const struct err *e)
{
	struct err shown = *e;
	make_printable(shown.msg);
	make_printable(shown.hint);
	fflush(stdout);
	fprintf(stderr, "moss: %s\n", shown.msg);
	if (shown.hint[0])
		fprintf(stderr, "%s\n", shown.hint);
}

void cmd_report(struct cmd_call *call, const struct err *e)
{
	call->failures++;
	cmd_print_error(e);
}
