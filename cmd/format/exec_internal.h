/* exec_internal: what the two halves of the executor share: eval.c computes values, exec.c walks
 * the tree and prints. Both mark the "current node" in the order Go does, because that node is what
 * an error names. */
#ifndef CMD_FORMAT_EXEC_INTERNAL_H
#define CMD_FORMAT_EXEC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/format/arena.h"
#include "cmd/format/value.h"

struct buf;
struct err;
struct exec_options;
struct node;
struct template;

struct variable {
	const char *name;
	struct val value;
};

struct exec {
	const struct template *t;
	const struct exec_options *o;
	const struct node *at; /* for errors */
	struct variable *vars;
	size_t n_vars, cap_vars;
	size_t base_vars; /* first variable the running template sees */
	int depth;
	long steps;
	struct arena arena;
	struct buf *out;
	struct err *e;
};

/* Records "template: :1:2: executing ... at <node>: ..." for the current node. Negative. */
int exec_fail(struct exec *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Counts a step; fails where time, output or memory go beyond all reason. */
int exec_check_limits(struct exec *x);
void exec_push(struct exec *x, const char *name, struct val v);
/* The innermost variable of that name; NULL where there is none. */
struct variable *exec_variable(struct exec *x, const char *name);
/* Runs a pipeline (NULL: no value) and declares its variables. */
int eval_pipeline(struct exec *x, struct val dot, const struct node *pipe, struct val *out);

#endif
