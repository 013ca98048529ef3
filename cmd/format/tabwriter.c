#include "cmd/format/tabwriter.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/format/utf8.h"

enum { COLUMNS_MAX = 500 };

struct cell {
	const char *text;
	size_t len, width;
};

/* The last cell of a line belongs to no column. */
struct line {
	size_t first, n; /* cells */
};

struct table {
	struct cell *cells;
	size_t n_cells;
	struct line *lines;
	size_t n_lines;
	size_t widths[COLUMNS_MAX];
	size_t n_widths;
	const struct tabwriter *as;
	struct buf *out;
};

static void add_blanks(struct buf *out, size_t n)
{
	while (n--)
		buf_putc(out, ' ');
}

static void print_lines(struct table *t, size_t from, size_t to)
{
	for (size_t l = from; l < to; l++) {
		const struct line *line = &t->lines[l];
		for (size_t i = 0; i < line->n; i++) {
			const struct cell *c = &t->cells[line->first + i];
			buf_add(t->out, c->text, c->len);
			if (i < t->n_widths)
				add_blanks(t->out, t->widths[i] - c->width);
		}
		if (l + 1 < t->n_lines)
			buf_putc(t->out, '\n');
	}
}

/* Lines from..to have the columns whose widths are known; finds the blocks of the next one. */
static void format_lines(struct table *t, size_t from, size_t to)
{
	size_t column = t->n_widths, printed = from;
	for (size_t l = from; l < to; l++) {
		if (column + 1 >= t->lines[l].n || column >= COLUMNS_MAX)
			continue;
		print_lines(t, printed, l);
		printed = l;
		size_t width = t->as->width_min;
		for (; l < to && column + 1 < t->lines[l].n; l++) {
			size_t w = t->cells[t->lines[l].first + column].width + t->as->padding;
			if (w > width)
				width = w;
		}
		t->widths[t->n_widths++] = width;
		format_lines(t, printed, l);
		t->n_widths--;
		printed = l;
		l--;
	}
	print_lines(t, printed, to);
}

void tabwriter_align(struct buf *out, const char *text, size_t len)
{
	static const struct tabwriter docker = {.width_min = 10, .padding = 3};
	tabwriter_align_as(&docker, out, text, len);
}

void tabwriter_align_as(const struct tabwriter *as, struct buf *out, const char *text, size_t len)
{
	size_t tabs = 1, newlines = 1;
	for (size_t i = 0; i < len; i++) {
		tabs += text[i] == '\t' || text[i] == '\n';
		newlines += text[i] == '\n';
	}
	struct table t = {.as = as, .out = out};
	t.cells = xcalloc(tabs, sizeof(*t.cells));
	t.lines = xcalloc(newlines, sizeof(*t.lines));
	size_t start = 0;
	t.n_lines = 1;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '\t' && text[i] != '\n')
			continue;
		size_t n = i - start;
		t.cells[t.n_cells++] = (struct cell){text + start, n, utf8_count(text + start, n)};
		t.lines[t.n_lines - 1].n++;
		start = i + 1;
		if (i < len && text[i] == '\n')
			t.lines[t.n_lines++].first = t.n_cells;
	}
	format_lines(&t, 0, t.n_lines);
	free(t.cells);
	free(t.lines);
}
