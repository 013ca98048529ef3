/* One run of a health check: joined as `exec` does, listened to until its end or its time is up,
 * then judged and recorded. Runs in a process that may wait: a child of the monitor, or the
 * command `healthcheck run`. */
#include "engine/health.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/event.h"
#include "engine/exec.h"
#include "engine/launch.h"
#include "engine/monitor.h"
#include "engine/relay.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read, but not kept: a check that floods its output is not held back. */
enum { READ_MAX = 65536 };

struct listening {
	struct buf *out;
	size_t max;
	int code; /* -1 until it has ended */
};

struct checking {
	struct store *store;
	struct container_row *row;
	struct health_config config;
	char exec_id[65];
	char *command; /* of the events: the arguments, separated by blanks */
};

static int on_frame(void *arg, uint8_t type, const uint8_t *p, size_t n)
{
	struct listening *l = arg;
	if ((type == ATTACH_STDOUT || type == ATTACH_STDERR) && l->out->len < l->max)
		buf_add(l->out, p, n);
	else if (type == ATTACH_EXIT && n == 4)
		l->code = p[3];
	return l->code >= 0;
}

/* Until its end (its code), or until the time is up (-ETIMEDOUT). */
static int listen_to(int stream, int64_t timeout_ns, size_t max, struct buf *out)
{
	struct listening l = {.out = out, .max = max, .code = -1};
	struct relay r;
	auto_free char *scratch = xmalloc(READ_MAX);
	int64_t end = clock_monotonic_ns() + timeout_ns;
	relay_init(&r, stream);
	while (l.code < 0) {
		int64_t left_ms = (end - clock_monotonic_ns() + 999999) / 1000000;
		struct pollfd p = {.fd = stream, .events = POLLIN};
		if (left_ms <= 0)
			return -ETIMEDOUT;
		int n = poll(&p, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
		if (n > 0 && relay_receive(&r, scratch, READ_MAX, on_frame, &l) < 0)
			break;
	}
	return l.code < 0 ? -EPIPE : l.code;
}

/* Ends what the check has started, in its session. */
static void cut_off(int stream)
{
	static const uint8_t frame[RELAY_HEADER] = {ATTACH_KILL};
	(void)write_all(stream, frame, sizeof(frame));
}

static char *late_text(const struct health_config *c, const struct buf *out)
{
	auto_free char *limit = health_duration_text(c->timeout_ns);
	auto_free char *said = health_output_text(out->data, out->len, c->max_log_size);
	return xasprintf("Health check exceeded timeout (%s)%s%s", limit, *said ? ": " : "", said);
}

/* Runs it; *output is owned. The exit code, -1 where there is none. */
static int run(struct checking *x, const struct launch_plan *plan, char **output)
{
	const struct health_config *c = &x->config;
	const struct exec_request request = {
		.args = (const char *const *)c->args.v, .enters_last = true};
	const struct exec_options options = {.detached = false};
	struct err e = {0};
	auto_buf out = BUF_INIT;
	pid_t holder;
	auto_fd stream = exec_start(plan, &x->row->init, &request, &options, &holder, &e);
	if (stream < 0) {
		*output = xstrdup(e.msg);
		return -1;
	}
	/* One byte more tells that something was cut. */
	size_t max = c->max_log_size > 0 ? (size_t)c->max_log_size + 1 : SIZE_MAX;
	int code = listen_to(stream, c->timeout_ns, max, &out);
	if (code == -ETIMEDOUT)
		cut_off(stream);
	(void)spawn_wait(holder);
	*output = code == -ETIMEDOUT ? late_text(c, &out)
				     : health_output_text(out.data, out.len, c->max_log_size);
	return code < 0 ? -1 : code;
}

static int tell(struct checking *x, const char *what, const char *exit_code, struct err *e)
{
	auto_free char *action = exit_code ? xstrdup(what) : xasprintf("%s: %s", what, x->command);
	const char *const attrs[] = {
		"execID", x->exec_id, exit_code ? "exitCode" : NULL, exit_code, NULL};
	return event_container(x->store, x->row, action, attrs, e);
}

static int tell_begin(struct checking *x, struct err *e)
{
	int r = db_begin(x->store->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	if ((r = tell(x, "exec_create", NULL, e)) >= 0)
		r = tell(x, "exec_start", NULL, e);
	if (r >= 0)
		return db_commit(x->store->db, e);
	db_rollback(x->store->db);
	return r;
}

/* In a transaction: the row's health as it is now becomes what the result makes of it. */
static int judge(struct checking *x, const struct health_result *result, struct err *e)
{
	auto_container_row now = {0};
	char code[16];
	int r = container_row_find(x->store->db, x->row->id, &now, e);
	if (r != ROW_OK || now.started_ns != x->row->started_ns ||
		!state_is_live(state_parse(now.state)))
		return r < 0 ? r : HEALTH_NONE;
	if (state_parse(now.state) == STATE_PAUSED) /* while it was checked: that says nothing */
		return HEALTH_NONE;
	auto_free char *health = health_judge(now.health, &x->config, result, now.started_ns);
	enum health_status before = health_status(now.health), after = health_status(health);
	snprintf(code, sizeof(code), "%d", result->exit_code < 0 ? 137 : result->exit_code);
	r = container_row_set_health(x->store->db, now.id, now.started_ns, health, e);
	if (r == ROW_OK)
		r = tell(x, "exec_die", code, e);
	if (r >= 0 && before != after) {
		auto_free char *action = xasprintf("health_status: %s", health_status_text(after));
		r = event_container(x->store, x->row, action, NULL, e);
	}
	return r < 0 ? r : (int)after;
}

static int record(struct checking *x, const struct health_result *result, struct err *e)
{
	int r = db_begin(x->store->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	int status = judge(x, result, e);
	if (status < 0) {
		db_rollback(x->store->db);
		return status;
	}
	r = db_commit(x->store->db, e);
	return r < 0 ? r : status;
}

static int check(struct checking *x, int *exit_code, struct err *e)
{
	struct launch_plan *plan;
	auto_free char *bundle = store_path(x->store, "containers/%s", x->row->id);
	auto_free char *output = NULL;
	struct health_result result = {0};
	unsigned char random[32];
	int r = launch_load(bundle, &plan, e);
	if (r < 0)
		return r;
	random_bytes(random, sizeof(random));
	hex_encode(x->exec_id, random, sizeof(random));
	x->command = strv_join(&x->config.args, " ");
	r = tell_begin(x, e);
	if (r == 0) {
		result.start_ns = clock_now_ns();
		result.exit_code = *exit_code = run(x, plan, &output);
		result.end_ns = clock_now_ns();
		result.output = output;
		r = record(x, &result, e);
	}
	free(x->command);
	launch_plan_free(plan);
	return r;
}

int health_suspend_row(struct store *s, const struct container_row *row, struct err *e)
{
	if (!row->health || health_status(row->health) == HEALTH_UNHEALTHY)
		return 0;
	auto_free char *text = health_suspend(row->health);
	int r = container_row_set_health(s->db, row->id, row->started_ns, text, e);
	return r < 0 ? r : 0; /* over already */
}

int health_check(struct store *s, struct container_row *row, int *exit_code, struct err *e)
{
	struct checking x = {.store = s, .row = row};
	auto_json config =
		json_parse(row->config, strlen(row->config), "the container's configuration", e);
	if (!config)
		return -e->code;
	*exit_code = -1;
	if (!health_load(config, &x.config)) {
		health_config_deinit(&x.config);
		return err_set(e, EINVAL, "container %s has no defined healthcheck", row->id);
	}
	int r;
	switch (state_parse(row->state)) {
	case STATE_PAUSED:
		r = err_set(e, EBUSY, "Container %s is paused, unpause the container before exec",
			row->id);
		break;
	case STATE_RUNNING:
		r = check(&x, exit_code, e);
		break;
	default:
		r = err_set(e, EINVAL, "container %s is not running", row->id);
	}
	health_config_deinit(&x.config);
	return r;
}
