#include "engine/monitor_internal.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool someone_is_behind(const struct monitor *m)
{
	if (log_writer_is_behind(&m->log))
		return true;
	for (const struct client *c = m->clients; c; c = c->next)
		if (!c->is_gone && !c->is_told && relay_is_behind(&c->relay))
			return true;
	return false;
}

static void output_close(struct monitor *m, struct output *o)
{
	watch_remove(m, &o->watch);
	if (m->has_terminal) {
		/* One descriptor both ways: the input goes with it. */
		watch_remove(m, &m->in.watch);
		m->in.watch.fd = -1;
	}
	close(o->watch.fd);
	o->watch.fd = -1;
}

/* A container that writes faster than we read gets a larger pipe, once: both then work at the same
 * time instead of in turns. Not from the start: the kernel limits what all pipes of a user hold. */
static void grow_pipe(const struct monitor *m, struct output *o, size_t n)
{
	enum { FULL_READS = 8, PIPE_BYTES = 512 << 10 };
	if (m->has_terminal || o->full_reads >= FULL_READS)
		return;
	o->full_reads = n == sizeof(monitor_scratch) ? o->full_reads + 1 : 0;
	if (o->full_reads == FULL_READS)
		(void)fcntl(o->watch.fd, F_SETPIPE_SZ, PIPE_BYTES);
}

/* One read; false at the end or where nothing is there. */
static bool output_pass(struct monitor *m, struct output *o)
{
	ssize_t n = read(o->watch.fd, monitor_scratch, sizeof(monitor_scratch));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) { /* EIO: the terminal has hung up */
		output_close(m, o);
		return false;
	}
	grow_pipe(m, o, (size_t)n);
	log_writer_add(&m->log, o->stream, monitor_scratch, (size_t)n, clock_now_ns());
	clients_send_output(m, o->stream, monitor_scratch, (size_t)n);
	return true;
}

static bool input_is_behind(const struct monitor *m) { return m->in.queue.len > m->in.at; }

static void input_shut(struct monitor *m)
{
	watch_remove(m, &m->in.watch);
	if (m->in.watch.fd >= 0 && !m->has_terminal)
		close(m->in.watch.fd);
	m->in.watch.fd = -1;
	buf_free(&m->in.queue);
	m->in.queue = BUF_INIT;
	m->in.at = 0;
}

static void input_flush(struct monitor *m)
{
	struct input *in = &m->in;
	while (input_is_behind(m)) {
		ssize_t n = write(in->watch.fd, in->queue.data + in->at, in->queue.len - in->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) { /* nobody reads it any more */
			input_shut(m);
			return;
		}
		in->at += (size_t)n;
	}
	buf_free(&in->queue);
	in->queue = BUF_INIT;
	in->at = 0;
	if (in->is_closing)
		input_shut(m);
}

void output_ready(struct monitor *m, struct watch *w, uint32_t events)
{
	if (m->has_terminal && (events & EPOLLOUT))
		input_flush(m);
	/* Another output of this round may have filled a reader's socket. */
	if ((events & ~(uint32_t)EPOLLOUT) && w->fd >= 0 && !someone_is_behind(m))
		(void)output_pass(m, (struct output *)w);
}

void monitor_drain(struct monitor *m)
{
	for (int i = 0; i < 2; i++)
		while (m->out[i].watch.fd >= 0 && output_pass(m, &m->out[i]))
			;
}

void input_ready(struct monitor *m, struct watch *w, uint32_t events)
{
	if (w->fd >= 0 && input_is_behind(m))
		input_flush(m);
	else if (events & (EPOLLERR | EPOLLHUP))
		input_shut(m);
}

void input_add(struct monitor *m, const uint8_t *p, size_t n)
{
	if (m->in.watch.fd < 0 || m->in.is_closing)
		return; /* as a write to a closed pipe would */
	buf_add(&m->in.queue, p, n);
	input_flush(m);
}

void input_close(struct monitor *m)
{
	/* A terminal has no end of input of its own. */
	if (m->in.watch.fd < 0 || m->has_terminal)
		return;
	m->in.is_closing = true;
	if (!input_is_behind(m))
		input_shut(m);
}

void monitor_resize(struct monitor *m, unsigned rows, unsigned cols)
{
	struct winsize ws = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
	m->opt.rows = rows; /* for the next life */
	m->opt.cols = cols;
	if (m->has_terminal && m->l.console >= 0)
		(void)ioctl(m->l.console, TIOCSWINSZ, &ws);
}

static void set(struct monitor *m, struct watch *w, uint32_t events)
{
	if (w->fd < 0)
		return;
	if (events)
		(void)watch_add(m, w, events);
	else
		watch_remove(m, w);
}

void log_ready(struct monitor *m, struct watch *w, uint32_t events)
{
	(void)events;
	watch_remove(m, w); /* another socket may come under the same number */
	log_writer_flush(&m->log);
}

static void watch_log(struct monitor *m)
{
	int fd = log_writer_fd(&m->log);
	if (fd == m->log_watch.fd && m->log_watch.is_added)
		return;
	watch_remove(m, &m->log_watch);
	m->log_watch.fd = fd;
	set(m, &m->log_watch, EPOLLOUT);
}

void monitor_balance(struct monitor *m)
{
	watch_log(m);
	bool reads_output = !someone_is_behind(m);
	bool reads_input = !input_is_behind(m);
	set(m, &m->listener, m->is_over ? 0 : EPOLLIN);
	for (struct client *c = m->clients; c; c = c->next) {
		if (c->is_gone)
			continue;
		/* A client that only listens is read too: its end must be noticed. */
		uint32_t in = reads_input || !c->wants_stdin ? EPOLLIN : 0;
		set(m, &c->watch, in | (relay_is_behind(&c->relay) ? EPOLLOUT : 0));
	}
	if (m->has_terminal) {
		set(m, &m->out[0].watch,
			(reads_output ? EPOLLIN : 0) | (reads_input ? 0 : EPOLLOUT));
		return;
	}
	for (int i = 0; i < 2; i++)
		set(m, &m->out[i].watch, reads_output ? EPOLLIN : 0);
	set(m, &m->in.watch, reads_input ? 0 : EPOLLOUT);
}
