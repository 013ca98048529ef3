/* logs: a container's log as a command reads it: which files, and when following is over. */
#include "engine/log.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/attach.h"
#include "engine/monitor.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/store.h"

#include <errno.h>
#include <string.h>

struct following {
	struct store *store;
	struct container_row *row;
	log_fn *fn;
	void (*flush)(void *arg);
	void *arg;
};

static int pass_on(void *arg, const struct log_record *r, struct err *e)
{
	struct following *f = arg;
	return f->fn(f->arg, r, e);
}

static bool is_over(void *arg)
{
	struct following *f = arg;
	struct container_row row = {0};
	struct err ignored;
	f->flush(f->arg);
	bool over = container_row_find(f->store->db, f->row->id, &row, &ignored) != ROW_OK ||
		    container_reconcile(f->store, &row, &ignored) != 0 ||
		    !state_is_live(state_parse(row.state));
	container_row_deinit(&row);
	return over;
}

static void flush(void *arg)
{
	struct following *f = arg;
	f->flush(f->arg);
}

int container_logs(struct store *s, struct container_row *row, const struct log_query *q,
	log_fn *fn, void (*flush_fn)(void *arg), void *arg, struct err *e)
{
	struct following f = {s, row, fn, flush_fn, arg};
	struct log_query query = *q;
	struct log_config config;
	auto_fd end = -1;
	auto_json json =
		json_parse(row->config, strlen(row->config), "the container's configuration", e);
	if (!json)
		return -e->code;
	int r = log_config_parse(json_at(json, "HostConfig"), &config, e);
	if (r < 0)
		return r;
	if (config.none)
		return err_set(e, ENOTSUP, "configured logging driver does not support reading");
	/* Docker follows one that is not running too, but there is nothing to come. */
	query.follow = q->follow && state_is_live(state_parse(row->state));
	if (query.follow)
		end = attach_connect(s, row->id, &(struct attach_hello){.wants_exit_only = 1});
	const struct log_source source = {.end_fd = end, .is_over = is_over, .flush = flush};
	auto_free char *dir = store_path(s, "containers/%s", row->id);
	return log_read(dir, row->id, &query, &source, pass_on, &f, e);
}
