/* inspector: the output of inspect: an indented array of the objects found, or the template's text
 * for each, one a line. */
#ifndef CMD_FORMAT_INSPECTOR_H
#define CMD_FORMAT_INSPECTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"
#include "cmd/format/gotype.h"

struct err;
struct template;

struct inspector {
	struct template *template; /* NULL: JSON */
	bool compact; /* --format json */
	json_t *elements;
	const struct gotype **types; /* theirs */
	size_t n;
	bool html; /* some have been through Docker's encoder, which escapes <, > and & */
	struct buf text;
};

/* format NULL or "": indented JSON; "json": compact. A syntax error has Docker's exit status 64. */
int inspector_init(struct inspector *i, const char *format, struct err *e);
void inspector_deinit(struct inspector *i);
#define auto_inspector __attribute__((cleanup(inspector_deinit))) struct inspector
/* Adds one object (borrowed). The template is tried on the Go type first, then, with_raw, on the
 * JSON's own keys. */
int inspector_add(struct inspector *i, json_t *object, const struct gotype *type, bool with_raw,
	struct err *e);
/* Writes what there is to stdout: "[]", or an empty line, where nothing was added. */
void inspector_flush(struct inspector *i);
/* The same into a buffer. */
void inspector_text(struct inspector *i, struct buf *out);

#endif
