/* What the two halves of the TOML reader share: toml.c has keys and tables, toml_value.c values. */
#ifndef BASE_TOML_INTERNAL_H
#define BASE_TOML_INTERNAL_H

#include "base/toml.h"
#include "base/str.h"

/* Why a table is there: says what may still be added to it. */
enum toml_kind {
	TOML_IMPLICIT = 1, /* named on the way to a deeper table */
	TOML_HEADER, /* [name], or an element of [[name]] */
	TOML_DOTTED, /* by a dotted key */
	TOML_TABLES, /* the array of [[name]] */
	TOML_CLOSED, /* inline table, or array as a value */
};

struct toml_mark {
	const json_t *node;
	enum toml_kind kind;
};

struct toml {
	const char *p, *end;
	const char *what;
	int line, depth;
	struct toml_mark *marks;
	size_t n_marks;
	struct err *e;
};

int toml_fail(struct toml *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The next byte, or 0 at the end (a NUL in the text is refused before reading begins). */
static inline char toml_peek(const struct toml *t) { return t->p < t->end ? *t->p : '\0'; }
static inline void toml_blanks(struct toml *t)
{
	while (toml_peek(t) == ' ' || toml_peek(t) == '\t')
		t->p++;
}
/* Blanks, a comment, and the end of the line or of the text. */
int toml_line_end(struct toml *t);
int toml_comment(struct toml *t);

int toml_mark(struct toml *t, const json_t *node, enum toml_kind kind);

/* A string of any of the four kinds; multi-line ones only where allowed. Owned, or NULL. */
char *toml_string(struct toml *t, bool may_be_long);
json_t *toml_value(struct toml *t);
/* "key = value" or "a.b = value" into table. */
int toml_assignment(struct toml *t, json_t *table);

#endif
