/* err: the one error value.
 *
 * A function that can fail returns int (0, or a descriptor or count >= 0; a negative errno on
 * failure) and takes `struct err *e` last. The struct lives on the caller's stack, owns no memory
 * and is smaller than PIPE_BUF, so a child process sends it to its parent as it is. `e` is
 * untouched unless the result is negative. Code branches on results, never on text. Only main
 * prints `msg`, once, as "moss: <msg>", with `hint` on a line of its own, and exits with `status`.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

struct err {
	int code;       /* errno value, positive; 0 = no error */
	int status;     /* exit status; 0 = the command's default (1, or 125 for run) */
	char msg[1400]; /* "cannot stop web: cannot open /x: No such file or directory" */
	char hint[512]; /* the cure, or "" */
};

/* Records the message as the origin of an error. Returns -code. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As err_set with errno as the code, and ": <strerror>" appended. Returns -errno. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As err_sys for a given errno value (positive). */
int err_sysn(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As err_sysn in Go's spelling, which scripts look for: "lstat x: no such file or directory". */
int err_go(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts what the caller was doing in front: "<context>: <message so far>". Returns -e->code. */
int err_ctx(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Replaces the hint: one line that says the cure. Returns -e->code. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Sets the exit status (125, 126, 127 ...). Returns -e->code. */
int err_status(struct err *e, int status);

/* Impossible states and out of memory end the program here, in one place. */
#define BUG(...) die_bug(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void die_bug(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void die_oom(void);

/* Debug log, on with --debug or --log-level debug (MOSS_DEBUG=1 in helper programs): one line on
 * stderr with the process id. Keeps errno. */
extern int log_debug_on;
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A warning the user should see: "moss: warning: ..." on stderr. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
