/* The grammar of text/template, by recursive descent with three tokens of look-ahead, as in Go,
 * so that the same mistakes are found at the same token. Every function that returns a node
 * returns NULL once an error is recorded in the parser. */
#include "cmd/format/node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/functions.h"
#include "cmd/format/lex.h"
#include "cmd/format/literal.h"
#include "cmd/format/template.h"

enum { DEPTH_MAX = 250, VARS_MAX = 1000 };

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

static struct node *parse_pipeline(struct parser *p, const char *context, enum tok end);
static bool parse_list(struct parser *p, struct node **list, struct node **end);

static void *fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void *fail(struct parser *p, const char *fmt, ...)
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

static struct token next(struct parser *p)
{
	if (p->peeked > 0)
		p->peeked--;
	else
		p->token[0] = lex_next(&p->lex);
	return p->token[p->peeked];
}

static void backup(struct parser *p) { p->peeked++; }

static struct token peek(struct parser *p)
{
	struct token t = next(p);
	backup(p);
	return t;
}

static struct token next_nonspace(struct parser *p)
{
	struct token t;
	do
		t = next(p);
	while (t.type == TOK_SPACE);
	return t;
}

static struct token peek_nonspace(struct parser *p)
{
	struct token t = next_nonspace(p);
	backup(p);
	return t;
}

static void *unexpected(struct parser *p, const struct token *t, const char *context)
{
	char shown[200], extra[60] = "";
	lex_describe(t, shown, sizeof(shown));
	if (t->type != TOK_ERROR)
		return fail(p, "unexpected %s in %s", shown, context);
	if (p->action_line && p->action_line != t->line)
		snprintf(extra, sizeof(extra), "%s started at :%d",
			str_ends(shown, " action") ? "" : " in action", p->action_line);
	return fail(p, "%s%s", shown, extra);
}

static struct node *new_node(struct parser *p, enum node_type type, size_t pos)
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

static void add_var(struct parser *p, const char *name)
{
	if (p->n_vars == VARS_MAX) {
		fail(p, "too many variables");
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

static struct node *parse_string(struct parser *p, const struct token *t)
{
	struct node *n = new_node(p, NODE_STRING, t->pos);
	auto_buf b = BUF_INIT;
	if (!literal_unquote(t->text, t->len, &b))
		return fail(p, "invalid syntax");
	n->text = copy(p, t->text, t->len);
	n->len = t->len;
	n->value = copy(p, b.len ? b.data : "", b.len);
	n->value_len = b.len;
	return n;
}

static struct node *parse_number(struct parser *p, const struct token *t)
{
	struct node *n = new_node(p, NODE_NUMBER, t->pos);
	n->text = copy(p, t->text, t->len);
	n->len = t->len;
	const char *wrong = literal_number(n);
	if (wrong) {
		auto_buf quoted = BUF_INIT;
		literal_quote(&quoted, n->text, n->len);
		bool is_char = n->text[0] == '\'';
		return fail(p, "%s: %s", wrong, is_char ? n->text : quoted.data);
	}
	return n;
}

static struct node *parse_parens(struct parser *p)
{
	if (++p->depth > DEPTH_MAX)
		return fail(p, "max expression depth exceeded");
	struct node *n = parse_pipeline(p, "parenthesized pipeline", TOK_RPAREN);
	p->depth--;
	return n;
}

/* NULL without an error where the token begins no term. */
static struct node *parse_term(struct parser *p)
{
	struct token t = next_nonspace(p);
	struct node *n;
	switch (t.type) {
	case TOK_IDENT:
		n = new_node(p, NODE_IDENT, t.pos);
		n->text = copy(p, t.text, t.len);
		n->len = t.len;
		if (!function_find(n->text))
			return fail(p, "function \"%s\" not defined", n->text);
		return n;
	case TOK_DOT:
		return new_node(p, NODE_DOT, t.pos);
	case TOK_NIL:
		return new_node(p, NODE_NIL, t.pos);
	case TOK_VARIABLE:
		n = new_node(p, NODE_VARIABLE, t.pos);
		add_ident(p, n, copy(p, t.text, t.len));
		if (!has_var(p, n->ident[0]))
			return fail(p, "undefined variable \"%s\"", n->ident[0]);
		return n;
	case TOK_FIELD:
		n = new_node(p, NODE_FIELD, t.pos);
		add_ident(p, n, copy(p, t.text + 1, t.len - 1));
		return n;
	case TOK_BOOL:
		n = new_node(p, NODE_BOOL, t.pos);
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
		backup(p);
		return NULL;
	}
}

/* term .Field* */
static struct node *parse_operand(struct parser *p)
{
	struct node *n = parse_term(p);
	if (!n || peek(p).type != TOK_FIELD)
		return n;
	switch (n->type) {
	case NODE_FIELD:
	case NODE_VARIABLE:
		n->pos = peek(p).pos;
		break;
	case NODE_IDENT:
	case NODE_PIPE: {
		struct node *chain = new_node(p, NODE_CHAIN, peek(p).pos);
		chain->first = n;
		n = chain;
		break;
	}
	default: {
		auto_buf shown = BUF_INIT;
		auto_buf quoted = BUF_INIT;
		node_text(&shown, n);
		literal_quote(&quoted, shown.data, shown.len);
		return fail(p, "unexpected . after term %s", quoted.data);
	}
	}
	while (peek(p).type == TOK_FIELD) {
		struct token t = next(p);
		add_ident(p, n, copy(p, t.text + 1, t.len - 1));
	}
	return n;
}

/* operand (space operand)*, up to a pipe, which is consumed, or the end, which is not. */
static struct node *parse_command(struct parser *p)
{
	struct node *cmd = new_node(p, NODE_COMMAND, peek_nonspace(p).pos);
	struct node **tail = &cmd->first;
	for (;;) {
		peek_nonspace(p);
		struct node *n = parse_operand(p);
		if (p->failed)
			return NULL;
		if (n) {
			*tail = n;
			tail = &n->next;
		}
		struct token t = next(p);
		if (t.type == TOK_SPACE)
			continue;
		if (t.type == TOK_RIGHT || t.type == TOK_RPAREN)
			backup(p);
		else if (t.type != TOK_PIPE)
			return unexpected(p, &t, "operand");
		break;
	}
	if (!cmd->first)
		return fail(p, "empty command");
	return cmd;
}

/* The declarations in front of a pipeline: "$x :=", "$x =", in a range also "$i, $x :=". */
static bool parse_declarations(struct parser *p, struct node *pipe, const char *context)
{
	while (peek_nonspace(p).type == TOK_VARIABLE) {
		struct token v = next_nonspace(p);
		struct token after = peek(p);
		struct token t = peek_nonspace(p);
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
		next_nonspace(p);
		if (pipe->n_decl < 2)
			pipe->decl[pipe->n_decl++] = copy(p, v.text, v.len);
		add_var(p, pipe->decl[pipe->n_decl - 1]);
		if (!is_comma) {
			pipe->is_assign = t.type == TOK_ASSIGN;
			return true;
		}
		if (strcmp(context, "range") != 0 || pipe->n_decl >= 2) {
			fail(p, "too many declarations in %s", context);
			return false;
		}
		enum tok following = peek_nonspace(p).type;
		if (following != TOK_VARIABLE && following != TOK_RIGHT &&
			following != TOK_RPAREN) {
			fail(p, "range can only initialize variables");
			return false;
		}
	}
	return true;
}

static bool check_pipeline(struct parser *p, const struct node *pipe, const char *context)
{
	if (!pipe->first) {
		fail(p, "missing value for %s", context);
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
			fail(p, "non executable command in pipeline stage %d", stage);
			return false;
		default:
			break;
		}
	}
	return true;
}

static struct node *parse_pipeline(struct parser *p, const char *context, enum tok end)
{
	struct node *pipe = new_node(p, NODE_PIPE, peek_nonspace(p).pos);
	struct node **tail = &pipe->first;
	if (!parse_declarations(p, pipe, context) || p->failed)
		return NULL;
	for (;;) {
		struct token t = next_nonspace(p);
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
			backup(p);
			*tail = parse_command(p);
			if (!*tail)
				return NULL;
			tail = &(*tail)->next;
			break;
		default:
			return unexpected(p, &t, context);
		}
	}
}

/* if, range and with: "{{if pipeline}} list {{else}} list {{end}}", with "else if" chains. */
static struct node *parse_control(
	struct parser *p, enum node_type type, size_t pos, const char *context)
{
	if (++p->depth > DEPTH_MAX)
		return fail(p, "too deeply nested");
	struct node *n = new_node(p, type, pos), *end = NULL;
	size_t n_vars = p->n_vars;
	n->pipe = parse_pipeline(p, context, TOK_RIGHT);
	if (!n->pipe)
		return NULL;
	n->pos = n->pipe->pos;
	p->range_depth += type == NODE_RANGE;
	bool ok = parse_list(p, &n->list, &end);
	p->range_depth -= type == NODE_RANGE;
	if (!ok)
		return NULL;
	if (end->type == NODE_ELSE) {
		enum tok t = peek(p).type;
		n->has_else = true;
		if ((type == NODE_IF && t == TOK_IF) || (type == NODE_WITH && t == TOK_WITH)) {
			size_t inner = next(p).pos;
			n->else_list = parse_control(p, type, inner, context);
			if (!n->else_list)
				return NULL;
		} else {
			if (!parse_list(p, &n->else_list, &end))
				return NULL;
			if (end->type != NODE_END)
				return fail(p, "expected end; found {{else}}");
		}
	}
	p->n_vars = n_vars;
	p->depth--;
	return n;
}

static bool expect_right(struct parser *p, const char *context)
{
	struct token t = next_nonspace(p);
	if (t.type != TOK_RIGHT)
		unexpected(p, &t, context);
	return !p->failed;
}

static bool define(struct parser *p, const char *name, struct node *list)
{
	for (struct definition *d = p->t->definitions; d; d = d->next) {
		if (strcmp(d->name, name) == 0) {
			if (list)
				d->list = list;
			return true;
		}
	}
	struct definition *d = arena_alloc(&p->t->arena, sizeof(*d));
	d->name = name;
	d->list = list;
	d->next = p->t->definitions;
	p->t->definitions = d;
	return true;
}

/* The list up to {{end}} as a template of its own, which sees no variables but "$". */
static bool parse_body(struct parser *p, const char *name, const char *context)
{
	struct node *list, *end;
	const char **outer = p->vars;
	size_t n_outer = p->n_vars;
	int range_depth = p->range_depth;
	const char *inner[VARS_MAX];
	p->vars = inner;
	p->n_vars = 0;
	p->range_depth = 0;
	add_var(p, "$");
	bool ok = parse_list(p, &list, &end);
	p->vars = outer;
	p->n_vars = n_outer;
	p->range_depth = range_depth;
	if (!ok)
		return false;
	if (end->type != NODE_END) {
		fail(p, "unexpected {{else}} in %s", context);
		return false;
	}
	return define(p, name, list);
}

static struct node *parse_name(struct parser *p, const char *context)
{
	struct token t = next_nonspace(p);
	if (t.type != TOK_STRING && t.type != TOK_RAWSTRING)
		return unexpected(p, &t, context);
	return parse_string(p, &t);
}

static bool parse_define(struct parser *p)
{
	if (++p->depth > DEPTH_MAX) {
		fail(p, "too deeply nested");
		return false;
	}
	struct node *name = parse_name(p, "define clause");
	if (!name || !expect_right(p, "define clause"))
		return false;
	bool ok = parse_body(p, name->value, "define clause");
	p->depth--;
	return ok;
}

/* {{template "name" pipeline}} and {{block "name" pipeline}} list {{end}} */
static struct node *parse_template(struct parser *p, bool is_block)
{
	const char *context = is_block ? "block clause" : "template clause";
	struct node *name = parse_name(p, context);
	if (!name)
		return NULL;
	struct node *n = new_node(p, NODE_TEMPLATE, name->pos);
	n->text = name->value;
	n->len = name->value_len;
	if (is_block || next_nonspace(p).type != TOK_RIGHT) {
		if (!is_block)
			backup(p);
		n->pipe = parse_pipeline(p, context, TOK_RIGHT);
		if (!n->pipe)
			return NULL;
	}
	if (is_block) {
		if (++p->depth > DEPTH_MAX)
			return fail(p, "too deeply nested");
		if (!parse_body(p, n->text, context))
			return NULL;
		p->depth--;
	}
	return n;
}

static struct node *parse_loop_word(struct parser *p, enum node_type type, size_t pos)
{
	const char *word = type == NODE_BREAK ? "{{break}}" : "{{continue}}";
	if (!expect_right(p, word))
		return NULL;
	if (!p->range_depth)
		return fail(p, "%s outside {{range}}", word);
	return new_node(p, type, pos);
}

static struct node *parse_else(struct parser *p)
{
	struct token t = peek_nonspace(p);
	if (t.type != TOK_IF && t.type != TOK_WITH && !expect_right(p, "else"))
		return NULL;
	return new_node(p, NODE_ELSE, t.pos);
}

/* The left delimiter is past. */
static struct node *parse_action(struct parser *p)
{
	struct token t = next_nonspace(p);
	switch (t.type) {
	case TOK_BLOCK:
		return parse_template(p, true);
	case TOK_TEMPLATE:
		return parse_template(p, false);
	case TOK_BREAK:
		return parse_loop_word(p, NODE_BREAK, t.pos);
	case TOK_CONTINUE:
		return parse_loop_word(p, NODE_CONTINUE, t.pos);
	case TOK_ELSE:
		return parse_else(p);
	case TOK_END:
		return expect_right(p, "end") ? new_node(p, NODE_END, t.pos) : NULL;
	case TOK_IF:
		return parse_control(p, NODE_IF, t.pos, "if");
	case TOK_RANGE:
		return parse_control(p, NODE_RANGE, t.pos, "range");
	case TOK_WITH:
		return parse_control(p, NODE_WITH, t.pos, "with");
	default:
		break;
	}
	backup(p);
	struct node *n = new_node(p, NODE_ACTION, peek(p).pos);
	n->pipe = parse_pipeline(p, "command", TOK_RIGHT);
	return n->pipe ? n : NULL;
}

static struct node *parse_item(struct parser *p)
{
	struct token t = next_nonspace(p);
	if (t.type == TOK_TEXT) {
		struct node *n = new_node(p, NODE_TEXT, t.pos);
		n->text = t.text;
		n->len = t.len;
		return n;
	}
	if (t.type != TOK_LEFT)
		return unexpected(p, &t, "input");
	p->action_line = t.line;
	struct node *n = parse_action(p);
	p->action_line = 0;
	return n;
}

/* Items up to {{end}} or {{else}}, which *end receives. */
static bool parse_list(struct parser *p, struct node **list, struct node **end)
{
	struct node **tail = list;
	*list = NULL;
	while (peek_nonspace(p).type != TOK_EOF) {
		struct node *n = parse_item(p);
		if (!n)
			return false;
		if (n->type == NODE_END || n->type == NODE_ELSE) {
			*end = n;
			return true;
		}
		*tail = n;
		tail = &n->next;
	}
	fail(p, "unexpected EOF");
	return false;
}

static bool parse_top(struct parser *p)
{
	struct node **tail = &p->t->list;
	while (peek(p).type != TOK_EOF) {
		if (peek(p).type == TOK_LEFT) {
			struct token delim = next(p);
			if (next_nonspace(p).type == TOK_DEFINE) {
				if (!parse_define(p))
					return false;
				continue;
			}
			p->token[1] = delim;
			p->peeked = 2;
		}
		struct node *n = parse_item(p);
		if (!n)
			return false;
		if (n->type == NODE_END || n->type == NODE_ELSE) {
			fail(p, "unexpected %s", n->type == NODE_END ? "{{end}}" : "{{else}}");
			return false;
		}
		*tail = n;
		tail = &n->next;
	}
	return true;
}

int template_parse(const char *text, struct template **out, struct err *e)
{
	struct template *t = xcalloc(1, sizeof(*t));
	const char *vars[VARS_MAX];
	t->len = strlen(text);
	t->text = arena_strndup(&t->arena, text, t->len);
	struct parser p = {.t = t, .e = e, .vars = vars};
	lex_init(&p.lex, t->text, t->len);
	add_var(&p, "$");
	if (!parse_top(&p)) {
		template_free(t);
		return -EINVAL;
	}
	*out = t;
	return 0;
}

void template_free(struct template *t)
{
	if (!t)
		return;
	arena_free(&t->arena);
	free(t);
}
