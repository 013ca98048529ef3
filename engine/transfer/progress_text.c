/* The rows of a progress display: what fits in a width, from everything down to a percentage. */
#include "engine/transfer/progress.h"

#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"

enum { BAR_CELLS = 50, BAR_MIN_CELLS = 8, DOCKER_MIN_WIDTH = 110, ID_MIN = 4 };

/* Docker's units.HumanSize has four significant digits, and decimal units. Owned. */
static char *size_text(double bytes, int digits)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	size_t i = 0;
	/* What would be rounded to four digits is of the next unit. */
	for (; bytes >= (digits < 4 ? 999.5 : 1000) && i + 1 < ARRAY_LEN(units); i++)
		bytes /= 1000;
	return xasprintf("%.*g%s", digits, bytes, units[i]);
}

static char *duration_text(double seconds)
{
	unsigned long s = (unsigned long)(seconds + 0.999);
	if (s < 60)
		return xasprintf("%lus", s);
	if (s < 3600)
		return xasprintf("%lum%02lus", s / 60, s % 60);
	if (s < 100 * 3600)
		return xasprintf("%luh%02lum", s / 3600, s / 60 % 60);
	return xstrdup("days");
}

static int percent(const struct progress_amount *a)
{
	double p = (double)a->current / (double)a->total * 100;
	return p < 0 ? 0 : p > 100 ? 100 : (int)p;
}

/* "[=====>    ]" with this many cells inside, of which Docker leaves one more for the head. */
static char *bar_text(const struct progress_amount *a, int cells)
{
	auto_buf out = BUF_INIT;
	int full = percent(a) * cells / 100;
	buf_putc(&out, '[');
	for (int i = 0; i < full; i++)
		buf_putc(&out, '=');
	buf_printf(&out, ">%*s]", cells - full, "");
	return buf_take(&out);
}

static char *sizes_text(const struct progress_amount *a, bool padded)
{
	auto_free char *have = size_text((double)a->current, 4);
	auto_free char *whole = a->total > 0 ? size_text((double)a->total, 4) : NULL;
	if (!whole || a->current > a->total)
		return xasprintf(padded ? "%8s" : "%s", have);
	return xasprintf(padded ? "%8s/%s" : "%s/%s", have, whole);
}

static bool fits(const char *text, unsigned width) { return !width || strlen(text) < width; }

static char *take_if_fits(char *text, unsigned width)
{
	if (fits(text, width))
		return text;
	free(text);
	return NULL;
}

/* "<head> [===>  ] <tail>" with a bar that fills the width; NULL where there is no room for one. */
static char *with_bar(
	const char *head, const struct progress_amount *a, const char *tail, unsigned width)
{
	size_t rest = strlen(head) + strlen(tail) + strlen(" [>] ");
	int cells = BAR_CELLS;
	if (a->total <= 0)
		return NULL;
	if (width && rest + BAR_MIN_CELLS >= width)
		return NULL;
	if (width && rest + (size_t)cells >= width)
		cells = (int)(width - 1 - rest);
	auto_free char *bar = bar_text(a, cells);
	return xasprintf("%s %s %s", head, bar, tail);
}

/* The id gives way first: its beginning is enough to tell layers apart. */
static char *status_text(const char *id, const char *status, unsigned width)
{
	char *whole = xasprintf("%s: %s", id, status);
	if (fits(whole, width))
		return whole;
	size_t over = strlen(whole) + 1 - width, n = strlen(id);
	size_t kept = n > over + ID_MIN ? n - over : n < ID_MIN ? n : ID_MIN;
	free(whole);
	char *cut = xasprintf("%.*s: %s", (int)kept, id, status);
	if (!fits(cut, width))
		cut[width > 1 ? width - 1 : 0] = '\0';
	return cut;
}

char *progress_line_text(
	const char *id, const char *status, const struct progress_amount *bar, unsigned width)
{
	if (!bar || (bar->current <= 0 && bar->total <= 0))
		return status_text(id, status, width);
	auto_free char *head = xasprintf("%s: %s", id, status);
	bool is_wide = !width || width > DOCKER_MIN_WIDTH;
	auto_free char *sizes = sizes_text(bar, is_wide);
	char *text = with_bar(head, bar, sizes, width);
	if (!text)
		text = take_if_fits(xasprintf("%s %s", head, sizes), width);
	if (!text && bar->total > 0)
		text = take_if_fits(xasprintf("%s %d%%", head, percent(bar)), width);
	if (text || bar->total <= 0)
		return text ? text : status_text(id, sizes, width);
	auto_free char *part = xasprintf("%d%%", percent(bar));
	return status_text(id, part, width);
}

char *progress_total_text(const struct progress_amount *a, double rate, unsigned width)
{
	auto_free char *sizes = sizes_text(a, false);
	auto_free char *speed = size_text(rate < 0 ? 0 : rate, 3);
	auto_free char *left =
		rate > 0 ? duration_text((double)(a->total - a->current) / rate) : xstrdup("");
	auto_free char *tail = rate < 0    ? xstrdup(sizes)
			       : rate == 0 ? xasprintf("%s  %s/s", sizes, speed)
					   : xasprintf("%s  %s/s  %s left", sizes, speed, left);
	auto_free char *part = xasprintf("%d%%", percent(a));
	char *text = with_bar("Total:", a, tail, width);
	if (!text)
		text = take_if_fits(xasprintf("Total: %s", tail), width);
	if (!text)
		text = take_if_fits(xasprintf("%s %s", part, tail), width);
	if (!text && rate >= 0)
		text = take_if_fits(xasprintf("%s %s/s %s", part, speed, left), width);
	if (!text)
		text = take_if_fits(xasprintf("%s %s", part, left), width);
	return text ? text : xstrdup(fits(part, width) ? part : "");
}
