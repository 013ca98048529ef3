/* The parser: a pattern of Go's regexp/syntax to a tree. Recursive descent, the depth is bounded.
 */
#include "base/goregex_internal.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 250, REPEAT_MAX = 1000, RUNE_MAX = 0x10FFFF };

struct parser {
	const char *p, *whole;
	int depth;
	bool fold, multi, dot_nl; /* (?i) (?m) (?s) */
	struct err *e;
	bool failed;
};

static const struct regex_range digits[] = {{'0', '9'}},
				not_digits[] = {{0, '0' - 1}, {'9' + 1, RUNE_MAX}},
				spaces[] = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}},
				not_spaces[] = {{0, 8}, {11, 11}, {14, 31}, {33, RUNE_MAX}},
				words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
				not_words[] = {{0, '0' - 1}, {'9' + 1, 'A' - 1}, {'Z' + 1, '_' - 1},
					{'`', '`'}, {'z' + 1, RUNE_MAX}};

#define RANGES(r) r, sizeof(r) / sizeof(r[0])
static const struct {
	const char *name;
	struct regex_range r[4];
} posix_classes[] = {
	{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
	{"alpha", {{'A', 'Z'}, {'a', 'z'}}},
	{"ascii", {{0, 127}}},
	{"blank", {{'\t', '\t'}, {' ', ' '}}},
	{"cntrl", {{0, 31}, {127, 127}}},
	{"digit", {{'0', '9'}}},
	{"graph", {{'!', '~'}}},
	{"lower", {{'a', 'z'}}},
	{"print", {{' ', '~'}}},
	{"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
	{"space", {{'\t', '\r'}, {' ', ' '}}},
	{"upper", {{'A', 'Z'}}},
	{"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
	{"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

uint32_t regex_rune(const char **pp)
{
	const unsigned char *p = (const unsigned char *)*pp;
	int n = p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 1 : p[0] < 0xF0 ? 2 : p[0] < 0xF5 ? 3 : 0;
	uint32_t r = p[0];
	(*pp)++;
	if (p[0] < 0x80 || n == 0)
		return p[0] < 0x80 ? r : 0xFFFD;
	r &= 0x3Fu >> n;
	for (int i = 1; i <= n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0xFFFD;
		r = r << 6 | (p[i] & 0x3F);
	}
	*pp += n;
	return r;
}

void regex_node_free(struct regex_node *n)
{
	if (!n)
		return;
	regex_node_free(n->a);
	regex_node_free(n->b);
	free(n->set.ranges);
	free(n);
}

static struct regex_node *node_new(enum regex_kind kind, struct regex_node *a, struct regex_node *b)
{
	struct regex_node *n = xcalloc(1, sizeof(*n));
	n->kind = kind;
	n->a = a;
	n->b = b;
	return n;
}

/* Go quotes the piece of the pattern that is wrong. */
static void fail(struct parser *s, const char *what, const char *from, size_t n)
{
	if (!s->failed)
		err_set(s->e, EINVAL, "error parsing regexp: %s: `%.*s`", what, (int)n, from);
	s->failed = true;
}

static void add_range(struct regex_set *set, uint32_t lo, uint32_t hi)
{
	set->ranges = xrealloc(set->ranges, (set->n + 1) * sizeof(*set->ranges));
	set->ranges[set->n++] = (struct regex_range){lo, hi};
}

static void add_ranges(struct regex_set *set, const struct regex_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].hi)
			add_range(set, r[i].lo, r[i].hi);
}

/* \d and the like (p behind the backslash); false where it is none of them. */
static bool perl_class(struct parser *s, struct regex_set *set)
{
	switch (*s->p) {
	case 'd':
		add_ranges(set, RANGES(digits));
		break;
	case 'D':
		add_ranges(set, RANGES(not_digits));
		break;
	case 's':
		add_ranges(set, RANGES(spaces));
		break;
	case 'S':
		add_ranges(set, RANGES(not_spaces));
		break;
	case 'w':
		add_ranges(set, RANGES(words));
		break;
	case 'W':
		add_ranges(set, RANGES(not_words));
		break;
	default:
		return false;
	}
	s->p++;
	return true;
}

/* \pL, \p{Greek}, \PN: letters, digits and the rest; what is not ASCII counts as a letter. */
static bool unicode_class(struct parser *s, struct regex_set *set)
{
	if (*s->p != 'p' && *s->p != 'P')
		return false;
	const char *from = s->p - 1;
	bool is_not = *s->p++ == 'P';
	char name = *s->p;
	if (name == '{') {
		const char *end = strchr(s->p, '}');
		if (!end) {
			fail(s, "invalid character class range", from, strlen(from));
			return true;
		}
		name = s->p[1];
		if (name == '^') {
			is_not = !is_not;
			name = s->p[2];
		}
		s->p = end;
	}
	if (!strchr("LNPSZC", name) || !name) {
		fail(s, "invalid character class range", from, (size_t)(s->p + !!name - from));
		return true;
	}
	s->p++;
	bool is_letter = name == 'L';
	for (uint32_t c = 0; c < 128; c++) {
		bool alpha = (c | 32) >= 'a' && (c | 32) <= 'z', num = c >= '0' && c <= '9';
		bool other = c == ' '                      ? name == 'Z'
			     : c < 32 || c == 127          ? name == 'C'
			     : strchr("$+<=>^`|~", (int)c) ? name == 'S'
							   : name == 'P';
		if ((alpha ? is_letter : num ? name == 'N' : other) != is_not)
			add_range(set, c, c);
	}
	if (is_letter != is_not)
		add_range(set, 128, RUNE_MAX);
	return true;
}

/* An escaped character (p behind the backslash). */
static uint32_t escape(struct parser *s)
{
	static const char from[] = "aftnrv", to[] = "\a\f\t\n\r\v";
	const char *start = s->p - 1;
	char c = *s->p;
	if (!c) {
		fail(s, "trailing backslash at end of expression", "", 0);
		return 0;
	}
	const char *at = strchr(from, c);
	if (at) {
		s->p++;
		return (unsigned char)to[at - from];
	}
	if (c == 'x') {
		char *end;
		bool braces = s->p[1] == '{';
		char two[3] = {s->p[1], s->p[1] ? s->p[2] : '\0', '\0'};
		unsigned long v = strtoul(braces ? s->p + 2 : two, &end, 16);
		bool ok = braces ? *end == '}' && end > s->p + 2 : end == two + 2;
		if (ok && v <= RUNE_MAX) {
			s->p = braces ? end + 1 : s->p + 3;
			return (uint32_t)v;
		}
	} else if (c == '0') { /* at most two more octal digits */
		uint32_t v = 0;
		for (int i = 0; i < 3 && *s->p >= '0' && *s->p <= '7'; i++)
			v = v * 8 + (uint32_t)(*s->p++ - '0');
		return v;
	} else if ((unsigned char)c < 0x80 && !((c | 32) >= 'a' && (c | 32) <= 'z') &&
		   !(c >= '0' && c <= '9')) {
		s->p++;
		return (unsigned char)c;
	}
	const char *end = s->p;
	(void)regex_rune(&end);
	fail(s, "invalid escape sequence", start, (size_t)(end - start));
	return 0;
}

static bool posix_class(struct parser *s, struct regex_set *set)
{
	const char *end = s->p[0] == '[' && s->p[1] == ':' ? strstr(s->p + 2, ":]") : NULL;
	if (!end)
		return false;
	const char *name = s->p + 2;
	bool is_not = *name == '^';
	name += is_not;
	for (size_t i = 0; i < ARRAY_LEN(posix_classes); i++) {
		if (strncmp(posix_classes[i].name, name, (size_t)(end - name)) ||
			posix_classes[i].name[end - name])
			continue;
		uint32_t next = 0;
		for (size_t k = 0; k < 4 && posix_classes[i].r[k].hi; k++) {
			const struct regex_range *r = &posix_classes[i].r[k];
			if (!is_not)
				add_range(set, r->lo, r->hi);
			else if (r->lo > next)
				add_range(set, next, r->lo - 1);
			next = r->hi + 1;
		}
		if (is_not)
			add_range(set, next, RUNE_MAX);
		s->p = end + 2;
		return true;
	}
	fail(s, "invalid character class range", s->p, (size_t)(end + 2 - s->p));
	return true;
}

static uint32_t class_char(struct parser *s)
{
	if (*s->p != '\\')
		return regex_rune(&s->p);
	s->p++;
	return escape(s);
}

/* From behind "[". */
static struct regex_node *bracket(struct parser *s)
{
	const char *from = s->p - 1;
	struct regex_node *n = node_new(REGEX_SET, NULL, NULL);
	n->set.folds_case = s->fold;
	if (*s->p == '^') {
		n->set.is_negated = true;
		s->p++;
	}
	for (bool first = true; !s->failed && (first || *s->p != ']'); first = false) {
		if (!*s->p) {
			fail(s, "missing closing ]", from, strlen(from));
			break;
		}
		if (posix_class(s, &n->set))
			continue;
		if (*s->p == '\\') {
			s->p++;
			if (perl_class(s, &n->set) || unicode_class(s, &n->set))
				continue;
			s->p--;
		}
		const char *start = s->p;
		uint32_t lo = class_char(s), hi = lo;
		if (*s->p == '-' && s->p[1] && s->p[1] != ']') {
			s->p++;
			hi = class_char(s);
		}
		if (hi < lo)
			fail(s, "invalid character class range", start, (size_t)(s->p - start));
		add_range(&n->set, lo, hi);
	}
	if (!s->failed)
		s->p++;
	return n;
}

static struct regex_node *literal(struct parser *s, uint32_t c)
{
	struct regex_node *n = node_new(REGEX_SET, NULL, NULL);
	add_range(&n->set, c, c);
	n->set.folds_case = s->fold;
	return n;
}

static struct regex_node *assertion(enum regex_assert a)
{
	struct regex_node *n = node_new(REGEX_ASSERT, NULL, NULL);
	n->assertion = a;
	return n;
}

/* \Q...\E: the characters as they are. */
static struct regex_node *quoted(struct parser *s)
{
	struct regex_node *n = node_new(REGEX_EMPTY, NULL, NULL);
	while (*s->p && strncmp(s->p, "\\E", 2))
		n = node_new(REGEX_CAT, n, literal(s, regex_rune(&s->p)));
	if (*s->p)
		s->p += 2;
	return n;
}

static struct regex_node *backslash(struct parser *s)
{
	static const char names[] = "AzbB";
	static const enum regex_assert what[] = {
		ASSERT_TEXT_START, ASSERT_TEXT_END, ASSERT_WORD, ASSERT_NOT_WORD};
	const char *at = *s->p ? strchr(names, *s->p) : NULL;
	if (at) {
		s->p++;
		return assertion(what[at - names]);
	}
	if (*s->p == 'Q') {
		s->p++;
		return quoted(s);
	}
	struct regex_node *n = node_new(REGEX_SET, NULL, NULL);
	n->set.folds_case = s->fold;
	if (!perl_class(s, &n->set) && !unicode_class(s, &n->set)) {
		uint32_t c = escape(s);
		add_range(&n->set, c, c);
	}
	return n;
}

static struct regex_node *alternation(struct parser *s);

/* "(?": a name, or flags for the rest of the group (*is_flags) or for what follows ":". */
static void group_head(struct parser *s, bool *is_flags)
{
	const char *from = s->p - 1;
	s->p++;
	const char *name = s->p[0] == 'P' && s->p[1] == '<' ? s->p + 2
			   : s->p[0] == '<'                 ? s->p + 1
							    : NULL;
	if (name) {
		size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		if (n == 0 || name[n] != '>')
			fail(s, "invalid named capture", from, strcspn(from, ">") + 1);
		s->p = name + n + !s->failed;
		return;
	}
	for (bool on = true; !s->failed; s->p++) {
		switch (*s->p) {
		case 'i':
			s->fold = on;
			break;
		case 'm':
			s->multi = on;
			break;
		case 's':
			s->dot_nl = on;
			break;
		case 'U':
			break; /* who is greedy does not matter */
		case '-':
			on = false;
			break;
		case ':':
		case ')':
			*is_flags = *s->p++ == ')';
			return;
		case '\0':
			fail(s, "missing closing )", s->whole, strlen(s->whole));
			return;
		default:
			fail(s, "invalid or unsupported Perl syntax", from,
				(size_t)(s->p + 1 - from));
			return;
		}
	}
}

static struct regex_node *group(struct parser *s)
{
	bool fold = s->fold, multi = s->multi, dot_nl = s->dot_nl, is_flags = false;
	if (*s->p == '?')
		group_head(s, &is_flags);
	if (s->failed || is_flags)
		return node_new(REGEX_EMPTY, NULL, NULL);
	struct regex_node *n = alternation(s);
	if (!s->failed && *s->p != ')')
		fail(s, "missing closing )", s->whole, strlen(s->whole));
	if (!s->failed)
		s->p++;
	s->fold = fold;
	s->multi = multi;
	s->dot_nl = dot_nl;
	return n;
}

static struct regex_node *atom(struct parser *s)
{
	static const struct regex_range not_nl[] = {{0, '\n' - 1}, {'\n' + 1, RUNE_MAX}};
	struct regex_node *n;
	switch (*s->p++) {
	case '(':
		return group(s);
	case '[':
		return bracket(s);
	case '\\':
		return backslash(s);
	case '^':
		return assertion(s->multi ? ASSERT_LINE_START : ASSERT_TEXT_START);
	case '$':
		return assertion(s->multi ? ASSERT_LINE_END : ASSERT_TEXT_END);
	case '.':
		n = node_new(REGEX_SET, NULL, NULL);
		if (s->dot_nl)
			add_range(&n->set, 0, RUNE_MAX);
		else
			add_ranges(&n->set, RANGES(not_nl));
		return n;
	default:
		s->p--;
		return literal(s, regex_rune(&s->p));
	}
}

/* {n}, {n,}, {n,m}: false where the brace is only a brace. */
static bool braces(struct parser *s, int *min, int *max)
{
	char *end;
	const char *p = s->p + 1;
	if (*p < '0' || *p > '9')
		return false;
	long lo = strtol(p, &end, 10), hi = lo;
	if (*end == ',' && end[1] == '}') {
		hi = -1;
		end++;
	} else if (*end == ',') {
		p = end + 1;
		if (*p < '0' || *p > '9')
			return false;
		hi = strtol(p, &end, 10);
	}
	if (*end != '}')
		return false;
	end++;
	if (lo > REPEAT_MAX || hi > REPEAT_MAX || (hi >= 0 && lo > hi))
		fail(s, "invalid repeat count", s->p, (size_t)(end - s->p));
	s->p = end;
	*min = (int)lo;
	*max = (int)hi;
	return true;
}

/* An operator at p, with the "?" that may follow it. */
static bool repetition(struct parser *s, int *min, int *max)
{
	*min = *s->p == '+';
	*max = *s->p == '?' ? 1 : -1;
	if (*s->p == '{') {
		if (!braces(s, min, max))
			return false;
	} else if (*s->p && strchr("*+?", *s->p)) {
		s->p++;
	} else {
		return false;
	}
	if (*s->p == '?')
		s->p++;
	return true;
}

static struct regex_node *piece(struct parser *s)
{
	int min, max;
	const char *from = s->p;
	if (*s->p && strchr("*+?", *s->p)) {
		(void)repetition(s, &min, &max);
		fail(s, "missing argument to repetition operator", from, (size_t)(s->p - from));
	}
	struct regex_node *n = s->failed ? node_new(REGEX_EMPTY, NULL, NULL) : atom(s);
	from = s->p;
	bool repeated = false;
	while (!s->failed && repetition(s, &min, &max)) {
		if (repeated) {
			fail(s, "invalid nested repetition operator", from, (size_t)(s->p - from));
			break;
		}
		repeated = true;
		n = node_new(REGEX_REPEAT, n, NULL);
		n->min = min;
		n->max = max;
	}
	return n;
}

static struct regex_node *alternation(struct parser *s)
{
	struct regex_node *all = NULL;
	if (++s->depth > DEPTH_MAX)
		fail(s, "expression nests too deeply", s->whole, strlen(s->whole));
	for (bool again = true; again;) {
		struct regex_node *n = node_new(REGEX_EMPTY, NULL, NULL);
		while (!s->failed && *s->p && *s->p != '|' && *s->p != ')')
			n = node_new(REGEX_CAT, n, piece(s));
		all = all ? node_new(REGEX_ALT, all, n) : n;
		again = !s->failed && *s->p == '|';
		s->p += again;
	}
	s->depth--;
	return all;
}

struct regex_node *regex_parse(const char *pattern, struct err *e)
{
	struct parser s = {.p = pattern, .whole = pattern, .e = e};
	if (strlen(pattern) > 1000) {
		err_set(e, EINVAL, "error parsing regexp: expression too large");
		return NULL;
	}
	struct regex_node *n = alternation(&s);
	if (!s.failed && *s.p)
		fail(&s, "unexpected )", pattern, strlen(pattern));
	if (s.failed) {
		regex_node_free(n);
		return NULL;
	}
	return n;
}
