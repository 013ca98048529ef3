#include "engine/exec.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/exec_record.h"
#include "engine/monitor.h"
#include "engine/relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct server {
	struct relay relay;
	int in, out[2], pidfd, pid;
	bool is_terminal, has_front, has_ended;
	struct buf input; /* what the process has not yet read, from input_at on */
	size_t input_at;
	bool input_ends; /* after what is queued */
	char *scratch;
};

static bool has_input(const struct server *s) { return s->input.len > s->input_at; }

static void close_input(struct server *s)
{
	char eot = 4;
	if (s->in < 0)
		return;
	/* A terminal has no end; what is typed for it is ^D. */
	if (s->is_terminal)
		(void)!write(s->in, &eot, 1);
	else
		close(s->in);
	s->in = -1;
}

static void flush_input(struct server *s)
{
	while (s->in >= 0 && has_input(s)) {
		ssize_t n = write(s->in, s->input.data + s->input_at, s->input.len - s->input_at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) { /* it does not read any more */
			if (!s->is_terminal)
				close(s->in);
			s->in = -1;
			break;
		}
		s->input_at += (size_t)n;
	}
	s->input.len = s->input_at = 0;
	if (s->input_ends)
		close_input(s);
}

static int on_frame(void *arg, uint8_t type, const uint8_t *p, size_t n)
{
	struct server *s = arg;
	if (type == ATTACH_STDIN) {
		buf_add(&s->input, p, n);
		flush_input(s);
	} else if (type == ATTACH_STDIN_END) {
		s->input_ends = true;
		flush_input(s);
	} else if (type == ATTACH_RESIZE && n == 4 && s->is_terminal) {
		struct winsize size = {
			.ws_row = (unsigned short)(p[0] << 8 | p[1]),
			.ws_col = (unsigned short)(p[2] << 8 | p[3]),
		};
		(void)ioctl(s->out[0], TIOCSWINSZ, &size);
	} else if (type == ATTACH_KILL) {
		(void)kill(
			-s->pid, SIGKILL); /* it leads a session: not reaped yet, not another's */
	}
	return 0;
}

/* The command has gone: the process goes on, its output is read and dropped. */
static void lose_front(struct server *s)
{
	s->has_front = false;
	if (!s->is_terminal) {
		s->input_ends = true;
		flush_input(s);
	}
}

/* One read of output i; false where nothing is left for now. */
static bool pass_output(struct server *s, int i)
{
	ssize_t n = read(s->out[i], s->scratch, ATTACH_FRAME_MAX);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) { /* EIO: the terminal's last user has gone */
		if (!(s->is_terminal && s->in >= 0))
			close(s->out[i]);
		s->out[i] = -1;
		return false;
	}
	if (s->has_front &&
		relay_send(&s->relay, i ? ATTACH_STDERR : ATTACH_STDOUT, s->scratch, (size_t)n) < 0)
		lose_front(s);
	return true;
}

static void serve_front(struct server *s, short events)
{
	int r = 0;
	if (events & POLLOUT)
		r = relay_flush(&s->relay);
	if (r == 0 && (events & (POLLIN | POLLHUP | POLLERR)))
		r = relay_receive(&s->relay, s->scratch, ATTACH_FRAME_MAX, on_frame, s);
	if (r < 0)
		lose_front(s);
}

static void step(struct server *s)
{
	bool behind = s->has_front && relay_is_behind(&s->relay);
	short front = (short)((has_input(s) ? 0 : POLLIN) | (behind ? POLLOUT : 0));
	struct pollfd p[] = {
		{.fd = s->has_front && front ? s->relay.fd : -1, .events = front},
		{.fd = behind ? -1 : s->out[0], .events = POLLIN},
		{.fd = behind ? -1 : s->out[1], .events = POLLIN},
		{.fd = has_input(s) ? s->in : -1, .events = POLLOUT},
		{.fd = s->pidfd, .events = POLLIN},
	};
	if (poll(p, ARRAY_LEN(p), -1) < 0)
		return;
	for (int i = 0; i < 2; i++)
		if (p[1 + i].revents)
			(void)pass_output(s, i);
	if (p[3].revents)
		flush_input(s);
	if (p[0].revents)
		serve_front(s, p[0].revents);
	if (p[4].revents)
		s->has_ended = true;
}

/* After the end: what is in the pipes is all that was written. A background process that still
 * holds them is not waited for. */
static void drain(struct server *s)
{
	for (int i = 0; i < 2; i++) {
		while (s->out[i] >= 0) {
			struct pollfd p = {.fd = s->relay.fd, .events = POLLOUT};
			if (s->has_front && relay_is_behind(&s->relay)) {
				(void)poll(&p, 1, -1);
				if (relay_flush(&s->relay) < 0)
					lose_front(s);
			} else if (!pass_output(s, i)) {
				break;
			}
		}
	}
}

static void send_exit(struct server *s, int code)
{
	uint8_t payload[4] = {0, 0, 0, (uint8_t)code};
	if (!s->has_front || relay_send(&s->relay, ATTACH_EXIT, payload, sizeof(payload)) < 0)
		return;
	while (relay_is_behind(&s->relay)) {
		struct pollfd p = {.fd = s->relay.fd, .events = POLLOUT};
		(void)poll(&p, 1, -1);
		if (relay_flush(&s->relay) < 0)
			return;
	}
}

void exec_serve(const struct exec_streams *x)
{
	struct server s = {
		.in = x->in,
		.out = {x->out, x->err_out},
		.pidfd = x->pidfd,
		.pid = x->pid,
		.is_terminal = x->is_terminal,
		.has_front = true,
		.scratch = xmalloc(ATTACH_FRAME_MAX),
	};
	relay_init(&s.relay, x->stream);
	(void)fd_set_nonblock(x->in, true);
	(void)fd_set_nonblock(x->out, true);
	(void)fd_set_nonblock(x->err_out, true);
	while (!s.has_ended)
		step(&s);
	drain(&s);
	int code = spawn_wait(x->pid);
	exec_record_code(x->lock, code);
	send_exit(&s, code);
	buf_free(&s.input);
	relay_deinit(&s.relay);
	free(s.scratch);
}
