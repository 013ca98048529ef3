/* goregex_internal: the tree that goregex_parse.c makes of a pattern and goregex.c turns into a
 * program. */
#ifndef BASE_GOREGEX_INTERNAL_H
#define BASE_GOREGEX_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum regex_kind { REGEX_EMPTY, REGEX_SET, REGEX_ASSERT, REGEX_CAT, REGEX_ALT, REGEX_REPEAT };
enum regex_assert {
	ASSERT_TEXT_START,
	ASSERT_TEXT_END,
	ASSERT_LINE_START,
	ASSERT_LINE_END,
	ASSERT_WORD,
	ASSERT_NOT_WORD
};

struct regex_range {
	uint32_t lo, hi;
};

struct regex_set {
	struct regex_range *ranges;
	size_t n;
	bool is_negated, folds_case;
};

struct regex_node {
	enum regex_kind kind;
	enum regex_assert assertion;
	struct regex_set set;
	struct regex_node *a, *b; /* owned */
	int min, max; /* of REGEX_REPEAT; max -1: no end */
};

/* NULL with e set. */
struct regex_node *regex_parse(const char *pattern, struct err *e);
void regex_node_free(struct regex_node *n);
/* One character of UTF-8; a byte that is none counts as U+FFFD. */
uint32_t regex_rune(const char **p);

#endif
