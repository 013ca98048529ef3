#include "base/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

bool prompt_possible(void) { return isatty(STDIN_FILENO); }

static int read_line(int signals, struct buf *out, struct err *e)
{
	for (;;) {
		struct pollfd p[2] = {
			{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for an answer");
		if (p[1].revents)
			return err_set(e, EINTR, "interrupted");
		if (!p[0].revents)
			continue;
		char c;
		ssize_t n = read(STDIN_FILENO, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read the answer");
		if (n == 0 && !out->len)
			return err_set(e, ECANCELED, "no answer was given");
		if (n == 0 || c == '\n')
			return 0;
		if (out->len >= LINE_MAX_BYTES)
			return err_set(e, E2BIG, "the answer is too long");
		buf_putc(out, c);
	}
}

/* The signals that would leave the terminal without echo wait in the descriptor. */
static int hold_signals(sigset_t *before)
{
	sigset_t held;
	sigemptyset(&held);
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaddset(&held, numbers[i]);
	sigprocmask(SIG_BLOCK, &held, before);
	return signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

int prompt_line(const char *question, bool is_secret, char **line, struct err *e)
{
	struct termios before, quiet;
	sigset_t mask;
	struct buf text = BUF_INIT;
	auto_fd signals = hold_signals(&mask);
	bool changed = false;
	int r = signals < 0 ? err_sys(e, "cannot wait for an answer") : 0;
	if (r == 0 && is_secret && tcgetattr(STDIN_FILENO, &before) == 0) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
	}
	if (r == 0)
		(void)write_all(STDOUT_FILENO, question, strlen(question));
	/* Nothing may be moved by growing: what is typed stays in one place, wiped if unused. */
	buf_reserve(&text, LINE_MAX_BYTES + 1);
	buf_puts(&text, "");
	if (r == 0)
		r = read_line(signals, &text, e);
	if (changed) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)write_all(STDOUT_FILENO, "\n", 1);
	}
	if (r == 0) {
		if (text.len && text.data[text.len - 1] == '\r')
			text.data[--text.len] = '\0';
		*line = xstrdup(text.data);
	}
	wipe(&text);
	close(take_fd(signals));
	/* A signal that waited ends us here. */
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}
