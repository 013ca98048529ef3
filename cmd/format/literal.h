/* literal: strings, characters and numbers as Go writes them. */
#ifndef CMD_FORMAT_LITERAL_H
#define CMD_FORMAT_LITERAL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct node;

/* "..." with escapes or `...`; false where the syntax is wrong. */
bool literal_unquote(const char *s, size_t n, struct buf *out);
void literal_quote(struct buf *out, const char *s, size_t n);
/* Sets a NUMBER node's values from its text. NULL, or what is wrong. */
const char *literal_number(struct node *n);

#endif
