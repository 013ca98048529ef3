/* stand: the front's side of engine/stand.h. */
#include "engine/stand.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/scope.h"
#include "engine/attach.h"
#include "engine/relay.h"
#include "engine/start_internal.h"
#include "storage/db/db.h"
#include "storage/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int container_init(struct store *s, struct container_row *row, struct err *e)
{
	const struct start_options none = {0};
	int alive_fd = -1;
	int r = starting_take(s, row, EVENT_INIT, &alive_fd, e);
	if (r < 0)
		return r;
	struct starting st = {.store = s, .row = row, .o = &none};
	r = starting_bring_up(&st, alive_fd, STATE_INITIALIZED, e);
	starting_deinit(&st);
	return r;
}

static int send_frame(int fd, uint8_t type, const void *p, size_t n)
{
	struct relay relay; /* a socket that is empty takes a frame of this size whole */
	relay_init(&relay, fd);
	int r = relay_send(&relay, type, p, n);
	bool is_whole = !relay_is_behind(&relay);
	buf_free(&relay.out);
	return r < 0 ? r : is_whole ? 0 : -EAGAIN;
}

static int send_size(const struct starting *st)
{
	if (!st->mon.rows)
		return 0;
	uint8_t p[4] = {(uint8_t)(st->mon.rows >> 8), (uint8_t)st->mon.rows,
		(uint8_t)(st->mon.cols >> 8), (uint8_t)st->mon.cols};
	return send_frame(st->stream, ATTACH_RESIZE, p, sizeof(p));
}

static ssize_t receive(int fd, void *p, size_t n)
{
	ssize_t got;
	do
		got = recv(fd, p, n, MSG_WAITALL);
	while (got < 0 && errno == EINTR);
	return got;
}

/* The monitor's answer, and not a byte more of the stream. */
static int await(const struct starting *st, struct err *e)
{
	uint8_t head[RELAY_HEADER];
	if (receive(st->stream, head, sizeof(head)) != sizeof(head))
		head[0] = ATTACH_EXIT;
	if (head[0] == ATTACH_STARTED)
		return 0;
	if (head[0] == ATTACH_FAILED && receive(st->stream, e, sizeof(*e)) == sizeof(*e) && e->code)
		return -e->code;
	return err_set(e, ECHILD, "container %s has ended before it was started", st->row->name);
}

static void row_begin_run(struct container_row *row)
{
	row->started_ns = clock_now_ns();
	row->exit_code = 0;
	row->restart_count = 0;
	row->is_stopped = false;
}

static int give_word(struct starting *st, struct err *e)
{
	if (starting_is_attached(st->o))
		attach_block_signals(st->o->sig_proxy);
	/* Where it has gone, the answer says so. */
	(void)send_frame(st->stream, ATTACH_GO, &st->row->started_ns, sizeof(st->row->started_ns));
	int r = await(st, e);
	if (r < 0)
		attach_unblock_signals();
	return r;
}

int starting_release(struct starting *st, struct err *e)
{
	const struct start_options *o = st->o;
	auto_json config = starting_config(st, e);
	if (!config)
		return -e->code;
	const struct attach_hello hello = {.wants_stdin = o->attach_stdin && st->mon.open_stdin,
		.wants_stdout = o->attach_stdout,
		.wants_stderr = o->attach_stderr};
	st->stream = attach_connect_or_wake(st->store, st->row, &hello);
	if (st->stream < 0 && proc_start_time(st->row->monitor.pid) == st->row->monitor.start)
		return err_sysn(
			e, -st->stream, "cannot reach the monitor of container %s", st->row->name);
	if (st->stream < 0 || send_size(st) < 0)
		return 1;
	row_begin_run(st->row);
	int r = starting_record_running(st, e);
	if (r == ROW_LOST)
		return 1;
	if (r == 0)
		r = give_word(st, e);
	return r;
}
