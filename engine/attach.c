#include "engine/attach.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/monitor.h"
#include "engine/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

/* One of our outputs. What it does not take at once waits in `queue`, and nothing more is received
 * meanwhile. */
struct sink {
	int fd;
	bool is_private; /* fd is ours, and does not block */
	bool never_waits; /* a regular file, /dev/null */
	struct buf queue;
	size_t at;
};

struct session {
	const struct attach *a;
	struct relay relay;
	struct sink sinks[2];
	struct detach_keys keys;
	int signals, init_pidfd;
	bool reads_stdin, is_raw, has_cooked, is_over;
	struct termios cooked;
	int result;
	struct err failure; /* of a callback; code 0 = none */
	char *scratch;
};

/* ---- signals ---- */

static const int proxied[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
	SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGXCPU, SIGXFSZ, SIGSYS, SIGTRAP};
/* Ours in any case: a terminal must not stay raw. */
static const int handled[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT, SIGWINCH};

static void signal_set(bool sig_proxy, sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_LEN(handled); i++)
		sigaddset(set, handled[i]);
	for (size_t i = 0; sig_proxy && i < ARRAY_LEN(proxied); i++)
		sigaddset(set, proxied[i]);
	for (int s = SIGRTMIN; sig_proxy && s <= SIGRTMAX; s++)
		sigaddset(set, s);
}

void attach_block_signals(bool sig_proxy)
{
	sigset_t set;
	signal_set(sig_proxy, &set);
	/* A shell without job control starts its background with these ignored; they would be gone
	 * before anybody reads them. SIGHUP stays as nohup wants it. */
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

void attach_unblock_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- terminal ---- */

bool terminal_size(unsigned *rows, unsigned *cols)
{
	struct winsize ws;
	for (int fd = 1; fd >= 0; fd--) {
		if (ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_row && ws.ws_col) {
			*rows = ws.ws_row;
			*cols = ws.ws_col;
			return true;
		}
	}
	return false;
}

static void terminal_raw(struct session *s)
{
	struct termios raw;
	if (!s->a->terminal || !s->a->in || s->is_raw)
		return;
	/* Once: later it may be our own raw mode that is found. */
	if (!s->has_cooked && tcgetattr(0, &s->cooked) < 0)
		return;
	s->has_cooked = true;
	raw = s->cooked;
	cfmakeraw(&raw);
	s->is_raw = tcsetattr(0, TCSANOW, &raw) == 0;
}

static void terminal_restore(struct session *s)
{
	if (s->is_raw)
		(void)tcsetattr(0, TCSANOW, &s->cooked);
	s->is_raw = false;
}

static int send_size(struct session *s)
{
	unsigned rows, cols;
	if (!s->a->terminal || !terminal_size(&rows, &cols))
		return 0;
	uint8_t p[4] = {(uint8_t)(rows >> 8), (uint8_t)rows, (uint8_t)(cols >> 8), (uint8_t)cols};
	if (s->a->resized)
		s->a->resized(s->a->resized_arg, rows, cols);
	return relay_send(&s->relay, ATTACH_RESIZE, p, sizeof(p));
}

/* Does to ourselves what the signal would have done, with the terminal as it was. */
static void act_on(struct session *s, int sig)
{
	sigset_t one, old;
	terminal_restore(s);
	(void)signal(sig, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, sig);
	(void)raise(sig);
	(void)sigprocmask(SIG_UNBLOCK, &one, &old); /* ends or stops here */
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

static void on_signal(struct session *s, int sig)
{
	if (sig == SIGWINCH) {
		(void)send_size(s);
	} else if (sig == SIGTSTP) {
		act_on(s, SIGTSTP);
		terminal_raw(s);
		(void)send_size(s);
	} else if (sig == SIGCONT) {
		/* After a stop that nobody can catch the shell has made the terminal its own. */
		if (s->is_raw) {
			s->is_raw = false;
			terminal_raw(s);
		}
		(void)send_size(s);
	} else if (s->a->sig_proxy && !(sig == SIGHUP && s->is_raw)) {
		/* (Our own terminal's hang-up is not the container's, which goes on.) */
		if (s->init_pidfd >= 0 && s->a->signals)
			s->a->signals(s->a->signals_arg, sig);
		if (s->init_pidfd >= 0)
			(void)syscall(SYS_pidfd_send_signal, s->init_pidfd, sig, NULL, 0);
	} else {
		act_on(s, sig);
	}
}

static void read_signals(struct session *s)
{
	struct signalfd_siginfo si;
	while (read(s->signals, &si, sizeof(si)) == sizeof(si))
		on_signal(s, (int)si.ssi_signo);
}

/* ---- output ---- */

/* A pipe is opened once more, as the flags of a description that is shared with others are not
 * ours to change. */
static void sink_open(struct sink *k, int fd)
{
	struct stat st;
	char path[32];
	*k = (struct sink){.fd = fd};
	if (fstat(fd, &st) < 0)
		return;
	k->never_waits = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
	if (!S_ISFIFO(st.st_mode))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (own >= 0) {
		k->fd = own;
		k->is_private = true;
	}
}

static void sink_close(struct sink *k)
{
	if (k->is_private)
		close(k->fd);
	buf_free(&k->queue);
}

/* How much may be written now without blocking. A writable pipe or terminal takes PIPE_BUF. */
static ssize_t sink_try(const struct sink *k, const char *p, size_t n)
{
	struct pollfd pfd = {.fd = k->fd, .events = POLLOUT};
	if (!k->is_private && !k->never_waits) {
		if (poll(&pfd, 1, 0) <= 0)
			return 0;
		if (n > 4096)
			n = 4096;
	}
	ssize_t w = write(k->fd, p, n);
	if (w < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return w;
}

static bool sink_is_behind(const struct sink *k) { return k->queue.len > k->at; }

static int sink_flush(struct sink *k)
{
	while (sink_is_behind(k)) {
		ssize_t n = sink_try(k, k->queue.data + k->at, k->queue.len - k->at);
		if (n <= 0)
			return (int)n;
		k->at += (size_t)n;
	}
	k->queue.len = 0;
	k->at = 0;
	return 0;
}

static int sink_put(struct sink *k, const char *p, size_t n)
{
	while (n > 0 && !sink_is_behind(k)) {
		ssize_t w = sink_try(k, p, n);
		if (w < 0)
			return (int)w;
		if (w == 0)
			break;
		p += w;
		n -= (size_t)w;
	}
	if (n > 0)
		buf_add(&k->queue, p, n);
	return 0;
}

static int output_error(struct session *s, int i, int r)
{
	/* Docker's words: a consumer that has gone ends the command, not the container. */
	return err_sysn(&s->failure, -r, "write /dev/%s", i ? "stderr" : "stdout");
}

/* ---- frames ---- */

static int answer_end(struct session *s, const uint8_t *p, size_t n)
{
	struct attach_ended how;
	if (n != sizeof(how))
		return -EPROTO;
	memcpy(&how, p, sizeof(how));
	s->result = how.exit_code & 255;
	s->is_over = true;
	int r = s->a->ended ? s->a->ended(s->a->ended_arg, &how, &s->failure) : -1;
	if (r >= 0)
		(void)relay_send(&s->relay, ATTACH_RECORDED, &(uint8_t){r > 0}, 1);
	return 1;
}

static int on_frame(void *arg, uint8_t type, const uint8_t *p, size_t n)
{
	struct session *s = arg;
	int i = type == ATTACH_STDERR;
	if (type == ATTACH_STDOUT || type == ATTACH_STDERR) {
		int r = (i ? s->a->err : s->a->out) ? sink_put(&s->sinks[i], (const char *)p, n)
						    : 0;
		return r < 0 ? output_error(s, i, r) : 0;
	}
	if (type == ATTACH_END)
		return answer_end(s, p, n);
	if (type == ATTACH_EXIT && n == 4) {
		s->result = p[3];
		s->is_over = true;
		return 1;
	}
	return 0;
}

/* ---- input ---- */

static int pass_input(struct session *s)
{
	unsigned char typed[ATTACH_FRAME_MAX / 2 + sizeof(s->keys.keys)];
	size_t n_typed;
	ssize_t n = read(0, s->scratch, ATTACH_FRAME_MAX / 2);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		s->reads_stdin = false;
		return relay_send(&s->relay, ATTACH_STDIN_END, NULL, 0);
	}
	if (!s->a->terminal || s->keys.n == 0)
		return relay_send(&s->relay, ATTACH_STDIN, s->scratch, (size_t)n);
	bool detaches = detach_keys_filter(
		&s->keys, (unsigned char *)s->scratch, (size_t)n, typed, &n_typed);
	int r = n_typed ? relay_send(&s->relay, ATTACH_STDIN, typed, n_typed) : 0;
	if (detaches) {
		s->result = ATTACH_DETACHED;
		s->is_over = true;
	}
	return r;
}

/* ---- the session ---- */

static int session_step(struct session *s)
{
	bool behind = sink_is_behind(&s->sinks[0]) || sink_is_behind(&s->sinks[1]);
	bool full = relay_is_behind(&s->relay);
	struct pollfd p[5] = {
		{.fd = s->relay.fd,
			.events = (short)((behind ? 0 : POLLIN) | (full ? POLLOUT : 0))},
		{.fd = s->signals, .events = POLLIN},
		{.fd = s->reads_stdin && !full ? 0 : -1, .events = POLLIN},
		{.fd = sink_is_behind(&s->sinks[0]) ? s->sinks[0].fd : -1, .events = POLLOUT},
		{.fd = sink_is_behind(&s->sinks[1]) ? s->sinks[1].fd : -1, .events = POLLOUT},
	};
	if (behind && !full)
		p[0].fd = -1; /* its hang-up would be reported without end */
	if (poll(p, ARRAY_LEN(p), -1) < 0)
		return errno == EINTR ? 0 : -errno;
	int r = 0;
	if (p[1].revents)
		read_signals(s);
	for (int i = 0; i < 2; i++)
		if (p[3 + i].revents && (r = sink_flush(&s->sinks[i])) < 0)
			return output_error(s, i, r);
	if (p[0].revents & POLLOUT)
		r = relay_flush(&s->relay);
	if (r == 0 && p[2].revents)
		r = pass_input(s);
	/* A monitor that has gone still left all it had to say in the socket. */
	if (r == -EPIPE || r == -ECONNRESET)
		s->reads_stdin = false;
	if (!s->is_over && !behind && (p[0].revents & (POLLIN | POLLHUP | POLLERR)))
		r = relay_receive(&s->relay, s->scratch, ATTACH_FRAME_MAX, on_frame, s);
	return r < 0 ? r : 0;
}

/* What is still queued for a slow reader of ours. */
static int flush_sinks(struct session *s)
{
	for (int i = 0; i < 2; i++) {
		while (sink_is_behind(&s->sinks[i])) {
			struct pollfd p = {.fd = s->sinks[i].fd, .events = POLLOUT};
			int r = poll(&p, 1, -1) < 0 && errno != EINTR ? -errno
								      : sink_flush(&s->sinks[i]);
			if (r < 0)
				return output_error(s, i, r);
		}
	}
	return 0;
}

static int session_open(struct session *s, const struct attach *a, struct err *e)
{
	sigset_t set;
	*s = (struct session){.a = a, .init_pidfd = -1, .result = ATTACH_LOST};
	relay_init(&s->relay, a->fd);
	sink_open(&s->sinks[0], 1);
	sink_open(&s->sinks[1], 2);
	s->reads_stdin = a->in;
	if (a->terminal && a->in) {
		int n = detach_keys_parse(a->detach_keys ? a->detach_keys : "ctrl-p,ctrl-q",
			s->keys.keys, sizeof(s->keys.keys), e);
		if (n < 0)
			return n;
		s->keys.n = (size_t)n;
	}
	signal_set(a->sig_proxy, &set);
	attach_block_signals(a->sig_proxy);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return err_sys(e, "cannot watch signals");
	if (a->sig_proxy)
		s->init_pidfd = proc_open(&a->init);
	s->scratch = xmalloc(ATTACH_FRAME_MAX);
	return 0;
}

static void session_close(struct session *s)
{
	terminal_restore(s);
	for (int i = 0; i < 2; i++)
		sink_close(&s->sinks[i]);
	buf_free(&s->relay.out);
	scope_close(&s->signals);
	scope_close(&s->init_pidfd);
	free(s->scratch);
	attach_unblock_signals();
}

int attach_run(const struct attach *a, struct err *e)
{
	struct session s;
	int r = session_open(&s, a, e);
	if (r == 0) {
		terminal_raw(&s);
		if (a->sends_size)
			r = send_size(&s);
		while (r == 0 && !s.is_over)
			r = session_step(&s);
		if (s.is_over && s.failure.code == 0)
			(void)flush_sinks(&s);
		r = s.failure.code ? -s.failure.code : s.result;
		if (s.failure.code)
			*e = s.failure;
	}
	session_close(&s);
	return r;
}
