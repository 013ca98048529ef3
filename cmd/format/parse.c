/* The grammar of text/template, by recursive descent with three tokens of look-ahead, as in Go, so
 * that the same mistakes are found at the same token. Here: actions and lists. */
#include "cmd/format/parse_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/format/template.h"

static bool parse_list(struct parser *p, struct node **list, struct node **end);

/* if, range and with: "{{if pipeline}} list {{else}} list {{end}}", with "else if" chains. */
static struct node *parse_control(
	struct parser *p, enum node_type type, size_t pos, const char *context)
{
	if (++p->depth > PARSER_DEPTH_MAX)
		return parser_fail(p, "too deeply nested");
	struct node *n = parser_new_node(p, type, pos), *end = NULL;
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
		enum tok t = parser_peek(p).type;
		n->has_else = true;
		if ((type == NODE_IF && t == TOK_IF) || (type == NODE_WITH && t == TOK_WITH)) {
			size_t inner = parser_next(p).pos;
			n->else_list = parse_control(p, type, inner, context);
			if (!n->else_list)
				return NULL;
		} else {
			if (!parse_list(p, &n->else_list, &end))
				return NULL;
			if (end->type != NODE_END)
				return parser_fail(p, "expected end; found {{else}}");
		}
	}
	p->n_vars = n_vars;
	p->depth--;
	return n;
}

static bool expect_right(struct parser *p, const char *context)
{
	struct token t = parser_next_nonspace(p);
	if (t.type != TOK_RIGHT)
		parser_unexpected(p, &t, context);
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
	const char *inner[PARSER_VARS_MAX];
	p->vars = inner;
	p->n_vars = 0;
	p->range_depth = 0;
	parser_add_var(p, "$");
	bool ok = parse_list(p, &list, &end);
	p->vars = outer;
	p->n_vars = n_outer;
	p->range_depth = range_depth;
	if (!ok)
		return false;
	if (end->type != NODE_END) {
		parser_fail(p, "unexpected {{else}} in %s", context);
		return false;
	}
	return define(p, name, list);
}

static struct node *parse_name(struct parser *p, const char *context)
{
	struct token t = parser_next_nonspace(p);
	if (t.type != TOK_STRING && t.type != TOK_RAWSTRING)
		return parser_unexpected(p, &t, context);
	return parse_string(p, &t);
}

static bool parse_define(struct parser *p)
{
	if (++p->depth > PARSER_DEPTH_MAX) {
		parser_fail(p, "too deeply nested");
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
	struct node *n = parser_new_node(p, NODE_TEMPLATE, name->pos);
	n->text = name->value;
	n->len = name->value_len;
	if (is_block || parser_next_nonspace(p).type != TOK_RIGHT) {
		if (!is_block)
			parser_backup(p);
		n->pipe = parse_pipeline(p, context, TOK_RIGHT);
		if (!n->pipe)
			return NULL;
	}
	if (is_block) {
		if (++p->depth > PARSER_DEPTH_MAX)
			return parser_fail(p, "too deeply nested");
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
		return parser_fail(p, "%s outside {{range}}", word);
	return parser_new_node(p, type, pos);
}

static struct node *parse_else(struct parser *p)
{
	struct token t = parser_peek_nonspace(p);
	if (t.type != TOK_IF && t.type != TOK_WITH && !expect_right(p, "else"))
		return NULL;
	return parser_new_node(p, NODE_ELSE, t.pos);
}

/* The left delimiter is past. */
static struct node *parse_action(struct parser *p)
{
	struct token t = parser_next_nonspace(p);
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
		return expect_right(p, "end") ? parser_new_node(p, NODE_END, t.pos) : NULL;
	case TOK_IF:
		return parse_control(p, NODE_IF, t.pos, "if");
	case TOK_RANGE:
		return parse_control(p, NODE_RANGE, t.pos, "range");
	case TOK_WITH:
		return parse_control(p, NODE_WITH, t.pos, "with");
	default:
		break;
	}
	parser_backup(p);
	struct node *n = parser_new_node(p, NODE_ACTION, parser_peek(p).pos);
	n->pipe = parse_pipeline(p, "command", TOK_RIGHT);
	return n->pipe ? n : NULL;
}

static struct node *parse_item(struct parser *p)
{
	struct token t = parser_next_nonspace(p);
	if (t.type == TOK_TEXT) {
		struct node *n = parser_new_node(p, NODE_TEXT, t.pos);
		n->text = t.text;
		n->len = t.len;
		return n;
	}
	if (t.type != TOK_LEFT)
		return parser_unexpected(p, &t, "input");
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
	while (parser_peek_nonspace(p).type != TOK_EOF) {
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
	parser_fail(p, "unexpected EOF");
	return false;
}

static bool parse_top(struct parser *p)
{
	struct node **tail = &p->t->list;
	while (parser_peek(p).type != TOK_EOF) {
		if (parser_peek(p).type == TOK_LEFT) {
			struct token delim = parser_next(p);
			if (parser_next_nonspace(p).type == TOK_DEFINE) {
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
			parser_fail(
				p, "unexpected %s", n->type == NODE_END ? "{{end}}" : "{{else}}");
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
	const char *vars[PARSER_VARS_MAX];
	t->len = strlen(text);
	t->text = arena_strndup(&t->arena, text, t->len);
	struct parser p = {.t = t, .e = e, .vars = vars};
	lex_init(&p.lex, t->text, t->len);
	parser_add_var(&p, "$");
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
