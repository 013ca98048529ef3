/* listing: what ps, images, volume ls ... print: a table, --format, or ids (-q). */
#ifndef CMD_FORMAT_LISTING_H
#define CMD_FORMAT_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

struct listing_column {
	const char *field;  /* "ID" */
	const char *header; /* "CONTAINER ID" */
};

struct listing {
	/* Every field a template may name, with the header `table` prints for it. */
	const struct listing_column *fields;
	const char *default_table; /* "table {{.ID}}\t{{.Image}}..." */
	const char *quiet_format;  /* "{{.ID}}" */
};

/* rows: array of objects whose keys are the fields. format NULL or "" or "table" = default_table;
 * "json" = one object a line; "table X" = header and rows; else one line each. Escapes \t and \n in
 * the argument are understood. */
int listing_print(const struct listing *l, const json_t *rows, const char *format, bool quiet,
	struct err *e);

/* inspect's output: an indented array, or the format for each element (Go's fallback to the raw
 * keys as docker inspect does). */
int inspect_print(const json_t *objects, const char *format, struct err *e);

#endif
