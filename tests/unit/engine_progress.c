/* progress: what a transfer prints, in lines and, as a small terminal of our own shows it, on a
 * screen of any size. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/progress.h"

/* ---- plain lines ---- */

static char *printed(int fd)
{
	auto_buf text = BUF_INIT;
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(read_fd(fd, 1 << 20, &text), 0);
	return text.data ? buf_take(&text) : xstrdup("");
}

static void tell_a_pull(struct progress *p)
{
	progress_say(p, "12: Pulling from %s", "library/debian");
	progress_status(p, "a", "Pulling fs layer");
	progress_expect(p, "a", 0, 2);
	progress_bar(p, "a", "Downloading", 1, 2);
	progress_moved(p, "a", 1);
	progress_status(p, "a", "Download complete");
	progress_status(p, "a", "Download complete");
	progress_tick(p);
	progress_say(p, "Digest: x");
}

static void test_styles(void **state)
{
	(void)state;
	static const struct {
		enum progress_style style;
		const char *text;
	} cases[] = {
		{PROGRESS_AUTO, "12: Pulling from library/debian\na: Pulling fs layer\n"
				"a: Download complete\nDigest: x\n"},
		{PROGRESS_PLAIN, "12: Pulling from library/debian\na: Pulling fs layer\n"
				 "a: Download complete\nDigest: x\n"},
		{PROGRESS_NONE, "12: Pulling from library/debian\nDigest: x\n"},
		{PROGRESS_QUIET, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_fd fd = memfd_create("out", MFD_CLOEXEC);
		struct progress *p = progress_new(fd, cases[i].style);
		tell_a_pull(p);
		progress_free(p);
		auto_free char *text = printed(fd);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_style_names(void **state)
{
	(void)state;
	struct err e;
	enum progress_style s;
	assert_int_equal(progress_style_parse(NULL, &s, &e), 0);
	assert_int_equal(s, PROGRESS_AUTO);
	assert_int_equal(progress_style_parse("tty", &s, &e), 0);
	assert_int_equal(s, PROGRESS_TTY);
	assert_int_equal(progress_style_parse("plain", &s, &e), 0);
	assert_int_equal(s, PROGRESS_PLAIN);
	assert_int_equal(progress_style_parse("none", &s, &e), 0);
	assert_int_equal(s, PROGRESS_NONE);
	assert_true(progress_style_parse("fancy", &s, &e) < 0);
	assert_non_null(strstr(e.msg, "\"fancy\""));
	assert_non_null(strstr(e.hint, "auto, none, plain, tty"));
}

/* ---- rows ---- */

static void test_lines(void **state)
{
	(void)state;
	static const struct {
		int64_t current, total;
		unsigned width;
		const char *text;
	} cases[] = {
		{0, 0, 200, "0123456789ab: Downloading"},
		{1500, 0, 200, "0123456789ab: Downloading    1.5kB"},
		{500, 1000, 200,
			"0123456789ab: Downloading [=========================>                     "
			"    ]     500B/1kB"},
		{1000, 1000, 0,
			"0123456789ab: Downloading "
			"[==================================================>]      1kB/1kB"},
		{1, 1000, 200,
			"0123456789ab: Downloading [>                                              "
			"    ]       1B/1kB"},
		{12345678, 30000000, 80,
			"0123456789ab: Downloading [===============>                      ] "
			"12.35MB/30MB"},
		{12345678, 30000000, 60,
			"0123456789ab: Downloading [======>           ] 12.35MB/30MB"},
		{12345678, 30000000, 45, "0123456789ab: Downloading 12.35MB/30MB"},
		{12345678, 30000000, 35, "0123456789ab: Downloading 41%"},
		{12345678, 30000000, 20, "0123456789ab: 41%"},
		{12345678, 30000000, 12, "012345: 41%"},
		{12345678, 30000000, 6, "0123:"},
		{12345678, 30000000, 1, ""},
		{3221225472, 4294967296, 50, "0123456789ab: Downloading 3.221GB/4.295GB"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct progress_amount a = {cases[i].current, cases[i].total};
		auto_free char *text =
			progress_line_text("0123456789ab", "Downloading", &a, cases[i].width);
		assert_string_equal(text, cases[i].text);
		assert_true(!cases[i].width || strlen(text) < cases[i].width);
	}
}

static void test_total(void **state)
{
	(void)state;
	static const struct {
		double rate;
		unsigned width;
		const char *text;
	} cases[] = {
		{-1, 80, "Total: [=========================>                         ] 84MB/168MB"},
		{0, 60, "Total: [================>                ] 84MB/168MB  0B/s"},
		{42e6, 0,
			"Total: [=========================>                         ] 84MB/168MB  "
			"42MB/s  2s left"},
		{42e6, 60, "Total: [==========>           ] 84MB/168MB  42MB/s  2s left"},
		{42e6, 40, "Total: 84MB/168MB  42MB/s  2s left"},
		{42e6, 33, "50% 84MB/168MB  42MB/s  2s left"},
		{1e6, 20, "50% 1MB/s 1m24s"},
		{1e4, 20, "50% 10kB/s 2h20m"},
		{1e4, 12, "50% 2h20m"},
		{1e1, 12, "50% days"},
		{42e6, 5, "50%"},
		{42e6, 3, ""},
	};
	const struct progress_amount a = {84000000, 168000000};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *text = progress_total_text(&a, cases[i].rate, cases[i].width);
		assert_string_equal(text, cases[i].text);
	}
}

/* ---- the screen ---- */

enum { ROWS_MAX = 64, COLUMNS_MAX = 256 };

/* A terminal that knows what progress says and refuses everything else. */
struct screen {
	int master, slave;
	unsigned width, height;
	char cells[ROWS_MAX][COLUMNS_MAX];
	unsigned row, column;
	unsigned scrolled;
};

static void screen_open(struct screen *s, unsigned width, unsigned height)
{
	struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
	*s = (struct screen){.width = width, .height = height};
	assert_int_equal(openpty(&s->master, &s->slave, NULL, NULL, &size), 0);
	assert_int_equal(fd_set_nonblock(s->master, true), 0);
	memset(s->cells, ' ', sizeof(s->cells));
}

static void screen_resize(struct screen *s, unsigned width, unsigned height)
{
	struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
	assert_int_equal(ioctl(s->master, TIOCSWINSZ, &size), 0);
	s->width = width;
	s->height = height;
}

static void screen_close(struct screen *s)
{
	close(s->master);
	close(s->slave);
}

static void screen_down(struct screen *s)
{
	if (s->row + 1 < s->height) {
		s->row++;
		return;
	}
	s->scrolled++;
	memmove(s->cells[0], s->cells[1], sizeof(s->cells[0]) * (s->height - 1));
	memset(s->cells[s->height - 1], ' ', COLUMNS_MAX);
}

static const char *screen_escape(struct screen *s, const char *p)
{
	unsigned n = 0;
	assert_int_equal(*p++, '[');
	for (; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (*p == 'A') {
		/* Further than the top: the display would be torn. */
		assert_true(n <= s->row);
		s->row -= n;
	} else if (*p == 'K' || *p == 'J') {
		memset(&s->cells[s->row][s->column], ' ', COLUMNS_MAX - s->column);
		for (unsigned r = s->row + 1; *p == 'J' && r < s->height; r++)
			memset(s->cells[r], ' ', COLUMNS_MAX);
	} else {
		fail_msg("unknown sequence ESC[%u%c", n, *p);
	}
	return p + 1;
}

static void screen_read(struct screen *s)
{
	char text[65536];
	for (;;) {
		ssize_t n = read(s->master, text, sizeof(text) - 1);
		if (n <= 0)
			return;
		text[n] = '\0';
		for (const char *p = text; *p;) {
			if (*p == '\033') {
				p = screen_escape(s, p + 1);
				continue;
			}
			if (*p == '\r')
				s->column = 0;
			else if (*p == '\n')
				screen_down(s);
			else {
				assert_true(s->column < s->width);
				s->cells[s->row][s->column++] = *p;
			}
			p++;
		}
	}
}

/* The rows from the top to the cursor's, without blanks at their ends. Owned. */
static char *screen_text(struct screen *s)
{
	auto_buf out = BUF_INIT;
	screen_read(s);
	assert_int_equal(s->column, 0);
	for (unsigned r = 0; r < s->row; r++) {
		int n = COLUMNS_MAX;
		while (n > 0 && s->cells[r][n - 1] == ' ')
			n--;
		buf_printf(&out, "%.*s\n", n, s->cells[r]);
	}
	return out.data ? buf_take(&out) : xstrdup("");
}

static void shows(struct screen *s, const char *wanted)
{
	auto_free char *text = screen_text(s);
	assert_string_equal(text, wanted);
}

/* Waits until what was told has been drawn. */
static void settle(struct progress *p)
{
	for (int i = 0; i < 3; i++) {
		int ms = progress_timeout_ms(p);
		if (ms < 0 || ms > 200)
			return;
		usleep((unsigned)ms * 1000);
		progress_tick(p);
	}
}

static void test_screen(void **state)
{
	(void)state;
	struct screen s;
	screen_open(&s, 60, 24);
	auto_progress p = progress_new(s.slave, PROGRESS_TTY);
	progress_say(p, "1: Pulling from x");
	progress_status(p, "aaaa", "Pulling fs layer");
	progress_status(p, "bbbb", "Already exists");
	progress_expect(p, "aaaa", 0, 2000);
	settle(p);
	shows(&s, "1: Pulling from x\naaaa: Pulling fs layer\nbbbb: Already exists\n"
		  "Total: [>                                          ] 0B/2kB\n");
	progress_bar(p, "aaaa", "Downloading", 1000, 2000);
	progress_moved(p, "aaaa", 1000);
	settle(p);
	shows(&s, "1: Pulling from x\naaaa: Downloading [===============>               ] 1kB/2kB\n"
		  "bbbb: Already exists\n"
		  "Total: [====================>                     ] 1kB/2kB\n");
	progress_moved(p, "aaaa", 2000);
	progress_status(p, "aaaa", "Pull complete");
	progress_say(p, "Digest: x");
	shows(&s, "1: Pulling from x\naaaa: Pull complete\nbbbb: Already exists\nDigest: x\n");
	screen_close(&s);
}

static void test_frames_are_few(void **state)
{
	(void)state;
	struct screen s;
	char text[65536];
	unsigned frames = 0;
	screen_open(&s, 100, 24);
	auto_progress p = progress_new(s.slave, PROGRESS_TTY);
	progress_expect(p, "a", 0, 500);
	for (int i = 0; i < 500; i++) {
		progress_bar(p, "a", "Downloading", i, 500);
		progress_moved(p, "a", i);
		usleep(1000);
		/* Each frame is one write: it ends where the cursor rests. */
		ssize_t n = read(s.master, text, sizeof(text));
		if (n <= 0)
			continue;
		frames++;
		assert_int_equal(text[n - 1], '\n');
	}
	assert_in_range(frames, 3, 12);
	screen_close(&s);
}

/* Narrower: the terminal itself breaks the rows that stand there, as most do. */
static void test_resize(void **state)
{
	(void)state;
	struct screen s;
	screen_open(&s, 100, 24);
	auto_progress p = progress_new(s.slave, PROGRESS_TTY);
	progress_bar(p, "aaaa", "Downloading", 1000, 2000);
	progress_status(p, "bbbb", "Waiting");
	settle(p);
	screen_read(&s);
	assert_int_equal(s.row, 2);
	/* 71 characters in rows of 40 are two rows: the cursor goes down by one. */
	s.row = 3;
	screen_resize(&s, 40, 24);
	progress_bar(p, "aaaa", "Downloading", 1500, 2000);
	settle(p);
	shows(&s, "aaaa: Downloading [======>  ] 1.5kB/2kB\nbbbb: Waiting\n");
	screen_resize(&s, 20, 24);
	s.row = 3;
	progress_status(p, "bbbb", "Pulling fs layer");
	settle(p);
	shows(&s, "aaaa: 75%\nbbbb: Pulling fs la\n");
	screen_close(&s);
}

/* Nothing is told for a while, but the window changes: what was broken is drawn anew. */
static void test_resize_while_nothing_moves(void **state)
{
	(void)state;
	struct screen s;
	screen_open(&s, 100, 24);
	auto_progress p = progress_new(s.slave, PROGRESS_TTY);
	progress_bar(p, "aaaa", "Extracting", 1000, 2000);
	progress_status(p, "bbbb", "Pull complete");
	settle(p);
	screen_read(&s);
	s.row = 3;
	screen_resize(&s, 40, 24);
	int ms = progress_timeout_ms(p);
	assert_in_range(ms, 1, 1001);
	usleep((unsigned)ms * 1000);
	progress_tick(p);
	shows(&s, "aaaa: Extracting [=====>      ] 1kB/2kB\nbbbb: Pull complete\n");
	screen_close(&s);
}

/* Lower: the terminal scrolls, and what left the screen is out of reach. */
static void test_lower(void **state)
{
	(void)state;
	struct screen s;
	char id[8];
	screen_open(&s, 60, 24);
	auto_progress p = progress_new(s.slave, PROGRESS_TTY);
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "id%02d", i);
		progress_status(p, id, i < 3 ? "Waiting" : "Pull complete");
	}
	settle(p);
	screen_read(&s);
	assert_int_equal(s.row, 10);
	memmove(s.cells[0], s.cells[5], sizeof(s.cells[0]) * 5);
	s.row = 5;
	screen_resize(&s, 60, 6);
	progress_bar(p, "id01", "Downloading", 50, 100);
	settle(p);
	shows(&s, "id01: Downloading [==============>               ] 50B/100B\n"
		  "id06: Pull complete\nid07: Pull complete\nid08: Pull complete\n"
		  "id09: Pull complete\n");
	assert_int_equal(s.scrolled, 0);
	screen_close(&s);
}

/* More ids than rows: those that move are shown; at the end all stand there. */
static void test_low_terminal(void **state)
{
	(void)state;
	struct screen s;
	char id[8];
	screen_open(&s, 60, 6);
	struct progress *p = progress_new(s.slave, PROGRESS_TTY);
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "id%02d", i);
		progress_status(p, id, "Pulling fs layer");
		progress_expect(p, id, 0, 100);
	}
	progress_bar(p, "id03", "Downloading", 50, 100);
	progress_moved(p, "id03", 50);
	settle(p);
	auto_free char *moving = screen_text(&s);
	assert_non_null(strstr(moving, "id03: Downloading ["));
	assert_non_null(strstr(moving, "Total: ["));
	assert_int_equal(s.scrolled, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "id%02d", i);
		progress_moved(p, id, 100);
		progress_status(p, id, "Pull complete");
	}
	progress_free(p);
	shows(&s, "id15: Pull complete\nid16: Pull complete\nid17: Pull complete\n"
		  "id18: Pull complete\nid19: Pull complete\n");
	assert_int_equal(s.scrolled, 15);
	screen_close(&s);
}

/* What starts over takes back what it had, but no rate becomes negative. */
static void test_starting_over(void **state)
{
	(void)state;
	struct screen s;
	screen_open(&s, 60, 24);
	auto_progress p = progress_new(s.slave, PROGRESS_TTY);
	progress_status(p, "aaaa", "Downloading");
	progress_expect(p, "aaaa", 1500, 2000);
	settle(p);
	shows(&s,
		"aaaa: Downloading\nTotal: [=============================>          ] 1.5kB/2kB\n");
	progress_expect(p, "aaaa", 0, 2000);
	settle(p);
	shows(&s,
		"aaaa: Downloading\nTotal: [>                                          ] 0B/2kB\n");
	screen_close(&s);
}

/* A terminal that says it is dumb gets lines. */
static void test_dumb(void **state)
{
	(void)state;
	struct screen s;
	char text[4096] = "";
	screen_open(&s, 60, 24);
	auto_free char *before = getenv("TERM") ? xstrdup(getenv("TERM")) : NULL;
	setenv("TERM", "dumb", 1);
	struct progress *p = progress_new(s.slave, PROGRESS_AUTO);
	tell_a_pull(p);
	progress_free(p);
	if (before)
		setenv("TERM", before, 1);
	assert_true(read(s.master, text, sizeof(text) - 1) > 0);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "a: Pulling fs layer\r\na: Download complete\r\n"));
	screen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_styles),
		cmocka_unit_test(test_style_names),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_total),
		cmocka_unit_test(test_screen),
		cmocka_unit_test(test_frames_are_few),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_resize_while_nothing_moves),
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_low_terminal),
		cmocka_unit_test(test_starting_over),
		cmocka_unit_test(test_dumb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
