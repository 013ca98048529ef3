/* tabwriter: aligns tab-separated cells as Docker's tables do: columns of at least 10 characters,
 * 3 blanks between. A column ends at the first line that has no cell in it. */
#ifndef CMD_FORMAT_TABWRITER_H
#define CMD_FORMAT_TABWRITER_H

#include <stddef.h>

struct buf;

void tabwriter_align(struct buf *out, const char *text, size_t len);

/* Other widths: columns of at least width_min (blanks included), padding blanks between. */
struct tabwriter {
	size_t width_min, padding;
};
void tabwriter_align_as(const struct tabwriter *as, struct buf *out, const char *text, size_t len);

#endif
