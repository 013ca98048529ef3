#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/shown.h"
#include "cmd/cmd.h"

void cmd_print_error(const struct err *e)
{
	struct err shown = *e;
	/* A message may hold words of an image: they are not to give the terminal orders. */
	shown_text(shown.msg, "\n\t");
	shown_text(shown.hint, "\n\t");
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

int cmd_each(struct cmd_call *call, void *args,
	int (*one)(struct cmd_call *call, void *args, const char *operand, struct err *e))
{
	for (int i = 0; i < call->argc; i++) {
		struct err e = {0};
		if (one(call, args, call->argv[i], &e) < 0)
			cmd_report(call, &e);
		else
			puts(call->argv[i]);
	}
	return call->failures ? 1 : 0;
}

int cmd_open_input(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	int code = errno;
	auto_free char *why = xstrdup(strerror(code));
	why[0] = (char)tolower((unsigned char)why[0]);
	return err_set(e, code, "open %s: %s", path, why);
}

bool cmd_wrong_count(const struct cmd *c, const char *program, const char *typed, int min, size_t n)
{
	if (n >= (size_t)min && (c->max == ANY || n <= (size_t)c->max))
		return false;
	auto_buf usage = BUF_INIT;
	fprintf(stderr, "\"%s %s\" ", program, typed);
	int count = n < (size_t)min ? min : c->max;
	if (c->max == 0)
		fprintf(stderr, "accepts no arguments.\n");
	else if (min == c->max)
		fprintf(stderr, "requires exactly %d argument%s.\n", count, count == 1 ? "" : "s");
	else
		fprintf(stderr, "requires at %s %d argument%s.\n",
			n < (size_t)min ? "least" : "most", count, count == 1 ? "" : "s");
	help_short(c, program, typed, &usage);
	fprintf(stderr, "See '%s %s --help'.\n\n%s", program, typed, usage.data);
	return true;
}
