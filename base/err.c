#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shown.h"

int log_debug_on;

static void set_message(struct err *e, int code, const char *fmt, va_list ap)
{
	e->code = code ? code : EINVAL;
	e->status = 0;
	e->hint[0] = '\0';
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
}

static void append_reason(struct err *e, int code)
{
	size_t n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(code));
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_message(e, code, fmt, ap);
	va_end(ap);
	return -e->code;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int code = errno;
	va_list ap;
	va_start(ap, fmt);
	set_message(e, code, fmt, ap);
	va_end(ap);
	append_reason(e, code);
	return -e->code;
}

int err_sysn(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_message(e, code, fmt, ap);
	va_end(ap);
	append_reason(e, code);
	return -e->code;
}

int err_go(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_message(e, code, fmt, ap);
	va_end(ap);
	size_t n = strlen(e->msg);
	append_reason(e, code);
	if (n + 2 < sizeof(e->msg) && e->msg[n + 2] >= 'A' && e->msg[n + 2] <= 'Z')
		e->msg[n + 2] = (char)(e->msg[n + 2] - 'A' + 'a');
	return -e->code;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
	char context[sizeof(e->msg)];
	char whole[2 * sizeof(e->msg) + 2];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "%s: %s", context, e->msg);
	memcpy(e->msg, whole, sizeof(e->msg) - 1);
	e->msg[sizeof(e->msg) - 1] = '\0';
	return -e->code;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return -e->code;
}

int err_status(struct err *e, int status)
{
	e->status = status;
	return -e->code;
}

void die_bug(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	fprintf(stderr, "moss: internal error at %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void die_oom(void)
{
	static const char text[] = "moss: out of memory\n";
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(125);
}

void log_debug(const char *fmt, ...)
{
	int saved = errno;
	if (log_debug_on) {
		char line[2048];
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(line, sizeof(line), fmt, ap);
		va_end(ap);
		shown_text(line, "\n\t");
		dprintf(STDERR_FILENO, "moss[%d]: %s\n", (int)getpid(), line);
	}
	errno = saved;
}

void log_warn(const char *fmt, ...)
{
	int saved = errno;
	char line[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	shown_text(line, "\n\t");
	dprintf(STDERR_FILENO, "moss: warning: %s\n", line);
	errno = saved;
}
