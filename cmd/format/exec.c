/* The walk over the parse tree. */
#include "cmd/format/exec.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/format/exec_internal.h"
#include "cmd/format/node.h"
#include "cmd/format/template.h"

enum { DEPTH_MAX = 1000 }; /* templates in templates */

enum flow { FLOW_NEXT = 0, FLOW_BREAK = 1, FLOW_CONTINUE = 2 };

static int walk_list(struct exec *x, struct val dot, const struct node *list);

static int walk_if_or_with(struct exec *x, struct val dot, const struct node *n)
{
	struct val v;
	size_t mark = x->n_vars;
	int r = eval_pipeline(x, dot, n->pipe, &v);
	if (r >= 0 && val_truth(v))
		r = walk_list(x, n->type == NODE_WITH ? v : dot, n->list);
	else if (r >= 0 && n->has_else)
		r = walk_list(x, dot, n->else_list);
	x->n_vars = mark;
	return r;
}

static int iterate(struct exec *x, const struct node *n, struct val index, struct val elem)
{
	size_t mark = x->n_vars;
	if (n->pipe->n_decl > 0) {
		struct val first = n->pipe->n_decl > 1 ? index : elem;
		if (n->pipe->is_assign) {
			exec_variable(x, n->pipe->decl[0])->value = first;
			if (n->pipe->n_decl > 1)
				exec_variable(x, n->pipe->decl[1])->value = elem;
		} else {
			x->vars[mark - 1].value = elem;
			if (n->pipe->n_decl > 1)
				x->vars[mark - 2].value = index;
		}
	}
	int r = walk_list(x, elem, n->list);
	x->n_vars = mark;
	return r;
}

static int range_map(struct exec *x, const struct node *n, struct val v)
{
	size_t count;
	const char **keys = val_sorted_keys(v, &count, &x->arena);
	for (size_t i = 0; i < count; i++) {
		struct val key = val_str(keys[i], strlen(keys[i]));
		int r = iterate(x, n, key, val_key(v, keys[i], key.n, &x->arena));
		if (r < 0 || r == FLOW_BREAK)
			return r;
	}
	return FLOW_NEXT;
}

static int range_values(struct exec *x, const struct node *n, struct val v)
{
	bool is_int = v.type->kind == GO_INT;
	size_t count = is_int ? (size_t)v.i : val_len(v);
	for (size_t i = 0; i < count; i++) {
		struct val index = val_int((int64_t)i);
		int r = iterate(x, n, index, is_int ? index : val_index(v, i, &x->arena));
		if (r < 0 || r == FLOW_BREAK)
			return r;
		r = exec_check_limits(x);
		if (r < 0)
			return r;
	}
	return FLOW_NEXT;
}

static int walk_range(struct exec *x, struct val dot, const struct node *n)
{
	struct val v;
	bool is_nil = false;
	size_t mark = x->n_vars;
	x->at = n->pipe;
	int r = eval_pipeline(x, dot, n->pipe, &v);
	if (r < 0)
		return r;
	if (v.type)
		v = val_indirect(v, &is_nil);
	enum go_kind kind = val_kind(v);
	if (v.type && (is_nil || (kind != GO_SLICE && kind != GO_MAP && kind != GO_INT))) {
		auto_buf text = BUF_INIT;
		go_sprint(&text, &v, 1, false, &x->arena);
		return exec_fail(x, "range can't iterate over %s", text.len ? text.data : "");
	}
	if (kind == GO_INT && n->pipe->n_decl > 1) {
		auto_buf text = BUF_INIT;
		go_sprint(&text, &v, 1, false, &x->arena);
		return exec_fail(
			x, "can't use %s to iterate over more than one variable", text.data);
	}
	if (v.type && val_truth(v) && (kind != GO_INT || v.i > 0))
		r = kind == GO_MAP ? range_map(x, n, v) : range_values(x, n, v);
	else if (n->has_else)
		r = walk_list(x, dot, n->else_list);
	x->n_vars = mark;
	return r < 0 ? r : FLOW_NEXT;
}

static int walk_template(struct exec *x, struct val dot, const struct node *n)
{
	const struct definition *d = x->t->definitions;
	x->at = n;
	while (d && strcmp(d->name, n->text) != 0)
		d = d->next;
	if (!d)
		return exec_fail(x, "template \"%s\" not defined", n->text);
	if (x->depth == DEPTH_MAX)
		return exec_fail(x, "exceeded maximum template depth (%d)", DEPTH_MAX);
	struct val v;
	int r = eval_pipeline(x, dot, n->pipe, &v);
	if (r < 0)
		return r;
	size_t mark = x->n_vars, base = x->base_vars;
	x->base_vars = mark;
	x->depth++;
	exec_push(x, "$", v);
	r = walk_list(x, v, d->list);
	x->depth--;
	x->n_vars = mark;
	x->base_vars = base;
	return r;
}

static int walk_action(struct exec *x, struct val dot, const struct node *n)
{
	struct val v;
	bool is_nil;
	x->at = n;
	int r = eval_pipeline(x, dot, n->pipe, &v);
	if (r < 0 || n->pipe->n_decl)
		return r;
	x->at = n;
	if (!v.type) {
		buf_puts(x->out, "<no value>");
		return 0;
	}
	v = val_indirect(v, &is_nil);
	go_sprint(x->out, &v, 1, false, &x->arena);
	return 0;
}

static int walk_list(struct exec *x, struct val dot, const struct node *list)
{
	for (const struct node *n = list; n; n = n->next) {
		int r = FLOW_NEXT;
		x->at = n;
		switch (n->type) {
		case NODE_TEXT:
			buf_add(x->out, n->text, n->len);
			break;
		case NODE_ACTION:
			r = walk_action(x, dot, n);
			break;
		case NODE_IF:
		case NODE_WITH:
			r = walk_if_or_with(x, dot, n);
			break;
		case NODE_RANGE:
			r = walk_range(x, dot, n);
			break;
		case NODE_TEMPLATE:
			r = walk_template(x, dot, n);
			break;
		case NODE_BREAK:
			return FLOW_BREAK;
		case NODE_CONTINUE:
			return FLOW_CONTINUE;
		default:
			BUG("node %d in a list", n->type);
		}
		if (r < 0)
			return r;
		if (r != FLOW_NEXT)
			return r;
	}
	return FLOW_NEXT;
}

int exec_template(const struct template *t, const struct gotype *type, const json_t *data,
	const struct exec_options *o, struct buf *out, struct err *e)
{
	struct exec x = {.t = t, .o = o, .out = out, .e = e, .arena = ARENA_INIT};
	struct val dot = val_from_json(type, (json_t *)data, &x.arena);
	if (val_kind(dot) == GO_ANY)
		dot.type = NULL;
	exec_push(&x, "$", dot);
	int r = walk_list(&x, dot, t->list);
	free(x.vars);
	arena_free(&x.arena);
	return r < 0 ? r : 0;
}

int template_compile(const char *text, struct template **t, struct err *e)
{
	if (template_parse(text, t, e) < 0) {
		err_ctx(e, "template parsing error");
		return err_status(e, 64);
	}
	return 0;
}

int template_execute(const struct template *t, const json_t *data, struct buf *out, struct err *e)
{
	static const struct exec_options options = {.missing_key_error = false};
	return exec_template(t, &go_plain, data, &options, out, e);
}
