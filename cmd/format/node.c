#include "cmd/format/node.h"

#include "base/str.h"
#include "cmd/format/literal.h"

static void command_text(struct buf *out, const struct node *cmd)
{
	for (const struct node *n = cmd->first; n; n = n->next) {
		if (n != cmd->first)
			buf_putc(out, ' ');
		if (n->type == NODE_PIPE) {
			buf_putc(out, '(');
			node_text(out, n);
			buf_putc(out, ')');
		} else {
			node_text(out, n);
		}
	}
}

static void pipe_text(struct buf *out, const struct node *pipe)
{
	for (int i = 0; i < pipe->n_decl; i++)
		buf_printf(out, "%s%s", i ? ", " : "", pipe->decl[i]);
	if (pipe->n_decl)
		buf_puts(out, pipe->is_assign ? " = " : " := ");
	for (const struct node *c = pipe->first; c; c = c->next) {
		if (c != pipe->first)
			buf_puts(out, " | ");
		command_text(out, c);
	}
}

static void ident_text(struct buf *out, const struct node *n)
{
	for (size_t i = 0; i < n->n_ident; i++)
		buf_printf(out, "%s%s", i || n->type != NODE_VARIABLE ? "." : "", n->ident[i]);
}

static void template_text(struct buf *out, const struct node *n)
{
	buf_puts(out, "{{template ");
	literal_quote(out, n->text, n->len);
	if (n->pipe) {
		buf_putc(out, ' ');
		pipe_text(out, n->pipe);
	}
	buf_puts(out, "}}");
}

void node_text(struct buf *out, const struct node *n)
{
	switch (n->type) {
	case NODE_TEXT:
	case NODE_IDENT:
	case NODE_NUMBER:
	case NODE_STRING:
		buf_add(out, n->text, n->len);
		break;
	case NODE_ACTION:
		buf_puts(out, "{{");
		pipe_text(out, n->pipe);
		buf_puts(out, "}}");
		break;
	case NODE_TEMPLATE:
		template_text(out, n);
		break;
	case NODE_PIPE:
		pipe_text(out, n);
		break;
	case NODE_COMMAND:
		command_text(out, n);
		break;
	case NODE_CHAIN:
		if (n->first->type == NODE_PIPE)
			buf_putc(out, '(');
		node_text(out, n->first);
		if (n->first->type == NODE_PIPE)
			buf_putc(out, ')');
		ident_text(out, n);
		break;
	case NODE_FIELD:
	case NODE_VARIABLE:
		ident_text(out, n);
		break;
	case NODE_DOT:
		buf_putc(out, '.');
		break;
	case NODE_NIL:
		buf_puts(out, "nil");
		break;
	case NODE_BOOL:
		buf_puts(out, n->b ? "true" : "false");
		break;
	default:
		break;
	}
}
