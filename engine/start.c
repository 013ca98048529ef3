/* start: the front of a start (engine/start.h).
 *
 * Theory of operation. The monitor is started first and sets the container up while the front
 * writes the row: MON_CLONED (init exists: its ids are known) -> the row in one transaction ->
 * MON_GO -> MON_STARTED. Until MON_GO the front's death ends the monitor; after it the front is
 * only a reader. In a foreground run the front has the database open already, so it records the
 * end when the monitor asks (ATTACH_END): two transactions, and SQLite is opened once.
 */
#include "engine/start.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/msg.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/attach.h"
#include "engine/bind_hint.h"
#include "engine/cgroup.h"
#include "engine/create.h"
#include "engine/ending.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "engine/health.h"
#include "engine/log.h"
#include "engine/monitor.h"
#include "engine/share.h"
#include "engine/start_internal.h"
#include "engine/state.h"
#include "storage/db/db.h"
#include "storage/store.h"
#include "storage/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* START_AGAIN: no exit status. */
enum { LOOK_AGAIN_NS = 5000000, START_AGAIN = 1 << 16 };

bool starting_is_attached(const struct start_options *o)
{
	return o->attach_stdin || o->attach_stdout || o->attach_stderr;
}

static int64_t ms_of(int64_t ns) { return ns > 0 && ns < 1000000 ? 1 : ns / 1000000; }

/* The check's clock, and the row's state of it, which begins anew. */
static void take_health(struct starting *st, const json_t *config)
{
	struct health_config c;
	char *was = st->row->health;
	st->row->health = NULL;
	if (health_load(config, &c)) {
		st->mon.health_interval_ms = ms_of(c.interval_ns);
		st->mon.health_start_interval_ms = ms_of(c.start_interval_ns);
		st->mon.health_start_period_ms = ms_of(c.start_period_ns);
		st->mon.health_action = c.on_failure;
		st->row->health = health_begin(was);
	}
	health_config_deinit(&c);
	free(was);
}

static void take_pidfiles(struct starting *st, const json_t *config)
{
	const char *init = json_str(config, "Config/PidFile");
	const char *monitor = json_str(config, "Config/ConmonPidFile");
	st->pidfiles[0] = init ? xstrdup(init) : NULL;
	st->pidfiles[1] = monitor ? xstrdup(monitor) : NULL;
}

/* --pidfile, --conmon-pidfile. The container runs already: what fails is a warning. */
static void write_pidfiles(const struct starting *st)
{
	monitor_write_pid(st->pidfiles[0], st->row->init.pid);
	monitor_write_pid(st->pidfiles[1], st->row->monitor.pid);
}

json_t *starting_config(struct starting *st, struct err *e)
{
	unsigned rows, cols;
	json_t *config = json_parse(
		st->row->config, strlen(st->row->config), "the container's configuration", e);
	if (!config)
		return NULL;
	st->mon = (struct monitor_options){.root = st->store->root,
		.runroot = st->store->runroot,
		.id = st->row->id,
		.open_stdin = json_bool_or(config, "Config/OpenStdin", false)};
	st->terminal = json_bool_or(config, "Config/Tty", false);
	take_health(st, config);
	if (st->terminal && starting_is_attached(st->o) && terminal_size(&rows, &cols)) {
		st->mon.rows = rows;
		st->mon.cols = cols;
	}
	return config;
}

/* What the monitor needs of the configuration, and where errors of it are Docker's. */
static int read_config(struct starting *st, struct err *e)
{
	struct log_config log;
	const struct start_options *o = st->o;
	auto_json config = starting_config(st, e);
	if (!config)
		return -e->code;
	auto_free char *dir = store_path(st->store, "containers/%s", st->row->id);
	int r = log_config_parse(json_at(config, "HostConfig"), &log, e);
	if (r == 0)
		r = log_attrs_write(st->row, config, &log, dir, e);
	if (r < 0)
		return err_ctx(e, "failed to initialize logging driver");
	st->mon.stdin_once = json_bool_or(config, "Config/StdinOnce", false);
	st->mon.auto_remove = st->row->auto_remove;
	st->mon.front_stdin = o->attach_stdin;
	st->mon.front_stdout = o->attach_stdout;
	st->mon.front_stderr = o->attach_stderr;
	st->mon.log_driver = log_driver_name(log.driver);
	st->mon.log_max_size = log.max_size;
	st->mon.log_max_files = log.max_files;
	st->mon.log_buffer = log.buffer;
	st->mon.log_compress = log.compress;
	st->mon.stop_timeout_given = json_at(config, "Config/StopTimeout") != NULL;
	st->mon.stop_timeout = json_int_or(config, "Config/StopTimeout", 0);
	st->mon.timeout = json_int_or(config, "Config/Timeout", 0);
	take_pidfiles(st, config);
	st->mon.pidfile = st->pidfiles[0];
	st->mon.conmon_pidfile = st->pidfiles[1];
	const char *stop = json_str(config, "Config/StopSignal");
	struct err ignored;
	int sig = str_empty(stop) ? -1 : signal_parse(stop, &ignored);
	st->mon.stop_signal = sig > 0 ? sig : 0;
	return 0;
}

/* Of our environment the monitor, which may live for months, gets what its helpers look at. The C
 * library keeps no small pieces of freed memory back there: spread over its heap they would hold
 * every page that the start has used. */
static void monitor_environ(struct strv *env)
{
	static const char *const names[] = {"PATH=", "HOME=", "USER=", "TMPDIR=", "LANG=", "XDG_",
		"MOSS_", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS="};
	for (char **v = environ; v && *v; v++)
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (str_starts(*v, names[i]))
				strv_add(env, *v);
	strv_add(env, "GLIBC_TUNABLES=glibc.malloc.tcache_count=0");
}

static int spawn_monitor(struct starting *st, int alive_fd, struct err *e)
{
	int control[2], stream[2];
	auto_strv argv = STRV_INIT, env = STRV_INIT;
	monitor_options_format(&st->mon, &argv);
	monitor_environ(&env);
	if (msg_pair(control) < 0)
		return err_sys(e, "cannot make a socket");
	st->control = control[0];
	auto_fd control_far = control[1], stream_far = -1;
	if (starting_is_attached(st->o)) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0)
			return err_sys(e, "cannot make a socket");
		st->stream = stream[0];
		stream_far = stream[1];
	}
	auto_free char *program = spawn_helper_path("moss-monitor");
	struct spawn sp = SPAWN_INIT;
	sp.file = program;
	sp.argv = argv.v;
	sp.envp = env.v;
	sp.fd_err = log_debug_on ? 2 : -1;
	sp.fds = (int[]){control_far, alive_fd, stream_far};
	sp.n_fds = 3;
	sp.new_session = true;
	return enter_spawn(st->store, &sp, &st->entered, e);
}

/* The text that follows the struct (the network's settings) is owned, may be NULL. */
static int receive(struct starting *st, struct mon_msg *msg, char **text, struct err *e)
{
	char all[sizeof(*msg) + 16384];
	ssize_t n = msg_recv(st->control, all, sizeof(all), NULL, NULL);
	if (n < (ssize_t)sizeof(*msg))
		return err_set(e, EPIPE, "moss-monitor has ended before the container started");
	memcpy(msg, all, sizeof(*msg));
	if (msg->type == MON_FAILED) {
		*e = msg->e;
		return e->code ? -e->code : err_set(e, EPROTO, "moss-monitor failed");
	}
	if (n > (ssize_t)sizeof(*msg))
		*text = xstrndup(all + sizeof(*msg), (size_t)n - sizeof(*msg));
	return 0;
}

static void row_take_facts(struct container_row *row, const struct mon_msg *msg)
{
	free(row->boot_id);
	row->boot_id = xstrdup(proc_boot_id());
	row->init = msg->init;
	row->monitor = msg->monitor;
	free(row->cgroup);
	row->cgroup = *msg->cgroup ? xstrdup(msg->cgroup) : NULL;
}

static void row_begin_run(struct container_row *row, const struct mon_msg *msg)
{
	row->started_ns = msg->started_ns;
	row->exit_code = 0;
	row->restart_count = 0;
	row->is_stopped = false; /* by the user's will it runs: its policy holds again */
}

static void row_set_state(struct container_row *row, enum container_state state)
{
	free(row->state);
	row->state = xstrdup(state_text(state));
}

static int change_row(struct starting *st, const char *from, enum container_state to, struct err *e)
{
	struct store *s = st->store;
	if (to == STATE_INITIALIZED) {
		int r = container_row_set_initialized(s->db, st->row, from, e);
		return r != ROW_OK ? r : event_container(s, st->row, "init", NULL, e);
	}
	int r = container_row_set_running(s->db, st->row, from, e);
	if (r == ROW_OK && starting_is_attached(st->o))
		r = event_container(s, st->row, "attach", NULL, e);
	return r != ROW_OK ? r : event_container_start(s, st->row, e);
}

/* One transaction. 0, ROW_LOST, or an error. */
static int record_change(struct starting *st, enum container_state to, struct err *e)
{
	struct store *s = st->store;
	auto_free char *from = xstrdup(st->row->state);
	row_set_state(st->row, to);
	int r = db_begin(s->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	if ((r = change_row(st, from, to, e)) != ROW_OK) {
		db_rollback(s->db);
		return r;
	}
	r = db_commit(s->db, e);
	st->is_recorded = r == 0;
	return r;
}

int starting_record_running(struct starting *st, struct err *e)
{
	return record_change(st, STATE_RUNNING, e);
}

/* The row says running (or initialized) from here on; the lock is the monitor's. */
static int record(
	struct starting *st, const struct mon_msg *msg, enum container_state to, struct err *e)
{
	row_take_facts(st->row, msg);
	if (to == STATE_RUNNING)
		row_begin_run(st->row, msg);
	if (st->fresh) {
		row_set_state(st->row, to);
		st->fresh->is_attached = starting_is_attached(st->o);
		int r = container_insert(st->store, st->fresh, e);
		st->is_recorded = r == 0;
		return r;
	}
	int r = record_change(st, to, e);
	return r == ROW_LOST ? err_set(e, EBUSY, "container %s was changed by another command",
				       st->row->name)
			     : r;
}

static int record_network(struct starting *st, char *settings, struct err *e)
{
	bool is_known = st->row->network && strcmp(st->row->network, settings) == 0;
	free(st->row->network);
	st->row->network = settings;
	if (is_known)
		return 0;
	int r = container_row_set_network(st->store->db, st->row->id, settings, e);
	return r < 0 ? r : 0; /* ended already: nothing to show */
}

/* From the monitor's start to MON_STARTED. */
static int bring_up(struct starting *st, int alive_fd, enum container_state to, struct err *e)
{
	struct mon_msg msg;
	char *settings = NULL;
	int r = read_config(st, e);
	st->mon.stands = to == STATE_INITIALIZED;
	if (r == 0)
		r = spawn_monitor(st, alive_fd, e);
	/* From now on the lock lives and dies with the monitor. */
	close(alive_fd);
	if (r < 0 || (r = receive(st, &msg, &settings, e)) < 0)
		return r;
	if (settings || !st->fresh) { /* a new one may know its own already */
		free(st->row->network);
		st->row->network = take_ptr(settings);
	}
	r = record(st, &msg, to, e);
	scope_close(&st->entered.creation_lock);
	st->entered.creation_lock = -1;
	if (r < 0)
		return r;
	share_wait(st->store);
	if (starting_is_attached(st->o))
		attach_block_signals(st->o->sig_proxy);
	msg = (struct mon_msg){.type = MON_GO};
	if (msg_send(st->control, &msg, sizeof(msg), NULL, 0) < 0)
		log_debug("the monitor has gone before GO");
	r = receive(st, &msg, &settings, e);
	if (r == 0 && settings)
		r = record_network(st, settings, e);
	return r;
}

/* A start that failed: a container without --rm stays as `created`, with the error. One that was
 * only to be initialized stays as it was. */
static void give_up(struct starting *st, const struct err *failure)
{
	struct store *s = st->store;
	struct err e = {0};
	scope_close(&st->control); /* a monitor that still waits for GO ends by this */
	st->control = -1;
	monitor_run_dir_remove(s->runroot, st->row->id); /* where the monitor was killed */
	cgroup_forget(st->row->id);
	if (st->mon.stands) {
		if (st->is_recorded)
			(void)container_row_set_back(s->db, st->row, &e);
	} else if (st->is_recorded) {
		(void)ending_record_failure(s, st->row->id, failure, &e);
	} else if (!st->fresh) {
		(void)container_row_set_error(s->db, st->row->id,
			failure->status ? failure->status : 128, failure->msg, &e);
	} else if (st->row->auto_remove) {
		container_discard(s, st->fresh);
	} else {
		st->fresh->is_attached = starting_is_attached(st->o);
		row_set_state(st->row, STATE_CREATED);
		st->row->exit_code = failure->status ? failure->status : 128;
		free(st->row->error);
		st->row->error = xstrdup(failure->msg);
		if (container_insert(s, st->fresh, &e) < 0)
			container_discard(s, st->fresh);
	}
	if (s->needs_purge)
		(void)store_purge(s, enter_remove, &e);
}

static int on_ended(void *arg, const struct attach_ended *how, struct err *e)
{
	struct starting *st = arg;
	bool restarts;
	int r = ending_record_row(st->store, st->row, how, &restarts, e);
	return r < 0 ? r : restarts;
}

/* The stream broke off: the monitor was killed. What is left of the container ends with it. */
static int recover(struct starting *st, struct err *e)
{
	int r = container_reconcile(st->store, st->row, e);
	if (r < 0)
		return r;
	return st->row->exit_code ? st->row->exit_code : 137;
}

static void on_signal(void *arg, int sig)
{
	struct starting *st = arg;
	container_will_signal(st->store, st->row, sig);
}

static void on_resized(void *arg, unsigned rows, unsigned cols)
{
	struct starting *st = arg;
	event_container_resize(st->store, st->row, rows, cols);
}

static int stream(struct starting *st, struct err *e)
{
	const struct start_options *o = st->o;
	struct attach a = {.fd = st->stream,
		.in = o->attach_stdin && st->mon.open_stdin,
		.out = o->attach_stdout,
		.err = o->attach_stderr,
		.terminal = st->terminal,
		.sig_proxy = o->sig_proxy,
		.detach_keys = o->detach_keys,
		.init = st->row->init,
		.ended = on_ended,
		.ended_arg = st,
		.resized = on_resized,
		.resized_arg = st,
		.signals = on_signal,
		.signals_arg = st};
	if (st->terminal && st->mon.rows)
		on_resized(st, (unsigned)st->mon.rows, (unsigned)st->mon.cols);
	int r = attach_run(&a, e);
	if (r == ATTACH_DETACHED) {
		event_container_detach(st->store, st->row);
		return 0;
	}
	return r == ATTACH_LOST ? recover(st, e) : r;
}

int starting_bring_up(struct starting *st, int alive_fd, enum container_state to, struct err *e)
{
	st->control = st->stream = -1;
	st->entered = (struct entered){.pid = -1, .pidfd = -1, .creation_lock = -1};
	int r = bring_up(st, alive_fd, to, e);
	if (r < 0) {
		attach_unblock_signals();
		give_up(st, e);
		return r;
	}
	scope_close(&st->control);
	st->control = -1;
	write_pidfiles(st);
	return 0;
}

int starting_carry_on(struct starting *st, struct err *e)
{
	bind_hint_started(&st->hint, st->row->config, st->row->init.pid, st->row->monitor.pid);
	if (st->o->started)
		st->o->started(st->row->id, st->o->started_arg);
	int r = starting_is_attached(st->o) ? stream(st, e) : 0;
	bind_hint_ended(&st->hint, r);
	return r;
}

void starting_deinit(struct starting *st)
{
	bind_hint_deinit(&st->hint);
	scope_close(&st->control);
	scope_close(&st->stream);
	scope_close(&st->entered.pidfd);
	scope_close(&st->entered.creation_lock);
	free(st->pidfiles[0]);
	free(st->pidfiles[1]);
}

static int start(struct starting *st, int alive_fd, struct err *e)
{
	int r = starting_bring_up(st, alive_fd, STATE_RUNNING, e);
	if (r == 0)
		r = starting_carry_on(st, e);
	starting_deinit(st);
	return r;
}

int container_run(
	struct store *s, struct container_new *c, const struct start_options *o, struct err *e)
{
	struct starting st = {.store = s, .row = &c->row, .fresh = c, .o = o};
	int r = start(&st, take_fd(c->alive_fd), e);
	return r < 0 && e->status == 0 ? err_status(e, 125) : r;
}

static int refuse(const struct container_row *row, enum container_event ev, struct err *e)
{
	if (ev == EVENT_INIT) /* Podman's words */
		return err_set(e, EINVAL,
			"container %s has already been created in runtime: container state "
			"improper",
			row->id);
	if (!strcmp(row->state, state_text(STATE_PAUSED)))
		return err_set(e, EINVAL, "cannot start a paused container, try unpause instead");
	return err_set(e, EINVAL, "cannot start container %s: it is %s", row->name, row->state);
}

static int read_again(struct store *s, struct container_row *row, struct err *e)
{
	struct container_row now = {0};
	int found = container_row_find(s->db, row->id, &now, e);
	if (found < 0)
		return found;
	if (found != ROW_OK)
		return err_set(e, ENOENT, "No such container: %s", row->id);
	container_row_deinit(row);
	*row = now;
	return 0;
}

/* What its row and its lock say together. -EAGAIN: they do not agree at this moment. */
static int judge(struct store *s, struct container_row *row, enum container_event ev, int lock,
	struct err *e)
{
	enum container_state now = state_parse(row->state), to = state_next(now, ev);
	if (to == STATE_REFUSED)
		return refuse(row, ev, e);
	if (lock == LOCK_TAKEN && !state_is_live(now)) {
		int r = upper_settle(s, row->id, e);
		return r < 0 ? r : TAKEN_LOCK;
	}
	if (lock == LOCK_BUSY && to == STATE_SAME)
		return TAKEN_RUNS;
	return lock == LOCK_BUSY && now == STATE_INITIALIZED ? TAKEN_STANDS : -EAGAIN;
}

/* The lock is held for a moment by others, too (a start that is being made, an end that is being
 * cleaned up): looked at again. */
int starting_take(
	struct store *s, struct container_row *row, enum container_event ev, int *fd, struct err *e)
{
	auto_free char *path = store_path(s, "containers/%s/alive", row->id);
	for (;;) {
		auto_fd alive = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (alive < 0)
			return err_sys(e, "cannot open %s", path);
		int lock = lock_take(alive, false);
		if (lock < 0)
			return err_sysn(e, -lock, "cannot lock %s", path);
		int r = read_again(s, row, e);
		if (r < 0)
			return r;
		if ((r = judge(s, row, ev, lock, e)) == TAKEN_LOCK)
			*fd = take_fd(alive);
		if (r != -EAGAIN)
			return r;
		if (lock == LOCK_TAKEN) { /* its monitor was killed */
			close(take_fd(alive));
			if ((r = container_reconcile(s, row, e)) < 0)
				return r;
			continue;
		}
		(void)nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
	}
}

/* Of what stands before exec. 1: it does not any more. */
static int start_standing(struct starting *st, struct err *e)
{
	st->control = st->stream = -1;
	st->entered = (struct entered){.pid = -1, .pidfd = -1, .creation_lock = -1};
	int r = starting_release(st, e);
	bool stands = r != 1;
	if (r == 0)
		r = starting_carry_on(st, e);
	starting_deinit(st);
	return stands ? r : START_AGAIN;
}

int container_start(
	struct store *s, struct container_row *row, const struct start_options *o, struct err *e)
{
	int r;
	do {
		int alive_fd = -1;
		if ((r = starting_take(s, row, EVENT_START, &alive_fd, e)) < 0)
			return r;
		if (r == TAKEN_RUNS)
			return starting_is_attached(o) ? container_attach(s, row, o, e) : 0;
		struct starting st = {.store = s, .row = row, .o = o};
		r = r == TAKEN_LOCK ? start(&st, alive_fd, e) : start_standing(&st, e);
	} while (r == START_AGAIN);
	return r;
}
