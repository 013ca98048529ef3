/* progress: what a transfer (pull, push, load) tells while it runs, in Docker's manner.
 *
 * Each thing that moves (a layer) is an id with a line of its own; its words ("Downloading", "Pull
 * complete", "Pushed") are the caller's. Where the caller says how many bytes are expected, there
 * is a total with rate and time left below the lines.
 *
 *   tty    the lines are written again in place, with bars, fitted to the terminal's width and
 *          height as they are now; a frame is one write, there are at most ten a second, and the
 *          cursor always rests below the lines: whatever ends the process, the terminal is in
 *          order. At the end the lines of all ids stand there, without the total.
 *   plain  each new status is a line; bars are left out. The total is a line every ten seconds,
 *          unless plain was chosen by itself (auto): then the output is Docker's to the byte.
 *   none   lines that stay (progress_say) only
 *   quiet  nothing at all
 *
 * Words and ids are printed as they are: printable ASCII is expected. A reader that went away does
 * not end the transfer.
 *
 * The caller's loop: poll with progress_timeout_ms, then progress_tick; the other functions only
 * note what changed and draw when a frame is due.
 */
#ifndef ENGINE_TRANSFER_PROGRESS_H
#define ENGINE_TRANSFER_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct progress;

enum progress_style {
	PROGRESS_AUTO, /* tty where fd is a terminal that moves its cursor, else plain */
	PROGRESS_TTY,
	PROGRESS_PLAIN,
	PROGRESS_NONE,
	PROGRESS_QUIET,
};
#define PROGRESS_CHOICES "auto, none, plain, tty"
/* The value of --progress; NULL and "" are auto. */
int progress_style_parse(const char *text, enum progress_style *out, struct err *e);

/* fd is borrowed. */
struct progress *progress_new(int fd, enum progress_style style);
/* Brings the lines to their last state first. */
void progress_free(struct progress *p);
#define auto_progress __attribute__((cleanup(progress_drop))) struct progress *
void progress_drop(struct progress **p);

/* A line of its own, for good; the ids so far are done with. */
void progress_say(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "<id>: <status>"; the same status again is not repeated. */
void progress_status(struct progress *p, const char *id, const char *status);
/* "<id>: <status> [====>   ]  1.5MB/30MB", on terminals only; total <= 0: unknown. */
void progress_bar(
	struct progress *p, const char *id, const char *status, int64_t current, int64_t total);

/* The id adds `size` bytes to the total, of which `had` are there already. Again for the same id:
 * it starts over. */
void progress_expect(struct progress *p, const char *id, int64_t had, int64_t size);
/* So many bytes of it are there now (with those that it had). Tell it before the bar: drawn is what
 * the next of the other calls draws. */
void progress_moved(struct progress *p, const char *id, int64_t bytes);

/* For poll: milliseconds until progress_tick has something to do, -1 = not before a change. */
int progress_timeout_ms(const struct progress *p);
void progress_tick(struct progress *p);

/* Text of one row, for a terminal of `width` columns (0 = do not fit). Owned. */
struct progress_amount {
	int64_t current, total;
};
char *progress_line_text(
	const char *id, const char *status, const struct progress_amount *bar, unsigned width);
/* rate: bytes a second, negative = not known yet. */
char *progress_total_text(const struct progress_amount *a, double rate, unsigned width);

#endif
