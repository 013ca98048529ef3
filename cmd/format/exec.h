/* exec: runs a template over a value. */
#ifndef CMD_FORMAT_EXEC_H
#define CMD_FORMAT_EXEC_H

#include <jansson.h>
#include <stdbool.h>

#include "cmd/format/gotype.h"

struct buf;
struct err;
struct template;

struct exec_options {
	bool missing_key_error; /* a map's missing key is an error */
	bool is_header; /* the functions of table headers */
};

/* Bare errors of Go: template: :1:2: executing "" at <.X>: ... What was printed up to an error
 * stays in out. */
int exec_template(const struct template *t, const struct gotype *type, const json_t *data,
	const struct exec_options *o, struct buf *out, struct err *e);

#endif
