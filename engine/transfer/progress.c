#include "engine/transfer/progress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

#define NS_PER_MS (NS_PER_S / 1000)

enum {
	FRAME_MS = 100,
	HEARTBEAT_MS = 1000, /* the rate falls also while nothing arrives, and windows change */
	PLAIN_TOTAL_MS = 10000,
	SAMPLES = 16, /* of the rate... */
	SAMPLE_MS = 500, /* ...which is that of the last eight seconds */
	DEFAULT_WIDTH = 200,
	DEFAULT_HEIGHT = 50,
};

struct line {
	char *id, *status;
	bool has_bar;
	struct progress_amount bar;
	bool is_counted;
	struct progress_amount counted;
	uint64_t changed; /* serial of the last change of status */
};

struct sample {
	int64_t at_ns, moved;
};

struct progress {
	int fd;
	enum progress_style style; /* never PROGRESS_AUTO */
	bool tells_total; /* also in plain lines */
	struct line *lines;
	size_t n;
	uint64_t serial;

	int64_t moved; /* bytes, by this transfer */
	struct sample samples[SAMPLES];
	size_t n_samples; /* ever taken */

	struct strv shown; /* the rows on the screen */
	unsigned shown_width, shown_height; /* of the terminal then */
	bool is_changed; /* since they were drawn */
	int64_t drawn_ns; /* or, in plain lines, the last total */
};

int progress_style_parse(const char *text, enum progress_style *out, struct err *e)
{
	static const struct {
		const char *word;
		enum progress_style style;
	} words[] = {
		{"", PROGRESS_AUTO},
		{"auto", PROGRESS_AUTO},
		{"none", PROGRESS_NONE},
		{"plain", PROGRESS_PLAIN},
		{"tty", PROGRESS_TTY},
	};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text ? text : "", words[i].word))
			continue;
		*out = words[i].style;
		return 0;
	}
	err_set(e, EINVAL, "invalid argument \"%s\" for \"--progress\" flag", text);
	(void)err_hint(e, "it is one of " PROGRESS_CHOICES);
	return err_status(e, 125);
}

/* One that obeys "cursor up": what calls itself dumb does not. */
static bool is_able_terminal(int fd)
{
	const char *term = getenv("TERM");
	return isatty(fd) && !str_empty(term) && strcmp(term, "dumb") != 0;
}

struct progress *progress_new(int fd, enum progress_style style)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	p->fd = fd;
	p->tells_total = style == PROGRESS_PLAIN;
	if (style == PROGRESS_AUTO)
		style = is_able_terminal(fd) ? PROGRESS_TTY : PROGRESS_PLAIN;
	p->style = style;
	p->drawn_ns = style == PROGRESS_TTY ? 0 : clock_monotonic_ns();
	return p;
}

static void print(struct progress *p, const char *text)
{
	(void)write_all(p->fd, text, strlen(text));
}

/* ---- the total and its rate ---- */

static struct progress_amount total_of(const struct progress *p)
{
	struct progress_amount a = {0};
	for (size_t i = 0; i < p->n; i++) {
		if (!p->lines[i].is_counted)
			continue;
		a.current += p->lines[i].counted.current;
		a.total += p->lines[i].counted.total;
	}
	return a;
}

static bool is_moving(const struct progress *p)
{
	struct progress_amount a = total_of(p);
	return a.current < a.total;
}

static void take_sample(struct progress *p, int64_t now)
{
	const struct sample *last = p->n_samples ? &p->samples[(p->n_samples - 1) % SAMPLES] : NULL;
	if (last && now - last->at_ns < SAMPLE_MS * NS_PER_MS)
		return;
	p->samples[p->n_samples++ % SAMPLES] = (struct sample){.at_ns = now, .moved = p->moved};
}

static double rate_of(const struct progress *p, int64_t now)
{
	if (p->n_samples == 0)
		return -1;
	const struct sample *oldest =
		&p->samples[p->n_samples > SAMPLES ? p->n_samples % SAMPLES : 0];
	double seconds = (double)(now - oldest->at_ns) / (double)NS_PER_S;
	return seconds < 1 ? -1 : (double)(p->moved - oldest->moved) / seconds;
}

/* ---- frames on a terminal ---- */

static void terminal_size(int fd, unsigned *width, unsigned *height)
{
	struct winsize size = {0};
	(void)ioctl(fd, TIOCGWINSZ, &size);
	*width = size.ws_col > 0 ? size.ws_col : DEFAULT_WIDTH;
	*height = size.ws_row > 0 ? size.ws_row : DEFAULT_HEIGHT;
}

/* Where not all ids have room: those that move come first, then those that changed last. */
static bool is_shown(const struct progress *p, size_t i, size_t room)
{
	size_t before = 0;
	const struct line *l = &p->lines[i];
	for (size_t k = 0; k < p->n && p->n > room; k++) {
		const struct line *o = &p->lines[k];
		if (o->has_bar != l->has_bar ? o->has_bar : o->changed > l->changed)
			before++;
	}
	return before < room;
}

/* is_last: all ids, in full, and no total. */
static void compose(const struct progress *p, int64_t now, bool is_last, unsigned width,
	unsigned height, struct strv *rows)
{
	bool has_total = !is_last && is_moving(p);
	size_t room = is_last ? p->n : height < 3 ? 1 : height - 1 - has_total;
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];
		if (is_shown(p, i, room))
			strv_take(rows,
				progress_line_text(l->id, l->status, l->has_bar ? &l->bar : NULL,
					is_last && !l->has_bar ? 0 : width));
	}
	if (has_total) {
		struct progress_amount a = total_of(p);
		strv_take(rows, progress_total_text(&a, rate_of(p, now), width));
	}
}

/* How far the cursor is below the first row. Terminals break rows anew when they get narrower, and
 * what then has no room on the screen is out of reach. */
static size_t rows_up(const struct progress *p, unsigned width, unsigned height)
{
	size_t up = 0;
	for (size_t i = 0; i < p->shown.n; i++) {
		size_t len = strlen(p->shown.v[i]);
		up += len > width ? (len + width - 1) / width : 1;
	}
	return up < height ? up : height - 1;
}

/* From the old rows to the new ones, as one text; nothing where nothing changed. */
static void draw(struct progress *p, const struct strv *rows, unsigned width, unsigned height)
{
	auto_buf out = BUF_INIT;
	size_t first = 0;
	bool is_resized = p->shown.n && (width != p->shown_width || height != p->shown_height);
	while (!is_resized && first < rows->n && first < p->shown.n &&
		!strcmp(rows->v[first], p->shown.v[first]))
		first++;
	if (!is_resized && first == rows->n && rows->n == p->shown.n)
		return;
	size_t up = is_resized ? rows_up(p, width, height) : p->shown.n - first;
	if (up)
		buf_printf(&out, "\033[%zuA", up);
	buf_puts(&out, is_resized ? "\r\033[J" : "\r");
	for (size_t i = first; i < rows->n; i++) {
		bool is_new = is_resized || i >= p->shown.n;
		if (is_new || strcmp(rows->v[i], p->shown.v[i]))
			buf_printf(&out, "%s%s", rows->v[i], is_new ? "" : "\033[K");
		buf_puts(&out, "\r\n");
	}
	if (rows->n < p->shown.n)
		buf_puts(&out, "\033[J");
	print(p, out.data);
}

static void frame(struct progress *p, bool is_last)
{
	unsigned width, height;
	auto_strv rows = STRV_INIT;
	int64_t now = clock_monotonic_ns();
	terminal_size(p->fd, &width, &height);
	compose(p, now, is_last, width, height, &rows);
	draw(p, &rows, width, height);
	strv_free(&p->shown);
	p->shown = rows;
	rows = STRV_INIT;
	p->shown_width = width;
	p->shown_height = height;
	p->is_changed = false;
	p->drawn_ns = now;
}

/* ---- when ---- */

static int64_t due_ns(const struct progress *p)
{
	if (p->style == PROGRESS_TTY && p->is_changed)
		return p->drawn_ns + FRAME_MS * NS_PER_MS;
	if (p->style == PROGRESS_TTY && (is_moving(p) || p->shown.n))
		return p->drawn_ns + HEARTBEAT_MS * NS_PER_MS;
	if (p->style == PROGRESS_PLAIN && p->tells_total && is_moving(p))
		return p->drawn_ns + PLAIN_TOTAL_MS * NS_PER_MS;
	return INT64_MAX;
}

int progress_timeout_ms(const struct progress *p)
{
	int64_t due = due_ns(p), now = clock_monotonic_ns();
	if (due == INT64_MAX)
		return -1;
	return due <= now ? 0 : (int)((due - now) / NS_PER_MS) + 1;
}

static void tell_total(struct progress *p, int64_t now)
{
	struct progress_amount a = total_of(p);
	auto_free char *text = progress_total_text(&a, rate_of(p, now), 0);
	auto_free char *line = xasprintf("%s\n", text);
	print(p, line);
	p->drawn_ns = now;
}

void progress_tick(struct progress *p)
{
	int64_t now = clock_monotonic_ns();
	if (p->style == PROGRESS_QUIET || p->style == PROGRESS_NONE)
		return;
	if (is_moving(p))
		take_sample(p, now);
	if (due_ns(p) > now)
		return;
	if (p->style == PROGRESS_TTY)
		frame(p, false);
	else
		tell_total(p, now);
}

/* ---- what the caller tells ---- */

static void forget_lines(struct progress *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->lines[i].id);
		free(p->lines[i].status);
	}
	free(p->lines);
	p->lines = NULL;
	p->n = p->n_samples = 0;
	strv_free(&p->shown);
	p->is_changed = false;
}

static void finish_lines(struct progress *p)
{
	if (p->style == PROGRESS_TTY && (p->n || p->shown.n))
		frame(p, true);
	forget_lines(p);
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	finish_lines(p);
	free(p);
}

void progress_drop(struct progress **p)
{
	progress_free(*p);
	*p = NULL;
}

void progress_say(struct progress *p, const char *fmt, ...)
{
	if (p->style == PROGRESS_QUIET)
		return;
	va_list ap;
	va_start(ap, fmt);
	auto_free char *text = xvasprintf(fmt, ap);
	va_end(ap);
	auto_free char *line = xasprintf("%s\n", text);
	finish_lines(p);
	print(p, line);
}

static bool has_lines(const struct progress *p)
{
	return p->style == PROGRESS_TTY || p->style == PROGRESS_PLAIN;
}

static struct line *find_line(struct progress *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->lines[i].id, id))
			return &p->lines[i];
	p->lines = xrealloc(p->lines, (p->n + 1) * sizeof(*p->lines));
	p->lines[p->n] = (struct line){.id = xstrdup(id), .status = xstrdup("")};
	return &p->lines[p->n++];
}

/* True where it is another one. */
static bool set_status(struct progress *p, struct line *l, const char *status)
{
	if (!strcmp(l->status, status))
		return false;
	free(l->status);
	l->status = xstrdup(status);
	l->changed = ++p->serial;
	p->is_changed = true;
	return true;
}

void progress_status(struct progress *p, const char *id, const char *status)
{
	if (!has_lines(p))
		return;
	struct line *l = find_line(p, id);
	bool is_new = set_status(p, l, status);
	p->is_changed = p->is_changed || l->has_bar;
	l->has_bar = false;
	if (p->style == PROGRESS_PLAIN && is_new) {
		auto_free char *text = xasprintf("%s: %s\n", id, status);
		print(p, text);
	}
	progress_tick(p);
}

void progress_bar(
	struct progress *p, const char *id, const char *status, int64_t current, int64_t total)
{
	if (p->style == PROGRESS_TTY) {
		struct line *l = find_line(p, id);
		(void)set_status(p, l, status);
		l->has_bar = p->is_changed = true;
		l->bar = (struct progress_amount){.current = current, .total = total};
	}
	progress_tick(p);
}

void progress_expect(struct progress *p, const char *id, int64_t had, int64_t size)
{
	if (!has_lines(p))
		return;
	struct line *l = find_line(p, id);
	l->is_counted = true;
	l->counted = (struct progress_amount){.current = had < size ? had : size, .total = size};
	p->is_changed = true;
	progress_tick(p);
}

void progress_moved(struct progress *p, const char *id, int64_t bytes)
{
	if (!has_lines(p))
		return;
	struct line *l = find_line(p, id);
	if (!l->is_counted || bytes <= l->counted.current)
		return;
	if (bytes > l->counted.total)
		bytes = l->counted.total;
	p->moved += bytes - l->counted.current;
	l->counted.current = bytes;
	p->is_changed = true;
}
