#include "engine/transfer/progress.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

enum { BAR_CELLS = 50, BAR_MIN_WIDTH = 110, REDRAW_MS = 50, DEFAULT_WIDTH = 200 };

struct line {
	char *id;
	char *status;
	int64_t drawn_ns;
};

struct progress {
	int fd;
	bool is_terminal, is_silent;
	struct line *lines;
	size_t n;
};

struct progress *progress_new(int fd, bool is_terminal, bool is_silent)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	p->fd = fd;
	p->is_terminal = is_terminal;
	p->is_silent = is_silent;
	return p;
}

static void forget_lines(struct progress *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->lines[i].id);
		free(p->lines[i].status);
	}
	free(p->lines);
	p->lines = NULL;
	p->n = 0;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	forget_lines(p);
	free(p);
}

void progress_drop(struct progress **p)
{
	progress_free(*p);
	*p = NULL;
}

/* A reader that went away does not end a pull. */
static void print(struct progress *p, const char *text)
{
	(void)write_all(p->fd, text, strlen(text));
}

void progress_say(struct progress *p, const char *fmt, ...)
{
	if (p->is_silent)
		return;
	va_list ap;
	va_start(ap, fmt);
	auto_free char *text = xvasprintf(fmt, ap);
	va_end(ap);
	auto_free char *line = xasprintf("%s\n", text);
	forget_lines(p);
	print(p, line);
}

static struct line *find_line(struct progress *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->lines[i].id, id))
			return &p->lines[i];
	p->lines = xrealloc(p->lines, (p->n + 1) * sizeof(*p->lines));
	p->lines[p->n] = (struct line){.id = xstrdup(id), .status = xstrdup("")};
	if (p->is_terminal)
		print(p, "\n");
	return &p->lines[p->n++];
}

/* Up to the line, anew, and back down: as one write, so that nothing tears it. */
static void draw(struct progress *p, const struct line *l, const char *rest)
{
	size_t up = p->n - (size_t)(l - p->lines);
	auto_free char *text =
		xasprintf("\033[%zuA\033[2K\r%s: %s\r\033[%zuB", up, l->id, rest, up);
	print(p, text);
}

static void set_status(struct line *l, const char *status)
{
	free(l->status);
	l->status = xstrdup(status);
}

void progress_status(struct progress *p, const char *id, const char *status)
{
	if (p->is_silent)
		return;
	struct line *l = find_line(p, id);
	if (!strcmp(l->status, status))
		return;
	set_status(l, status);
	if (p->is_terminal) {
		auto_free char *rest = xasprintf("%s ", status);
		draw(p, l, rest);
		return;
	}
	auto_free char *text = xasprintf("%s: %s\n", id, status);
	print(p, text);
}

static unsigned terminal_width(int fd)
{
	struct winsize size;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return DEFAULT_WIDTH;
}

void progress_bar(
	struct progress *p, const char *id, const char *status, int64_t current, int64_t total)
{
	if (p->is_silent || !p->is_terminal)
		return;
	struct line *l = find_line(p, id);
	int64_t now = clock_monotonic_ns();
	bool is_new = strcmp(l->status, status) != 0;
	if (!is_new && now - l->drawn_ns < REDRAW_MS * (NS_PER_S / 1000))
		return;
	l->drawn_ns = now;
	if (is_new)
		set_status(l, status);
	auto_free char *bar = progress_bar_text(current, total, terminal_width(p->fd));
	auto_free char *rest = xasprintf("%s %s", status, bar);
	draw(p, l, rest);
}

/* Docker's units.HumanSize: four significant digits, decimal units. Owned. */
static char *size_text(int64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	size_t i = 0;
	for (; v >= 1000 && i + 1 < ARRAY_LEN(units); i++)
		v /= 1000;
	return xasprintf("%.4g%s", v, units[i]);
}

char *progress_bar_text(int64_t current, int64_t total, unsigned width)
{
	auto_free char *have = size_text(current);
	if (current <= 0 && total <= 0)
		return xstrdup("");
	if (total <= 0)
		return xasprintf("%8s", have);
	auto_buf out = BUF_INIT;
	int cells = (int)((double)current / (double)total * 100) / 2;
	if (cells > BAR_CELLS)
		cells = BAR_CELLS;
	if (width > BAR_MIN_WIDTH) {
		buf_putc(&out, '[');
		for (int i = 0; i < cells; i++)
			buf_putc(&out, '=');
		buf_printf(&out, ">%*s] ", BAR_CELLS - cells, "");
	}
	auto_free char *whole = size_text(total);
	if (current > total)
		buf_printf(&out, "%8s", have);
	else
		buf_printf(&out, "%8s/%s", have, whole);
	return buf_take(&out);
}
