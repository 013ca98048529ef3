/* listing: what ps, images, volume ls ... print: a table, --format, or ids (-q). */
#ifndef CMD_FORMAT_LISTING_H
#define CMD_FORMAT_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

struct listing_column {
	const char *field; /* "ID" */
	const char *header; /* "CONTAINER ID"; NULL: a method of one string, {{.Label "x"}}, whose
			       value in the row is an object of strings */
	bool is_extra; /* not Docker's: {{json .}} leaves it out */
};

struct listing {
	/* Every field a template may name, with the header `table` prints for it. Ends with a
	 * field of NULL. */
	const struct listing_column *fields;
	const char *default_table; /* "table {{.ID}}\t{{.Image}}..." */
	const char *quiet_format; /* "{{.ID}}" */
	/* These may be NULL. */
	const char *raw_format; /* of --format raw; NULL: "raw" is a template like another */
	const char *type_name; /* Go's, in errors: "*formatter.ContainerContext" */
	bool tries_first; /* tries the template on an empty row first, so that a mistake in
			     it shows without rows, too */
	const char *parse_error; /* what that puts in front of errors of the syntax */
	const char *execute_error; /* and of others; NULL: "template parsing error" */
};

/* rows: array of objects whose keys are the fields. format NULL or "" or "table" = default_table
 * (quiet: quiet_format); "json" = one object a line; "table X" = header and rows; else one line
 * each. Escapes \t and \n in the argument are understood. */
int listing_print(
	const struct listing *l, const json_t *rows, const char *format, bool quiet, struct err *e);
/* The same without the headers of a table. */
int listing_print_bare(
	const struct listing *l, const json_t *rows, const char *format, bool quiet, struct err *e);
/* The same into a buffer. */
int listing_text(const struct listing *l, const json_t *rows, const char *format, bool quiet,
	struct buf *out, struct err *e);
/* Whether the template names that field (ps looks for .Size before it measures anything; {{json .}}
 * counts as all). False where it does not parse. */
bool listing_uses(const struct listing *l, const char *format, const char *field);

#endif
