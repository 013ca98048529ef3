#include "engine/monitor_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/join.h"
#include "engine/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

void monitor_init(struct monitor *m)
{
	*m = (struct monitor){.control = MON_FD_CONTROL,
		.container_fd = -1,
		.run_lock = -1,
		.epoll = -1,
		.terminal_peer = -1,
		.has_waste = true,
		.l = {.pidfd = -1, .sync = -1, .console = -1, .server_pidfd = -1, .cgroup = -1}};
	m->out[0] = (struct output){{.fd = -1, .fn = output_ready}, LOG_STDOUT};
	m->out[1] = (struct output){{.fd = -1, .fn = output_ready}, LOG_STDERR};
	m->in.watch = (struct watch){.fd = -1, .fn = input_ready};
	m->listener = (struct watch){.fd = -1, .fn = listener_ready};
	m->log.driver = LOG_NONE;
	m->log_watch = (struct watch){.fd = -1, .fn = log_ready};
}

int monitor_prepare(struct monitor *m, struct err *e)
{
	auto_free char *folder = path_join(m->opt.root, "containers");
	m->container_dir = path_join(folder, m->opt.id);
	m->run_dir = monitor_run_dir(m->opt.runroot, m->opt.id);
	m->container_fd = open(m->container_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->container_fd < 0)
		return err_sys(e, "cannot open %s", m->container_dir);
	int r = launch_load(m->container_dir, &m->plan, e);
	if (r == 0 && m->opt.stands)
		launch_keep_writes(m->plan);
	if (r == 0)
		m->has_terminal = launch_wants_terminal(m->plan);
	return r;
}

/* Our ends do not block; the container's are its own descriptions and do. */
static int make_pipe(int *ours, int *theirs, bool we_write, struct err *e)
{
	int p[2];
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	*ours = p[we_write];
	*theirs = p[!we_write];
	(void)fd_set_nonblock(*ours, true);
	return 0;
}

static int clone_init(struct monitor *m, struct err *e)
{
	auto_fd in = -1, out = -1, err = -1;
	int r = 0;
	if (!m->has_terminal) {
		if (m->opt.open_stdin)
			r = make_pipe(&m->in.watch.fd, &in, true, e);
		else if ((in = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
			r = err_sys(e, "cannot open /dev/null");
		if (r == 0)
			r = make_pipe(&m->out[0].watch.fd, &out, false, e);
		if (r == 0)
			r = make_pipe(&m->out[1].watch.fd, &err, false, e);
	}
	if (r == 0)
		r = join_resolve(m->plan, m->opt.root, e);
	return r < 0 ? r : launch_clone(m->plan, (int[]){in, out, err}, &m->l, e);
}

static int tell_front(struct monitor *m, enum mon_type type, struct err *e)
{
	char text[sizeof(struct mon_msg) + 16384];
	struct mon_msg msg = {.type = type, .init = m->l.id, .started_ns = m->started_ns};
	msg.monitor.pid = getpid();
	msg.monitor.start = proc_start_time(getpid());
	msg.monitor.ns_ino = proc_ns_inode(getpid(), "user");
	if (m->l.cgroup_path)
		snprintf(msg.cgroup, sizeof(msg.cgroup), "%s", m->l.cgroup_path);
	size_t extra = m->settings ? strlen(m->settings) : 0;
	if (extra > sizeof(text) - sizeof(msg))
		extra = 0;
	memcpy(text, &msg, sizeof(msg));
	if (extra)
		memcpy(text + sizeof(msg), m->settings, extra);
	free(take_ptr(m->settings)); /* told once */
	int r = msg_send(m->control, text, sizeof(msg) + extra, NULL, 0);
	return r < 0 ? err_sysn(e, -r, "the command that started the container has gone") : 0;
}

static int begin_network(struct monitor *m, struct err *e)
{
	auto_fd netns = -1;
	if (launch_has_new_netns(m->plan)) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)m->l.pid);
		netns = open(path, O_RDONLY | O_CLOEXEC);
		if (netns < 0)
			return err_sys(e, "cannot open the container's network namespace");
	}
	auto_free char *api = path_join(m->run_dir, "slirp.sock");
	int r = network_start(launch_annotation(m->plan, "moss.network"), netns, api, &m->net, e);
	return r == 0 && network_is_up(m->net) ? network_finish(m->net, &m->settings, e) : r;
}

static void take_terminal(struct monitor *m)
{
	if (m->l.console < 0)
		return;
	m->out[0].watch.fd = m->in.watch.fd = m->l.console;
	(void)fd_set_nonblock(m->l.console, true);
	/* While we hold the other end too, a container that closes all of its own can open the
	 * terminal again, and the output is never at an end before the container is. */
	m->terminal_peer = ioctl(m->l.console, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (m->opt.rows > 0 && m->opt.cols > 0)
		monitor_resize(m, (unsigned)m->opt.rows, (unsigned)m->opt.cols);
}

static int wait_go(struct monitor *m, struct err *e)
{
	struct mon_msg msg;
	ssize_t n = msg_recv(m->control, &msg, sizeof(msg), NULL, NULL);
	if (n != sizeof(msg) || msg.type != MON_GO)
		return err_set(e, EPIPE, "the command that started the container has gone");
	m->has_go = true;
	return 0;
}

/* The stream of the command that started us. */
static void take_front(struct monitor *m)
{
	if (!m->opt.front_stdin && !m->opt.front_stdout && !m->opt.front_stderr) {
		close(MON_FD_STREAM);
		return;
	}
	struct client *c = client_add(m, MON_FD_STREAM);
	c->is_front = c->is_greeted = true;
	c->wants_stdin = m->opt.front_stdin;
	c->wants_stdout = m->opt.front_stdout;
	c->wants_stderr = m->opt.front_stderr;
	c->closes_stdin = c->wants_stdin && m->opt.stdin_once;
}

/* Init exists and mounts; the network is on its way. */
static int begin(struct monitor *m, struct err *e)
{
	struct err stage;
	m->out[0].full_reads = m->out[1].full_reads = 0;
	int r = clone_init(m, e);
	m->started_ns = clock_now_ns();
	if (r < 0 || (r = begin_network(m, e)) == 0)
		return r;
	/* An init that died first has no namespaces any more, and the better reason. */
	if (launch_wait_ready(&m->l, &stage) < 0)
		*e = stage;
	return r;
}

/* Everything but the word to go. */
static int make_ready(struct monitor *m, struct err *e)
{
	struct log_config log = {.driver = LOG_NONE,
		.max_size = m->opt.log_max_size,
		.max_files = m->opt.log_max_files,
		.compress = m->opt.log_compress,
		.buffer = m->opt.log_buffer};
	if (m->opt.log_driver)
		(void)log_driver_parse(m->opt.log_driver, &log.driver);
	int r = log_writer_open(&m->log, m->container_fd, m->opt.id, &log, e);
	if (r < 0)
		return err_ctx(e, "failed to initialize logging driver");
	if ((r = launch_wait_ready(&m->l, e)) < 0)
		return r;
	take_terminal(m);
	if (!network_is_up(m->net) && (r = network_finish(m->net, &m->settings, e)) < 0)
		return r;
	monitor_note_helpers(m);
	return 0;
}

int monitor_watch_init(struct monitor *m, struct err *e)
{
	m->init = (struct watch){.fd = m->l.pidfd, .fn = init_ended};
	m->init_gone = false;
	int r = watch_add(m, &m->init, EPOLLIN);
	return r < 0 ? err_sysn(e, -r, "cannot watch the container") : 0;
}

int monitor_let_run(struct monitor *m, struct err *e)
{
	int r = launch_release(&m->l, e);
	if (r == 0)
		monitor_check_begin(m);
	return r;
}

/* In one step, or up to where it stands. */
static int let_run(struct monitor *m, struct err *e)
{
	if (m->opt.stands && !m->arg0)
		return monitor_stand(m, e);
	int r = monitor_let_run(m, e);
	return r < 0 ? r : monitor_watch_init(m, e);
}

int monitor_launch(struct monitor *m, struct err *e)
{
	/* Listening before anybody can know: who waits for the end finds the socket. */
	int r = monitor_listen(m, e);
	/* While init mounts, the network comes up and the front writes the row, our own things. */
	if (r < 0 || (r = begin(m, e)) < 0 || (r = tell_front(m, MON_CLONED, e)) < 0 ||
		(r = monitor_loop_open(m, e)) < 0 || (r = make_ready(m, e)) < 0 ||
		(r = wait_go(m, e)) < 0 || (r = let_run(m, e)) < 0)
		return r;
	take_front(m);
	/* A front that has gone meanwhile is no reason to stop: the container runs. */
	struct err ignored;
	(void)tell_front(m, MON_STARTED, &ignored);
	close(take_fd(m->control));
	return 0;
}

int monitor_launch_again(struct monitor *m, struct err *e)
{
	int r = launch_load(m->container_dir, &m->plan, e);
	if (r < 0 || (r = begin(m, e)) < 0 || (r = make_ready(m, e)) < 0 ||
		(r = monitor_record_start(m, e)) != 0)
		return r;
	return let_run(m, e);
}
