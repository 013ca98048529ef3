/* node: the parse tree of a template. */
#ifndef CMD_FORMAT_NODE_H
#define CMD_FORMAT_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/format/arena.h"

struct buf;
struct err;

enum node_type {
	/* What stands in a list. */
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_RANGE,
	NODE_WITH,
	NODE_TEMPLATE,
	NODE_BREAK,
	NODE_CONTINUE,
	/* Only while parsing. */
	NODE_END,
	NODE_ELSE,
	/* What stands in a command. */
	NODE_PIPE,
	NODE_IDENT,
	NODE_FIELD,
	NODE_VARIABLE,
	NODE_CHAIN,
	NODE_DOT,
	NODE_NIL,
	NODE_BOOL,
	NODE_NUMBER,
	NODE_STRING,
	NODE_COMMAND,
};

/* One struct for all: the fields a type uses are said beside them. */
struct node {
	enum node_type type;
	size_t pos;
	struct node *next; /* in the list, command or pipeline it stands in */
	const char *text; /* TEXT; STRING, NUMBER: as written; IDENT; TEMPLATE: name */
	size_t len;
	const char *value; /* STRING: unquoted */
	size_t value_len;
	struct node *pipe; /* ACTION, IF, RANGE, WITH, TEMPLATE */
	struct node *list; /* IF, RANGE, WITH: first of the body */
	struct node *else_list;
	bool has_else;
	struct node *first; /* PIPE: commands; COMMAND: words; CHAIN: what fields are taken of */
	const char *decl[2]; /* PIPE: variables with their "$" */
	int n_decl;
	bool is_assign;
	const char **ident; /* FIELD, CHAIN: names; VARIABLE: "$x", then names */
	size_t n_ident;
	bool b; /* BOOL */
	bool is_int, is_uint, is_float; /* NUMBER */
	int64_t i;
	uint64_t u;
	double f;
};

struct definition {
	struct definition *next;
	const char *name;
	struct node *list;
};

struct template
{
	struct arena arena;
	const char *text;
	size_t len;
	struct node *list;
	struct definition *definitions;
};

/* As template_compile, with the bare message of Go ("template: :1: unclosed action"). */
int template_parse(const char *text, struct template **t, struct err *e);
/* The node as Go prints it in an error. */
void node_text(struct buf *out, const struct node *n);

#endif
