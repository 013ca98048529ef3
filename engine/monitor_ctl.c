#include "engine/monitor_internal.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The socket's path may be longer than a sockaddr holds: the folder goes by descriptor. */
static int bind_in(int sock, int dir_fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/ctl", dir_fd);
	(void)unlinkat(dir_fd, "ctl", 0);
	return bind(sock, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
}

/* The folder with our lock on it (engine/run_sweep.h); made again where a sweeper was just removing
 * one that a dead monitor has left. */
static int run_dir_open(struct monitor *m, struct err *e)
{
	struct stat st;
	for (int tries = 0; tries < 10; tries++) {
		int r = path_mkdirs(m->run_dir, 0700, e);
		if (r < 0)
			return r;
		auto_fd dir = open(m->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0 && flock(dir, LOCK_SH) == 0 && fstat(dir, &st) == 0 && st.st_nlink > 0)
			return take_fd(dir);
	}
	return err_sys(e, "cannot open %s", m->run_dir);
}

int monitor_listen(struct monitor *m, struct err *e)
{
	auto_fd dir = run_dir_open(m, e);
	if (dir < 0)
		return dir;
	auto_fd sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return err_sys(e, "cannot make a socket");
	/* umask 077: the socket has mode 0600 from its birth. */
	int r = bind_in(sock, dir);
	if (r < 0 || listen(sock, 64) < 0)
		return err_sysn(e, r < 0 ? -r : errno, "cannot listen on %s/ctl", m->run_dir);
	watch_remove(m, &m->listener);
	scope_close(&m->listener.fd);
	m->listener.fd = take_fd(sock);
	scope_close(&m->run_lock);
	m->run_lock = take_fd(dir);
	return 0;
}

static int client_frame(void *arg, uint8_t type, const uint8_t *p, size_t n)
{
	struct monitor *m = ((void **)arg)[0];
	struct client *c = ((void **)arg)[1];
	if (type == ATTACH_STDIN && c->wants_stdin)
		input_add(m, p, n);
	else if (type == ATTACH_STDIN_END && c->closes_stdin)
		input_close(m);
	else if (type == ATTACH_RESIZE && n == 4)
		monitor_resize(m, (unsigned)p[0] << 8 | p[1], (unsigned)p[2] << 8 | p[3]);
	else if (type == ATTACH_GO && n == sizeof(int64_t)) {
		int64_t started_ns;
		memcpy(&started_ns, p, sizeof(started_ns));
		monitor_go(m, c, started_ns);
	} else if (type == ATTACH_RECORDED && c->is_front)
		monitor_front_recorded(m, n == 1 && p[0]);
	return 0;
}

static bool client_greet(struct monitor *m, struct client *c)
{
	struct attach_hello h;
	if (recv(c->watch.fd, &h, sizeof(h), MSG_DONTWAIT) != sizeof(h))
		return false;
	c->wants_stdin = h.wants_stdin;
	c->wants_stdout = h.wants_stdout;
	c->wants_stderr = h.wants_stderr;
	c->closes_stdin = h.wants_stdin && m->opt.stdin_once;
	c->is_greeted = true;
	return true;
}

static void client_ready(struct monitor *m, struct watch *w, uint32_t events)
{
	struct client *c = (struct client *)w;
	int r = 0;
	if (c->is_gone)
		return;
	if (events & EPOLLOUT)
		r = relay_flush(&c->relay);
	if (r == 0 && !c->is_greeted) {
		if (!client_greet(m, c))
			r = -EPIPE;
	} else if (r == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
		r = relay_receive(&c->relay, monitor_scratch, sizeof(monitor_scratch), client_frame,
			(void *[]){m, c});
	}
	if (r < 0)
		client_drop(m, c);
}

struct client *client_add(struct monitor *m, int fd)
{
	struct client *c = xcalloc(1, sizeof(*c));
	relay_init(&c->relay, fd);
	c->watch = (struct watch){.fd = fd, .fn = client_ready};
	c->next = m->clients;
	m->clients = c;
	return c;
}

void client_drop(struct monitor *m, struct client *c)
{
	if (c->is_gone)
		return;
	c->is_gone = true;
	m->must_look = m->is_standing;
	watch_remove(m, &c->watch);
	if (c->closes_stdin)
		input_close(m);
	if (c->is_front)
		monitor_front_is_late(m);
}

void clients_sweep(struct monitor *m)
{
	for (struct client **at = &m->clients; *at;) {
		struct client *c = *at;
		if (!c->is_gone && (c->is_told || m->is_over) && !relay_is_behind(&c->relay))
			client_drop(m, c);
		if (!c->is_gone) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		relay_deinit(&c->relay);
		free(c);
	}
}

void clients_send_output(struct monitor *m, enum log_stream stream, const char *p, size_t n)
{
	uint8_t type = stream == LOG_STDOUT ? ATTACH_STDOUT : ATTACH_STDERR;
	for (struct client *c = m->clients; c; c = c->next) {
		bool wants = stream == LOG_STDOUT ? c->wants_stdout : c->wants_stderr;
		if (!c->is_gone && !c->is_told && wants && relay_send(&c->relay, type, p, n) < 0)
			client_drop(m, c);
	}
}

void clients_send(struct monitor *m, uint8_t type, const void *p, size_t n)
{
	for (struct client *c = m->clients; c; c = c->next)
		if (!c->is_gone && !c->is_told && relay_send(&c->relay, type, p, n) < 0)
			client_drop(m, c);
}

void clients_send_exit(struct monitor *m)
{
	uint32_t code = (uint32_t)m->ended.exit_code;
	uint8_t p[4] = {
		(uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8), (uint8_t)code};
	for (struct client *c = m->clients; c; c = c->next) {
		if (c->is_gone || c->is_told)
			continue;
		(void)relay_send(&c->relay, ATTACH_EXIT, p, sizeof(p));
		c->is_told = true;
		/* Of a next life it has neither input nor output. */
		c->wants_stdin = c->closes_stdin = false;
	}
}

void listener_ready(struct monitor *m, struct watch *w, uint32_t events)
{
	(void)events;
	auto_fd fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != geteuid())
		return;
	struct client *c = client_add(m, fd);
	(void)take_fd(fd);
	/* Before the hello nothing is asked of it, and nothing sent. */
	(void)watch_add(m, &c->watch, EPOLLIN);
}
