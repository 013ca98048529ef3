/* Tokens with three of look-ahead, words, commands and pipelines. */
#include "cmd/format/parse_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/format/functions.h"
#include "cmd/format/literal.h"

void *parser_fail(struct parser *p, const char *fmt, ...)
{
	if (p->failed)
		return NULL;
	p->failed = true;
	char msg[1000];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_set(p->e, EINVAL, "template: :%d: %s", p->token[0].line, msg);
	return NULL;
}

struct token parser_next(struct parser *p)
{
	if (p->peeked > 0)
		p->peeked--;
	else
		p->token[0] = lex_next(&p->lex);
	return p->token[p->peeked];
}

void parser_backup(struct parser *p) { p->peeked++; }

struct token parser_peek(struct parser *p)
{
	struct token t = parser_next(p);
	parser_backup(p);
	return t;
}

struct token parser_next_nonspace(struct parser *p)
{
	struct token t;
	do
		t = parser_next(p);
	while (t.type == TOK_SPACE);
	return t;
}

struct token parser_peek_nonspace(struct parser *p)
{
	struct token t = parser_next_nonspace(p);
	parser_backup(p);
	return t;
}

void *parser_unexpected(struct parser *p, const struct token *t, const char *context)
{
	char shown[200], extra[60] = "";
	lex_describe(t, shown, sizeof(shown));
	if (t->type != TOK_ERROR)
		return parser_fail(p, "unexpected %s in %s", shown, context);
	if (p->action_line && p->action_line != t->line)
		snprintf(extra, sizeof(extra), "%s started at :%d",
			str_ends(shown, " action") ? "" : " in action", p->action_line);
	return parser_fail(p, "%s%s", shown, extra);
}

struct node *parser_new_node(struct parser *p, enum node_type type, size_t pos)
{
	struct node *n = arena_alloc(&p->t->arena, sizeof(*n));
	n->type = type;
	n->pos = pos;
	return n;
}

static char *copy(struct parser *p, const char *s, size_t n)
{
	return arena_strndup(&p->t->arena, s, n);
}

void parser_add_var(struct parser *p, const char *name)
{
	if (p->n_vars == PARSER_VARS_MAX) {
		parser_fail(p, "too many variables");
		return;
	}
	p->vars[p->n_vars++] = name;
}

static bool has_var(const struct parser *p, const char *name)
{
	for (size_t i = 0; i < p->n_vars; i++) {
		if (strcmp(p->vars[i], name) == 0)
			return true;
	}
	return false;
}

static void add_ident(struct parser *p, struct node *n, const char *name)
{
	const char **ident = arena_alloc(&p->t->arena, (n->n_ident + 1) * sizeof(*ident));
	if (n->n_ident)
		memcpy(ident, n->ident, n->n_ident * sizeof(*ident));
	ident[n->n_ident++] = name;
	n->ident = ident;
}

struct node *parse_string(struct parser *p, const struct token *t)
{
	struct node *n = parser_new_node(p, NODE_STRING, t->pos);
	auto_buf b = BUF_INIT;
	if (!literal_unquote(t->text, t->len, &b))
		return parser_fail(p, "invalid syntax");
	n->text = copy(p, t->text, t->len);
	n->len = t->len;
	n->value = copy(p, b.len ? b.data : "", b.len);
	n->value_len = b.len;
	return n;
}

static struct node *parse_number(struct parser *p, const struct token *t)
{
	struct node *n = parser_new_node(p, NODE_NUMBER, t->pos);
	n->text = copy(p, t->text, t->len);
	n->len = t->len;
	const char *wrong = literal_number(n);
	if (wrong) {
		auto_buf quoted = BUF_INIT;
		literal_quote(&quoted, n->text, n->len);
		bool is_char = n->text[0] == '\'';
		return parser_fail(p, "%s: %s", wrong, is_char ? n->text : quoted.data);
	}
	return n;
}

static struct node *parse_parens(struct parser *p)
{
	if (++p->depth > PARSER_DEPTH_MAX)
		return parser_fail(p, "max expression depth exceeded");
	struct node *n = parse_pipeline(p, "parenthesized pipeline", TOK_RPAREN);
	p->depth--;
	return n;
}

/* NULL without an error where the token begins no term. */
static struct node *parse_term(struct parser *p)
{
	struct token t = parser_next_nonspace(p);
	struct node *n;
	switch (t.type) {
	case TOK_IDENT:
		n = parser_new_node(p, NODE_IDENT, t.pos);
		n->text = copy(p, t.text, t.len);
		n->len = t.len;
		if (!function_find(n->text))
			return parser_fail(p, "function \"%s\" not defined", n->text);
		return n;
	case TOK_DOT:
		return parser_new_node(p, NODE_DOT, t.pos);
	case TOK_NIL:
		return parser_new_node(p, NODE_NIL, t.pos);
	case TOK_VARIABLE:
		n = parser_new_node(p, NODE_VARIABLE, t.pos);
		add_ident(p, n, copy(p, t.text, t.len));
		if (!has_var(p, n->ident[0]))
			return parser_fail(p, "undefined variable \"%s\"", n->ident[0]);
		return n;
	case TOK_FIELD:
		n = parser_new_node(p, NODE_FIELD, t.pos);
		add_ident(p, n, copy(p, t.text + 1, t.len - 1));
		return n;
	case TOK_BOOL:
		n = parser_new_node(p, NODE_BOOL, t.pos);
		n->b = t.text[0] == 't';
		return n;
	case TOK_NUMBER:
		return parse_number(p, &t);
	case TOK_LPAREN:
		return parse_parens(p);
	case TOK_STRING:
	case TOK_RAWSTRING:
		return parse_string(p, &t);
	default:
		parser_backup(p);
		return NULL;
	}
}

/* term .Field* */
static struct node *parse_operand(struct parser *p)
{
	struct node *n = parse_term(p);
	if (!n || parser_peek(p).type != TOK_FIELD)
		return n;
	switch (n->type) {
	case NODE_FIELD:
	case NODE_VARIABLE:
		n->pos = parser_peek(p).pos;
		break;
	case NODE_IDENT:
	case NODE_PIPE: {
		struct node *chain = parser_new_node(p, NODE_CHAIN, parser_peek(p).pos);
		chain->first = n;
		n = chain;
		break;
	}
	default: {
		auto_buf shown = BUF_INIT;
		auto_buf quoted = BUF_INIT;
		node_text(&shown, n);
		literal_quote(&quoted, shown.data, shown.len);
		return parser_fail(p, "unexpected . after term %s", quoted.data);
	}
	}
	while (parser_peek(p).type == TOK_FIELD) {
		struct token t = parser_next(p);
		add_ident(p, n, copy(p, t.text + 1, t.len - 1));
	}
	return n;
}

/* operand (space operand)*, up to a pipe, which is consumed, or the end, which is not. */
static struct node *parse_command(struct parser *p)
{
	struct node *cmd = parser_new_node(p, NODE_COMMAND, parser_peek_nonspace(p).pos);
	struct node **tail = &cmd->first;
	for (;;) {
		parser_peek_nonspace(p);
		struct node *n = parse_operand(p);
		if (p->failed)
			return NULL;
		if (n) {
			*tail = n;
			tail = &n->next;
		}
		struct token t = parser_next(p);
		if (t.type == TOK_SPACE)
			continue;
		if (t.type == TOK_RIGHT || t.type == TOK_RPAREN)
			parser_backup(p);
		else if (t.type != TOK_PIPE)
			return parser_unexpected(p, &t, "operand");
		break;
	}
	if (!cmd->first)
		return parser_fail(p, "empty command");
	return cmd;
}

/* The declarations in front of a pipeline: "$x :=", "$x =", in a range also "$i, $x :=". */
static bool parse_declarations(struct parser *p, struct node *pipe, const char *context)
{
	while (parser_peek_nonspace(p).type == TOK_VARIABLE) {
		struct token v = parser_next_nonspace(p);
		struct token after = parser_peek(p);
		struct token t = parser_peek_nonspace(p);
		bool is_comma = t.type == TOK_CHAR && t.text[0] == ',';
		if (t.type != TOK_ASSIGN && t.type != TOK_DECLARE && !is_comma) {
			if (after.type == TOK_SPACE) {
				p->token[1] = after;
				p->token[2] = v;
				p->peeked = 3;
			} else {
				p->token[1] = v;
				p->peeked = 2;
			}
			return true;
		}
		parser_next_nonspace(p);
		if (pipe->n_decl < 2)
			pipe->decl[pipe->n_decl++] = copy(p, v.text, v.len);
		parser_add_var(p, pipe->decl[pipe->n_decl - 1]);
		if (!is_comma) {
			pipe->is_assign = t.type == TOK_ASSIGN;
			return true;
		}
		if (strcmp(context, "range") != 0 || pipe->n_decl >= 2) {
			parser_fail(p, "too many declarations in %s", context);
			return false;
		}
		enum tok following = parser_peek_nonspace(p).type;
		if (following != TOK_VARIABLE && following != TOK_RIGHT &&
			following != TOK_RPAREN) {
			parser_fail(p, "range can only initialize variables");
			return false;
		}
	}
	return true;
}

static bool check_pipeline(struct parser *p, const struct node *pipe, const char *context)
{
	if (!pipe->first) {
		parser_fail(p, "missing value for %s", context);
		return false;
	}
	int stage = 2;
	for (const struct node *c = pipe->first->next; c; c = c->next, stage++) {
		switch (c->first->type) {
		case NODE_BOOL:
		case NODE_DOT:
		case NODE_NIL:
		case NODE_NUMBER:
		case NODE_STRING:
			parser_fail(p, "non executable command in pipeline stage %d", stage);
			return false;
		default:
			break;
		}
	}
	return true;
}

struct node *parse_pipeline(struct parser *p, const char *context, enum tok end)
{
	struct node *pipe = parser_new_node(p, NODE_PIPE, parser_peek_nonspace(p).pos);
	struct node **tail = &pipe->first;
	if (!parse_declarations(p, pipe, context) || p->failed)
		return NULL;
	for (;;) {
		struct token t = parser_next_nonspace(p);
		if (t.type == end)
			return check_pipeline(p, pipe, context) ? pipe : NULL;
		switch (t.type) {
		case TOK_BOOL:
		case TOK_DOT:
		case TOK_FIELD:
		case TOK_IDENT:
		case TOK_NUMBER:
		case TOK_NIL:
		case TOK_RAWSTRING:
		case TOK_STRING:
		case TOK_VARIABLE:
		case TOK_LPAREN:
			parser_backup(p);
			*tail = parse_command(p);
			if (!*tail)
				return NULL;
			tail = &(*tail)->next;
			break;
		default:
			return parser_unexpected(p, &t, context);
		}
	}
}
