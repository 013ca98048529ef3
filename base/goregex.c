/* A program of character tests and jumps, run for all starting points at once (Pike's machine):
 * no backtracking, so no pattern takes long. */
#include "base/goregex.h"
#include "base/err.h"
#include "base/goregex_internal.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAM_MAX = 20000 };
#define NO_RUNE UINT32_MAX /* before the start, behind the end */

enum op { OP_SET, OP_ASSERT, OP_SPLIT, OP_JUMP, OP_MATCH };
struct inst {
	enum op op;
	const struct regex_node *node;
	size_t x, y;
};

struct goregex {
	struct regex_node *tree; /* owns the sets */
	struct inst *prog;
	size_t n;
	bool is_too_large;
};

static size_t emit(struct goregex *re, enum op op, const struct regex_node *node)
{
	if (re->n >= PROGRAM_MAX) {
		re->is_too_large = true;
		return re->n - 1;
	}
	re->prog = xrealloc(re->prog, (re->n + 1) * sizeof(*re->prog));
	re->prog[re->n] = (struct inst){.op = op, .node = node};
	return re->n++;
}

static void generate(struct goregex *re, const struct regex_node *n);

static void optional(struct goregex *re, const struct regex_node *n)
{
	size_t split = emit(re, OP_SPLIT, NULL);
	re->prog[split].x = re->n;
	generate(re, n);
	re->prog[split].y = re->n;
}

static void repeat(struct goregex *re, const struct regex_node *n)
{
	for (int i = 0; i < n->min && !re->is_too_large; i++)
		generate(re, n->a);
	if (n->max < 0) {
		size_t start = re->n;
		optional(re, n->a);
		size_t jump = emit(re, OP_JUMP, NULL);
		re->prog[jump].x = start;
		if (!re->is_too_large)
			re->prog[start].y = re->n;
		return;
	}
	for (int i = n->min; i < n->max && !re->is_too_large; i++)
		optional(re, n->a);
}

static void generate(struct goregex *re, const struct regex_node *n)
{
	if (re->is_too_large)
		return;
	switch (n->kind) {
	case REGEX_EMPTY:
		break;
	case REGEX_SET:
		emit(re, OP_SET, n);
		break;
	case REGEX_ASSERT:
		emit(re, OP_ASSERT, n);
		break;
	case REGEX_CAT:
		generate(re, n->a);
		generate(re, n->b);
		break;
	case REGEX_ALT: {
		size_t split = emit(re, OP_SPLIT, NULL);
		re->prog[split].x = re->n;
		generate(re, n->a);
		size_t jump = emit(re, OP_JUMP, NULL);
		re->prog[split].y = re->n;
		generate(re, n->b);
		re->prog[jump].x = re->n;
		break;
	}
	case REGEX_REPEAT:
		repeat(re, n);
		break;
	}
}

int goregex_compile(const char *pattern, struct goregex **out, struct err *e)
{
	struct regex_node *tree = regex_parse(pattern, e);
	if (!tree)
		return -EINVAL;
	struct goregex *re = xcalloc(1, sizeof(*re));
	re->tree = tree;
	generate(re, tree);
	emit(re, OP_MATCH, NULL);
	if (re->is_too_large) {
		goregex_free(re);
		return err_set(e, EINVAL, "error parsing regexp: expression too large");
	}
	*out = re;
	return 0;
}

void goregex_free(struct goregex *re)
{
	if (!re)
		return;
	regex_node_free(re->tree);
	free(re->prog);
	free(re);
}

static bool in_ranges(const struct regex_set *set, uint32_t c)
{
	for (size_t i = 0; i < set->n; i++)
		if (c >= set->ranges[i].lo && c <= set->ranges[i].hi)
			return true;
	return false;
}

static bool in_set(const struct regex_set *set, uint32_t c)
{
	bool found = in_ranges(set, c);
	if (!found && set->folds_case && (c | 32) >= 'a' && (c | 32) <= 'z')
		found = in_ranges(set, c ^ 32);
	return found != set->is_negated;
}

static bool is_word(uint32_t c)
{
	return c != NO_RUNE && c < 128 &&
	       (((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_');
}

static bool holds(enum regex_assert a, uint32_t before, uint32_t after)
{
	switch (a) {
	case ASSERT_TEXT_START:
		return before == NO_RUNE;
	case ASSERT_TEXT_END:
		return after == NO_RUNE;
	case ASSERT_LINE_START:
		return before == NO_RUNE || before == '\n';
	case ASSERT_LINE_END:
		return after == NO_RUNE || after == '\n';
	case ASSERT_WORD:
		return is_word(before) != is_word(after);
	case ASSERT_NOT_WORD:
		return is_word(before) == is_word(after);
	}
	return false;
}

struct threads {
	size_t *pc, n;
	unsigned char *seen;
};

/* Follows jumps from pc on; true where the program matches. The stack holds each place once. */
static bool add_thread(const struct goregex *re, struct threads *t, size_t *stack, size_t pc,
	uint32_t before, uint32_t after)
{
	size_t depth = 0;
	stack[depth++] = pc;
	while (depth > 0) {
		pc = stack[--depth];
		if (t->seen[pc])
			continue;
		t->seen[pc] = 1;
		const struct inst *i = &re->prog[pc];
		switch (i->op) {
		case OP_MATCH:
			return true;
		case OP_SET:
			t->pc[t->n++] = pc;
			break;
		case OP_JUMP:
			stack[depth++] = i->x;
			break;
		case OP_SPLIT:
			stack[depth++] = i->y;
			stack[depth++] = i->x;
			break;
		case OP_ASSERT:
			if (holds(i->node->assertion, before, after))
				stack[depth++] = pc + 1;
			break;
		}
	}
	return false;
}

bool goregex_match(const struct goregex *re, const char *text)
{
	struct threads now = {xcalloc(re->n, sizeof(size_t)), 0, xcalloc(re->n, 1)};
	struct threads next = {xcalloc(re->n, sizeof(size_t)), 0, xcalloc(re->n, 1)};
	auto_free size_t *stack = xcalloc(2 * re->n + 2, sizeof(size_t));
	const char *p = text;
	uint32_t before = NO_RUNE, c = *p ? regex_rune(&p) : NO_RUNE;
	bool found = false;
	for (;;) {
		found = found || add_thread(re, &now, stack, 0, before, c);
		if (found || c == NO_RUNE)
			break;
		uint32_t after = *p ? regex_rune(&p) : NO_RUNE;
		next.n = 0;
		memset(next.seen, 0, re->n);
		for (size_t i = 0; i < now.n && !found; i++)
			if (in_set(&re->prog[now.pc[i]].node->set, c))
				found = add_thread(re, &next, stack, now.pc[i] + 1, c, after);
		struct threads t = now;
		now = next;
		next = t;
		before = c;
		c = after;
	}
	free(now.pc);
	free(now.seen);
	free(next.pc);
	free(next.seen);
	return found;
}
