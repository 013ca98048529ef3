/* logs: the logs of containers as a command reads them: which driver, and when following is over.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/attach.h"
#include "engine/log.h"
#include "engine/log_read.h"
#include "engine/monitor.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/store.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Where nothing tells that there is more, or that the container has ended. */
enum { POLL_MS = 200, EXIT_FRAME_MS = 1000 };

struct source {
	struct store *store;
	const struct container_row *row;
	struct log_query q;
	struct log_reader *reader;
	bool is_live; /* its container may write more */
	int end_fd; /* an attach stream that says when it has ended; -1: ask the database */
	bool is_over;
};

static int source_open(struct source *s, struct store *store, const struct container_row *row,
	const struct log_query *q, log_fn *fn, void *arg, struct err *e)
{
	struct log_config config;
	*s = (struct source){.store = store, .row = row, .q = *q, .end_fd = -1};
	auto_json json =
		json_parse(row->config, strlen(row->config), "the container's configuration", e);
	int r = json ? log_config_parse(json_at(json, "HostConfig"), &config, e) : -e->code;
	if (r < 0)
		return r;
	/* Docker follows one that is not running too, but there is nothing to come. */
	s->is_live = q->follow && state_is_live(state_parse(row->state));
	s->q.follow = s->is_live;
	if (s->is_live)
		s->end_fd = attach_connect(
			store, row->id, &(struct attach_hello){.wants_exit_only = 1});
	if (s->end_fd < 0)
		s->end_fd = -1;
	auto_free char *dir = store_path(store, "containers/%s", row->id);
	return log_reader_open(&s->reader, config.driver, dir, row->id, &s->q, fn, arg, e);
}

/* Without word from the monitor: does the container still live? */
static bool still_lives(const struct source *s)
{
	struct container_row row = {0};
	struct err ignored;
	bool lives = container_row_find(s->store->db, s->row->id, &row, &ignored) == ROW_OK &&
		     container_reconcile(s->store, &row, &ignored) == 0 &&
		     state_is_live(state_parse(row.state));
	container_row_deinit(&row);
	return lives;
}

/* The end of the run that is being followed ends following, whatever its restart policy does. */
static void look_for_end(struct source *s, bool is_told)
{
	if (is_told) {
		int code = attach_wait_exit(s->end_fd, EXIT_FRAME_MS);
		scope_close(&s->end_fd);
		s->end_fd = -1;
		if (code >= 0 && code != ATTACH_LOST) {
			s->is_live = false;
			return;
		}
	}
	if (s->end_fd < 0)
		s->is_live = still_lives(s);
}

static int pump(struct source *s, struct err *e)
{
	bool is_last = !s->is_live;
	int r = log_reader_pump(s->reader, is_last, e);
	s->is_over = is_last || r != 0 ||
		     (s->q.until_ns && clock_now_ns() > s->q.until_ns + NS_PER_S / 100);
	return r == LOG_READ_OVER ? 0 : r;
}

/* Milliseconds until something must be looked at whatever happens; -1: never. */
static int patience(const struct source *s)
{
	int ms = s->end_fd < 0 || log_reader_fd(s->reader) < 0 ? POLL_MS : -1;
	int64_t left = s->q.until_ns ? (s->q.until_ns - clock_now_ns()) / 1000000 + 20 : -1;
	if (s->q.until_ns && (ms < 0 || left < ms))
		ms = left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
	return ms;
}

static void wait_more(struct source *v, size_t n)
{
	struct pollfd *p = xcalloc(2 * n, sizeof(*p));
	int timeout = -1;
	for (size_t i = 0; i < n; i++) {
		p[2 * i].fd = p[2 * i + 1].fd = -1;
		if (v[i].is_over)
			continue;
		p[2 * i] = (struct pollfd){log_reader_fd(v[i].reader), POLLIN, 0};
		p[2 * i + 1] = (struct pollfd){v[i].end_fd, POLLIN, 0};
		int ms = patience(&v[i]);
		if (ms >= 0 && (timeout < 0 || ms < timeout))
			timeout = ms;
	}
	(void)poll(p, 2 * n, timeout);
	for (size_t i = 0; i < n; i++)
		if (!v[i].is_over)
			look_for_end(&v[i], p[2 * i + 1].revents != 0);
	free(p);
}

static bool all_over(const struct source *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!v[i].is_over)
			return false;
	return true;
}

int container_logs(struct store *store, struct container_row *rows, size_t n,
	const struct log_query *q, log_fn *fn, void (*flush)(void), void *const *args,
	struct err *e)
{
	struct source *v = xcalloc(n, sizeof(*v));
	int r = 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = source_open(&v[i], store, &rows[i], q, fn, args[i], e);
	while (r == 0) {
		for (size_t i = 0; i < n && r == 0; i++)
			if (!v[i].is_over)
				r = pump(&v[i], e);
		if (r || all_over(v, n))
			break;
		flush();
		wait_more(v, n);
	}
	for (size_t i = 0; i < n; i++) {
		log_reader_free(v[i].reader);
		scope_close(&v[i].end_fd);
	}
	free(v);
	return r;
}
