#include "engine/monitor_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/ending.h"
#include "engine/event.h"
#include "engine/network.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FRONT_TIMEOUT_MS = 1000 };

int monitor_store(struct monitor *m, struct store *s, struct err *e)
{
	*s = (struct store){.root_fd = -1, .runroot_fd = -1};
	s->root = xstrdup(m->opt.root);
	s->runroot = xstrdup(m->opt.runroot);
	s->root_fd = open(s->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->root_fd < 0)
		return err_sys(e, "cannot open %s", s->root);
	s->runroot_fd = open(s->runroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return db_open(&s->db, s->root, e);
}

void monitor_store_done(struct store *s)
{
	if (s->db) {
		store_settle(s);
		db_tidy(s->db);
	}
	db_close(s->db);
	scope_close(&s->root_fd);
	scope_close(&s->runroot_fd);
	free(s->root);
	free(s->runroot);
}

/* ROW_LOST: it was started meanwhile. */
static int set_back(struct monitor *m, struct store *s, struct err *e)
{
	struct container_row row = {0};
	int r = container_row_find(s->db, m->opt.id, &row, e);
	if (r == ROW_OK)
		r = container_row_set_back(s->db, &row, e);
	container_row_deinit(&row);
	return r;
}

void monitor_record_end(struct monitor *m)
{
	struct store s;
	struct err e = {0};
	int r = monitor_store(m, &s, &e);
	if (r == 0 && (!m->goes_back || (r = set_back(m, &s, &e)) == ROW_LOST))
		r = ending_record(&s, m->opt.id, &m->ended, &m->restarts, &e);
	monitor_store_done(&s);
	if (r < 0) /* the next command finds the lock free and records what it can */
		log_debug("cannot record the end: %s", e.msg);
}

/* The row of a further life. */
static int record_start(struct monitor *m, struct store *s, struct err *e)
{
	struct container_row row = {0};
	int r = container_row_find(s->db, m->opt.id, &row, e);
	if (r == ROW_OK) {
		row.init = m->l.id;
		row.started_ns = m->started_ns;
		if (m->opt.health_interval_ms) {
			auto_free char *was = row.health;
			row.health = health_begin(was);
		}
		free(row.network);
		row.network = take_ptr(m->settings);
		row.cgroup = m->l.cgroup_path ? xstrdup(m->l.cgroup_path) : NULL;
		r = container_row_set_running(s->db, &row, state_text(STATE_RESTARTING), e);
	}
	if (r == ROW_OK)
		r = event_container_start(s, &row, e);
	container_row_deinit(&row);
	return r;
}

int monitor_record_start(struct monitor *m, struct err *e)
{
	struct store s;
	int r = monitor_store(m, &s, e);
	if (r == 0)
		r = db_begin(s.db, DB_NORMAL, e);
	if (r == 0) {
		r = record_start(m, &s, e);
		if (r == 0)
			r = db_commit(s.db, e);
		else
			db_rollback(s.db);
	}
	monitor_store_done(&s);
	return r < 0 ? r : r > 0;
}

int monitor_row_state(struct monitor *m, int64_t *started_ns, struct err *e)
{
	struct store s;
	struct container_row row = {0};
	int r = monitor_store(m, &s, e);
	if (r == 0)
		r = container_row_find(s.db, m->opt.id, &row, e);
	if (r >= 0)
		r = r == ROW_OK ? (int)state_parse(row.state) : (int)STATE_REMOVING;
	*started_ns = row.started_ns;
	container_row_deinit(&row);
	monitor_store_done(&s);
	return r;
}

bool monitor_is_wanted(struct monitor *m)
{
	struct err e = {0};
	int64_t started_ns;
	int state = monitor_row_state(m, &started_ns, &e);
	return state < 0 || state == STATE_RESTARTING;
}

void monitor_record_failure(struct monitor *m, const struct err *failure)
{
	struct store s;
	struct err e = {0};
	if (monitor_store(m, &s, &e) == 0)
		(void)ending_record_failure(&s, m->opt.id, failure, &e);
	monitor_store_done(&s);
}

static void drop_lock(struct monitor *m)
{
	if (!m->lock_dropped)
		close(MON_FD_ALIVE);
	m->lock_dropped = true;
}

/* Recorded by whomever: now the others may know, and the next command may have the container. */
void monitor_finish(struct monitor *m)
{
	if (m->is_over)
		return;
	m->asked_front = false;
	clients_send_exit(m);
	if (m->restarts) {
		monitor_rest(m);
		return;
	}
	m->is_over = true;
	/* A server of the root file system still has the container's files in hand. */
	if (m->l.server_pid <= 0)
		drop_lock(m);
}

void monitor_front_recorded(struct monitor *m, bool restarts)
{
	if (!m->asked_front)
		return;
	m->restarts = restarts;
	monitor_finish(m);
}

void monitor_front_is_late(struct monitor *m)
{
	if (!m->asked_front || m->is_over)
		return;
	monitor_record_end(m);
	monitor_finish(m);
}

void monitor_close_streams(struct monitor *m)
{
	monitor_drain(m);
	for (int i = 0; i < 2; i++) {
		watch_remove(m, &m->out[i].watch);
		if (m->out[i].watch.fd >= 0)
			close(m->out[i].watch.fd);
		m->out[i].watch.fd = -1;
	}
	if (m->has_terminal)
		m->in.watch.fd = m->l.console = -1;
	input_close(m);
	scope_close(&m->terminal_peer);
	m->terminal_peer = -1;
	log_writer_close(&m->log);
}

/* Children of ours, at most max. */
static size_t list_children(pid_t *pids, size_t max)
{
	char path[64];
	auto_buf text = BUF_INIT;
	struct err e;
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if (read_file(path, 1 << 20, &text, &e) < 0 || !text.len)
		return 0;
	for (char *p = text.data, *end; n < max; p = end) {
		long pid = strtol(p, &end, 10);
		if (end == p)
			break;
		pids[n++] = (pid_t)pid;
	}
	return n;
}

void monitor_note_helpers(struct monitor *m)
{
	m->shares_pids = m->l.id.ns_ino == proc_ns_inode(getpid(), "pid");
	if (m->shares_pids)
		m->n_helpers = list_children(m->helpers, ARRAY_LEN(m->helpers));
}

static bool is_helper(const struct monitor *m, pid_t pid)
{
	for (size_t i = 0; i < m->n_helpers; i++)
		if (m->helpers[i] == pid)
			return true;
	return false;
}

/* Without a pid namespace of its own a container's other processes survive its first one. They are
 * our children then (we are their subreaper), and so are theirs once they are dead. */
static void kill_orphans(struct monitor *m)
{
	pid_t pids[256];
	if (m->shares_pids && m->l.cgroup_path)
		(void)cgroup_kill(m->l.cgroup_path); /* also what was started by exec */
	for (bool again = m->shares_pids; again;) {
		size_t n = list_children(pids, ARRAY_LEN(pids));
		again = false;
		for (size_t i = 0; i < n; i++) {
			if (is_helper(m, pids[i]))
				continue;
			(void)kill(pids[i], SIGKILL);
			again = waitpid(pids[i], NULL, 0) > 0;
		}
	}
}

void init_ended(struct monitor *m, struct watch *w, uint32_t events)
{
	siginfo_t si = {0};
	(void)events;
	if (m->init_gone || waitid(P_PIDFD, (id_t)m->l.pidfd, &si, WEXITED | WNOHANG) < 0 ||
		si.si_pid == 0)
		return;
	m->init_gone = true;
	m->is_standing = false;
	m->l.pid = 0; /* reaped: the number may be another's */
	m->ended.finished_ns = clock_now_ns();
	m->ended.exit_code = m->is_expired              ? 255 /* as Podman */
			     : si.si_code == CLD_EXITED ? si.si_status
							: 128 + si.si_status;
	m->ended.oom_killed = cgroup_oom_kills(m->l.cgroup) > 0;
	watch_remove(m, w);
	monitor_check_end(m);
	kill_orphans(m);
	launch_kill_rest(&m->l);
	monitor_close_streams(m);
	for (struct client *c = m->clients; c; c = c->next) {
		if (!c->is_front || c->is_gone)
			continue;
		m->asked_front = true;
		if (relay_send(&c->relay, ATTACH_END, &m->ended, sizeof(m->ended)) < 0)
			client_drop(m, c);
		else if (timer_set(m, &m->front_late, FRONT_TIMEOUT_MS, monitor_front_is_late) < 0)
			monitor_front_is_late(m);
		return;
	}
	m->asked_front = true;
	monitor_front_is_late(m);
}

void monitor_end_life(struct monitor *m)
{
	launch_abort(&m->l);
	if (m->net) {
		network_stop(m->net);
		network_free(take_ptr(m->net));
	}
}

static void stop_helpers(struct monitor *m)
{
	launch_abort(&m->l);
	drop_lock(m);
	monitor_end_life(m);
	if (m->run_dir)
		monitor_run_dir_remove(m->opt.runroot, m->opt.id);
}

/* The folder was renamed into the trash, by whomever: its descriptor knows where it is. */
static void remove_files(struct monitor *m)
{
	struct err e;
	char link[64], path[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", m->container_fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return;
	path[n] = '\0';
	auto_free char *parent = path_dir(path);
	struct stat ours, there;
	auto_fd fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (strcmp(path_base(parent), "trash") || fd < 0 || fstat(m->container_fd, &ours) < 0 ||
		fstatat(fd, path_base(path), &there, AT_SYMLINK_NOFOLLOW) < 0 ||
		ours.st_ino != there.st_ino || ours.st_dev != there.st_dev)
		return;
	if (flock(m->container_fd, LOCK_EX | LOCK_NB) == 0) /* else another command is at it */
		(void)path_remove_at(fd, path_base(path), &e);
}

void monitor_clean_up(struct monitor *m)
{
	watch_remove(m, &m->listener);
	scope_close(&m->listener.fd);
	m->listener.fd = -1;
	stop_helpers(m);
	if (m->opt.auto_remove)
		remove_files(m);
	/* Most ends are recorded by a front that somebody waits for: the rest is done here. */
	db_tidy_idle(m->opt.root);
}

void monitor_undo(struct monitor *m)
{
	stop_helpers(m);
	monitor_close_streams(m);
}
