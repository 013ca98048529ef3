/* Values of pipelines: fields, variables, functions, literals. */
#include "cmd/format/exec_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/format/exec.h"
#include "cmd/format/functions.h"
#include "cmd/format/node.h"

enum {
	ARGS_MAX = 64,
	OUTPUT_MAX = 256 << 20,
	MEMORY_MAX = 512 << 20,
	STEPS_MAX = 10 * 1000 * 1000,
};

/* What a pipeline hands on; `given` false where there is no value before. */
struct final {
	struct val v;
	bool given;
};
static const struct final no_final = {.given = false};

static int eval_arg(
	struct exec *x, struct val dot, enum param want, const struct node *n, struct val *out);

int exec_fail(struct exec *x, const char *fmt, ...)
{
	char msg[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	int line = 1;
	size_t column = 0;
	for (size_t i = 0; i < x->at->pos; i++) {
		column++;
		if (x->t->text[i] == '\n') {
			line++;
			column = 0;
		}
	}
	auto_buf context = BUF_INIT;
	node_text(&context, x->at);
	return err_set(x->e, EINVAL, "template: :%d:%zu: executing \"\" at <%.500s>: %s", line,
		column, context.len ? context.data : "", msg);
}

int exec_check_limits(struct exec *x)
{
	if (++x->steps > STEPS_MAX || x->out->len > OUTPUT_MAX || x->arena.used > MEMORY_MAX)
		return exec_fail(x, "the template does too much");
	return 0;
}

void exec_push(struct exec *x, const char *name, struct val v)
{
	if (x->n_vars == x->cap_vars) {
		x->cap_vars = x->cap_vars ? 2 * x->cap_vars : 16;
		x->vars = xrealloc(x->vars, x->cap_vars * sizeof(*x->vars));
	}
	x->vars[x->n_vars++] = (struct variable){name, v};
}

struct variable *exec_variable(struct exec *x, const char *name)
{
	for (size_t i = x->n_vars; i > x->base_vars; i--) {
		if (strcmp(x->vars[i - 1].name, name) == 0)
			return &x->vars[i - 1];
	}
	return NULL;
}

static bool has_any(const struct node *n, const char *chars)
{
	return strpbrk(n->text, chars) != NULL;
}

/* A number where no type is asked for. */
static int ideal_constant(struct exec *x, const struct node *n, struct val *out)
{
	x->at = n;
	bool is_hex = n->text[0] == '0' && (n->text[1] | 0x20) == 'x' && !has_any(n, "pP");
	if (n->is_float && n->text[0] != '\'' && !is_hex && has_any(n, ".eEpP")) {
		*out = (struct val){.type = &go_float, .f = n->f};
		return 0;
	}
	if (!n->is_int)
		return exec_fail(x, "%s overflows int", n->text);
	*out = val_int(n->i);
	return 0;
}

static int not_a_function(struct exec *x, const struct node *first, const struct final *final)
{
	if (!first->next && !final->given)
		return 0;
	auto_buf text = BUF_INIT;
	node_text(&text, first);
	return exec_fail(x, "can't give argument to non-function %s", text.data);
}

static int fail_type(struct exec *x, enum param want, struct val v)
{
	return exec_fail(x, "wrong type for value; expected %s; got %s", param_type_name(want),
		val_type_name(v));
}

/* Checks that v may be an argument of that type. */
static int validate(struct exec *x, enum param want, struct val *v)
{
	if (val_kind(*v) == GO_ANY) {
		if (want != PARAM_ANY)
			return want == PARAM_VALUE ? 0 : fail_type(x, want, *v);
		v->type = NULL;
	}
	if (want == PARAM_ANY || want == PARAM_VALUE)
		return 0;
	if (!v->type && want == PARAM_STRINGS) {
		*v = (struct val){.type = &go_strings, .j = NULL};
		return 0;
	}
	if (!v->type)
		return exec_fail(x, "invalid value; expected %s", param_type_name(want));
	bool is_nil;
	struct val direct = val_indirect(*v, &is_nil);
	if (is_nil && v->type->kind == GO_PTR &&
		strcmp(v->type->elem->name, param_type_name(want)) == 0)
		return exec_fail(x, "dereference of nil pointer of type %s", param_type_name(want));
	const struct gotype *type = direct.type;
	bool fits = strcmp(type->name, param_type_name(want)) == 0;
	if (want == PARAM_STRINGS)
		fits = type->kind == GO_SLICE && type->elem == &go_string;
	if (!fits)
		return fail_type(x, want, *v);
	*v = direct;
	return 0;
}

static int count_args(const struct node *first)
{
	int n = 0;
	for (const struct node *a = first ? first->next : NULL; a; a = a->next)
		n++;
	return n;
}

/* and, or: later arguments are only looked at where they can matter. */
static int eval_short(struct exec *x, struct val dot, bool is_or, const struct node *args,
	const struct final *final, struct val *out)
{
	for (const struct node *a = args ? args->next : NULL; a; a = a->next) {
		int r = eval_arg(x, dot, PARAM_VALUE, a, out);
		if (r < 0)
			return r;
		if (val_truth(*out) == is_or)
			return 0;
	}
	if (final->given) {
		*out = final->v;
		return validate(x, PARAM_VALUE, out);
	}
	return 0;
}

static int check_count(struct exec *x, const struct function *f, int n_args, bool final, int fixed)
{
	int n = n_args + final;
	if (f->rest && n < fixed)
		return exec_fail(x, "wrong number of args for %s: want at least %d got %d", f->name,
			fixed, n_args);
	if (!f->rest && n != fixed)
		return exec_fail(
			x, "wrong number of args for %s: want %d got %d", f->name, fixed, n);
	if (n > ARGS_MAX)
		return exec_fail(x, "more than %d arguments for %s", ARGS_MAX, f->name);
	return 0;
}

/* args: the words of the command, the function first; NULL = none. */
static int eval_function(struct exec *x, struct val dot, const struct node *ident,
	const struct node *cmd, const struct node *args, const struct final *final, struct val *out)
{
	x->at = ident;
	const struct function *f =
		x->o->is_header ? function_find_header(ident->text) : function_find(ident->text);
	if (!f)
		return exec_fail(x, "\"%s\" is not a defined function", ident->text);
	int fixed = 0, n_args = count_args(args), i = 0, r;
	while (fixed < 3 && f->params[fixed])
		fixed++;
	r = check_count(x, f, n_args, final->given, fixed);
	if (r < 0)
		return r;
	if (!f->run)
		return eval_short(x, dot, f->name[0] == 'o', args, final, out);
	struct val argv[ARGS_MAX];
	for (const struct node *a = args ? args->next : NULL; a; a = a->next, i++) {
		r = eval_arg(x, dot, i < fixed ? f->params[i] : f->rest, a, &argv[i]);
		if (r < 0)
			return r;
	}
	if (final->given) {
		argv[i] = final->v;
		r = validate(x, i < fixed ? f->params[i] : f->rest, &argv[i]);
		if (r < 0)
			return r;
		i++;
	}
	struct call c = {.args = argv, .n = (size_t)i, .arena = &x->arena};
	c.first = args ? args->next : NULL;
	if (!f->run(&c, out)) {
		x->at = cmd;
		return exec_fail(x, "error calling %s: %s", f->name, c.msg);
	}
	return 0;
}

/* .Label "x": a method of one string. In a header it names the last part of the label. */
static int eval_lookup(struct exec *x, struct val dot, const char *name, const struct node *args,
	const struct final *final, struct val object, struct val *out)
{
	int n = count_args(args) + final->given;
	struct val key;
	if (n != 1)
		return exec_fail(x, "wrong number of args for %s: want 1 got %d", name, n);
	int r;
	if (final->given) {
		key = final->v;
		r = validate(x, PARAM_STRING, &key);
	} else {
		r = eval_arg(x, dot, PARAM_STRING, args->next, &key);
	}
	if (r < 0)
		return r;
	if (x->o->is_header) {
		size_t from = key.n;
		while (from && key.s[from - 1] != '.')
			from--;
		char *text = arena_strndup(&x->arena, key.s + from, key.n - from);
		for (char *p = text; *p; p++) {
			if (*p == '-' || *p == '_')
				*p = ' ';
		}
		*out = val_str(text, key.n - from);
		return 0;
	}
	struct val map = {.type = &go_string_map, .j = object.j};
	*out = val_key(map, key.s, key.n, &x->arena);
	if (!out->type)
		*out = val_str("", 0);
	return 0;
}

static int fail_field(struct exec *x, const char *name, struct val receiver)
{
	return exec_fail(x, "can't evaluate field %s in type %s", name,
		receiver.boxed ? go_any.name : val_type_name(receiver));
}

static int struct_field(struct exec *x, struct val dot, const char *name, const struct node *args,
	const struct final *final, struct val v, struct val receiver, struct val *out)
{
	const struct gofield *f = val_field(v.type, name);
	if (!f)
		return fail_field(x, name, receiver);
	json_t *j = v.j ? json_object_get(v.j, f->json ? f->json : f->name) : NULL;
	if (f->type->kind == GO_LOOKUP)
		return eval_lookup(
			x, dot, name, args, final, val_from_json(f->type, j, &x->arena), out);
	int n = count_args(args) + final->given;
	if (n && (v.type->flags & GO_METHODS))
		return exec_fail(x, "wrong number of args for %s: want 0 got %d", name, n);
	if (n)
		return exec_fail(x, "%s has arguments but cannot be invoked as function", name);
	*out = val_from_json(f->type, j, &x->arena);
	return 0;
}

static int map_field(struct exec *x, struct val dot, const char *name, const struct node *args,
	const struct final *final, struct val v, struct val *out)
{
	if (v.type->key)
		return fail_field(x, name, v);
	if ((v.type->flags & GO_HEADER) && strcmp(name, "Label") == 0)
		return eval_lookup(x, dot, name, args, final, v, out);
	if (count_args(args) || final->given)
		return exec_fail(x, "%s is not a method but has arguments", name);
	*out = val_key(v, name, strlen(name), &x->arena);
	if (out->type)
		return 0;
	if (x->o->missing_key_error)
		return exec_fail(x, "map has no entry for key \"%s\"", name);
	if (v.type->flags & GO_STRICT)
		return fail_field(x, name, v);
	return 0;
}

static int eval_field(struct exec *x, struct val dot, const char *name, const struct node *args,
	const struct final *final, struct val receiver, struct val *out)
{
	out->type = NULL;
	if (!receiver.type) {
		if (x->o->missing_key_error)
			return exec_fail(x, "nil data; no entry for key \"%s\"", name);
		return 0;
	}
	bool is_nil;
	struct val v = val_indirect(receiver, &is_nil);
	if (is_nil && v.type->kind == GO_PTR && v.type->elem->kind == GO_STRUCT &&
		!val_field(v.type->elem, name))
		return fail_field(x, name, receiver);
	if (is_nil)
		return exec_fail(x, "nil pointer evaluating %s.%s", receiver.type->name, name);
	if (v.type->kind == GO_STRUCT)
		return struct_field(x, dot, name, args, final, v, receiver, out);
	if (v.type->kind == GO_MAP)
		return map_field(x, dot, name, args, final, v, out);
	return fail_field(x, name, receiver);
}

static int eval_chain(struct exec *x, struct val dot, struct val receiver, const char *const *ident,
	size_t n, const struct node *args, const struct final *final, struct val *out)
{
	for (size_t i = 0; i + 1 < n; i++) {
		int r = eval_field(x, dot, ident[i], NULL, &no_final, receiver, &receiver);
		if (r < 0)
			return r;
	}
	return eval_field(x, dot, ident[n - 1], args, final, receiver, out);
}

static int eval_variable(struct exec *x, struct val dot, const struct node *n,
	const struct node *args, const struct final *final, struct val *out)
{
	x->at = n;
	struct variable *v = exec_variable(x, n->ident[0]);
	if (!v)
		return exec_fail(x, "undefined variable: %s", n->ident[0]);
	struct val value = v->value;
	if (n->n_ident > 1)
		return eval_chain(x, dot, value, n->ident + 1, n->n_ident - 1, args, final, out);
	*out = value;
	return args ? not_a_function(x, args, final) : 0;
}

static int eval_chain_node(struct exec *x, struct val dot, const struct node *n,
	const struct node *args, const struct final *final, struct val *out)
{
	struct val receiver;
	x->at = n;
	int r = eval_arg(x, dot, PARAM_ANY, n->first, &receiver);
	if (r < 0)
		return r;
	return eval_chain(x, dot, receiver, n->ident, n->n_ident, args, final, out);
}

/* A literal as an argument of that type. */
static int eval_literal(struct exec *x, enum param want, const struct node *n, struct val *out)
{
	auto_buf text = BUF_INIT;
	if (want == PARAM_STRING && n->type == NODE_STRING) {
		*out = val_str(n->value, n->value_len);
		return 0;
	}
	if (want == PARAM_INT && n->type == NODE_NUMBER && n->is_int) {
		*out = val_int(n->i);
		return 0;
	}
	if (want == PARAM_ANY || want == PARAM_VALUE) {
		switch (n->type) {
		case NODE_BOOL:
			*out = val_bool(n->b);
			return 0;
		case NODE_NUMBER:
			return ideal_constant(x, n, out);
		case NODE_STRING:
			*out = val_str(n->value, n->value_len);
			return 0;
		default:
			break;
		}
	}
	node_text(&text, n);
	if (want == PARAM_STRING)
		return exec_fail(x, "expected string; found %s", text.data);
	if (want == PARAM_INT)
		return exec_fail(x, "expected integer; found %s", text.data);
	return exec_fail(x, "can't handle %s for arg of type %s", text.data, param_type_name(want));
}

static int eval_arg(
	struct exec *x, struct val dot, enum param want, const struct node *n, struct val *out)
{
	int r;
	x->at = n;
	out->type = NULL;
	switch (n->type) {
	case NODE_DOT:
		*out = dot;
		return validate(x, want, out);
	case NODE_NIL:
		if (want == PARAM_STRING || want == PARAM_INT)
			return exec_fail(x, "cannot assign nil to %s", param_type_name(want));
		return validate(x, want, out);
	case NODE_FIELD:
		r = eval_chain(x, dot, dot, n->ident, n->n_ident, NULL, &no_final, out);
		break;
	case NODE_VARIABLE:
		r = eval_variable(x, dot, n, NULL, &no_final, out);
		break;
	case NODE_PIPE:
		r = eval_pipeline(x, dot, n, out);
		break;
	case NODE_IDENT:
		r = eval_function(x, dot, n, n, NULL, &no_final, out);
		break;
	case NODE_CHAIN:
		r = eval_chain_node(x, dot, n, NULL, &no_final, out);
		break;
	default:
		return eval_literal(x, want, n, out);
	}
	return r < 0 ? r : validate(x, want, out);
}

static int eval_command(struct exec *x, struct val dot, const struct node *cmd,
	const struct final *final, struct val *out)
{
	const struct node *first = cmd->first;
	int r;
	switch (first->type) {
	case NODE_FIELD:
		x->at = first;
		return eval_chain(x, dot, dot, first->ident, first->n_ident, first, final, out);
	case NODE_CHAIN:
		return eval_chain_node(x, dot, first, first, final, out);
	case NODE_IDENT:
		return eval_function(x, dot, first, cmd, first, final, out);
	case NODE_PIPE:
		r = not_a_function(x, first, final);
		return r < 0 ? r : eval_pipeline(x, dot, first, out);
	case NODE_VARIABLE:
		return eval_variable(x, dot, first, first, final, out);
	default:
		break;
	}
	x->at = first;
	r = not_a_function(x, first, final);
	if (r < 0)
		return r;
	if (first->type == NODE_DOT) {
		*out = dot;
		return 0;
	}
	if (first->type == NODE_NIL)
		return exec_fail(x, "nil is not a command");
	return eval_literal(x, PARAM_ANY, first, out);
}

int eval_pipeline(struct exec *x, struct val dot, const struct node *pipe, struct val *out)
{
	struct final final = no_final;
	*out = (struct val){.type = NULL};
	if (!pipe)
		return 0;
	x->at = pipe;
	int r = exec_check_limits(x);
	for (const struct node *cmd = pipe->first; cmd && r >= 0; cmd = cmd->next) {
		r = eval_command(x, dot, cmd, &final, out);
		if (r >= 0 && val_kind(*out) == GO_ANY)
			out->type = NULL;
		out->boxed = false;
		final = (struct final){*out, true};
	}
	for (int i = 0; i < pipe->n_decl && r >= 0; i++) {
		struct variable *v = pipe->is_assign ? exec_variable(x, pipe->decl[i]) : NULL;
		if (v)
			v->value = *out;
		else if (pipe->is_assign)
			r = exec_fail(x, "undefined variable: %s", pipe->decl[i]);
		else
			exec_push(x, pipe->decl[i], *out);
	}
	return r;
}
