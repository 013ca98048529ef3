/* template: Go's text/template as --format uses it, over JSON values.
 *
 * Fields, pipes, variables, range/if/else/with/end, Docker's functions (json, split, join, title,
 * lower, upper, pad, truncate, println, table is the caller's) and Go's builtins (index, len,
 * printf, print, slice, eq ne lt le gt ge, and or not, html, js, urlquery). Maps iterate in key
 * order, as Go prints them.
 */
#ifndef CMD_FORMAT_TEMPLATE_H
#define CMD_FORMAT_TEMPLATE_H

#include <jansson.h>

struct buf;
struct err;
struct template;

/* Errors carry Docker's words and exit status 64 ("template parsing error: ..."). */
int template_compile(const char *text, struct template **t, struct err *e);
int template_execute(const struct template *t, const json_t *data, struct buf *out, struct err *e);
void template_free(struct template *t);

#endif
