#include "cmd/pull_choose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/transfer/pull.h"

/* A line from the terminal, byte by byte: what follows it is the container's. 0 at the end. */
static size_t read_line(char *line, size_t max)
{
	size_t n = 0;
	char c;
	while (n + 1 < max && read(STDIN_FILENO, &c, 1) == 1) {
		if (c == '\n') {
			line[n] = '\0';
			return n + 1;
		}
		line[n++] = c;
	}
	return 0;
}

int pull_choose(const char *typed, const struct strv *names, struct err *e)
{
	char line[64];
	uint32_t n;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return PULL_CHOOSE_CANNOT;
	fprintf(stderr, "%s may be one of several images:\n", typed);
	for (size_t i = 0; i < names->n; i++)
		fprintf(stderr, "%3zu  %s\n", i + 1, names->v[i]);
	for (;;) {
		fprintf(stderr, "Which one (1-%zu)? ", names->n);
		if (!read_line(line, sizeof(line)))
			return err_set(e, ECANCELED, "no image was chosen for %s", typed);
		if (parse_u32(line, &n) && n >= 1 && n <= names->n)
			return (int)n - 1;
	}
}
