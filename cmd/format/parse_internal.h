/* parse_internal: what the two halves of the parser share: parse_pipe.c has tokens, words and
 * pipelines, parse.c actions and lists. Functions that return a node or void * return NULL once an
 * error is recorded. */
#ifndef CMD_FORMAT_PARSE_INTERNAL_H
#define CMD_FORMAT_PARSE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/format/lex.h"
#include "cmd/format/node.h"

struct err;
struct template;

enum { PARSER_DEPTH_MAX = 250, PARSER_VARS_MAX = 1000 };

struct parser {
	struct template *t;
	struct lexer lex;
	struct token token[3];
	int peeked;
	int depth;
	int range_depth;
	int action_line;
	const char **vars;
	size_t n_vars;
	bool failed;
	struct err *e;
};

/* Records "template: :LINE: ..."; NULL. */
void *parser_fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *parser_unexpected(struct parser *p, const struct token *t, const char *context);

struct token parser_next(struct parser *p);
struct token parser_peek(struct parser *p);
struct token parser_next_nonspace(struct parser *p);
struct token parser_peek_nonspace(struct parser *p);
void parser_backup(struct parser *p);

struct node *parser_new_node(struct parser *p, enum node_type type, size_t pos);
void parser_add_var(struct parser *p, const char *name);

/* The string token t, unquoted. */
struct node *parse_string(struct parser *p, const struct token *t);
/* Declarations and commands up to the token `end`, which is consumed. */
struct node *parse_pipeline(struct parser *p, const char *context, enum tok end);

#endif
