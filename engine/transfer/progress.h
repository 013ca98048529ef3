/* progress: what a transfer tells while it runs, as Docker's classic client prints it.
 *
 * On a terminal each id has its line, which is written again in place, with a bar; elsewhere each
 * new status is a line of its own and bars are left out.
 */
#ifndef ENGINE_TRANSFER_PROGRESS_H
#define ENGINE_TRANSFER_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;

/* is_silent: nothing is ever printed. */
struct progress *progress_new(int fd, bool is_terminal, bool is_silent);
void progress_free(struct progress *p);
#define auto_progress __attribute__((cleanup(progress_drop))) struct progress *
void progress_drop(struct progress **p);

/* A line of its own, for good. */
void progress_say(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "<id>: <status>"; the same status again is not repeated. */
void progress_status(struct progress *p, const char *id, const char *status);
/* "<id>: <status> [====>   ]  1.5MB/30MB", on terminals only, a few times a second at most. */
void progress_bar(
	struct progress *p, const char *id, const char *status, int64_t current, int64_t total);

/* The bar's text for a terminal of this width. Owned. */
char *progress_bar_text(int64_t current, int64_t total, unsigned width);

#endif
