#include "engine/restart.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *restart_policy_text(const struct restart_policy *p)
{
	if (!strcmp(p->name, "no"))
		return NULL;
	return p->max_retries ? xasprintf("%s:%lld", p->name, (long long)p->max_retries)
			      : xstrdup(p->name);
}

/* Of the column; text that is none is no policy. */
static struct restart_policy policy_of(const struct container_row *row)
{
	struct restart_policy p = {.name = "no"};
	struct err ignored;
	if (row->auto_remove || !row->restart_policy ||
		restart_parse(row->restart_policy, &p, &ignored) < 0)
		return (struct restart_policy){.name = "no"};
	return p;
}

static bool failed_and_may(
	const struct restart_policy *p, const struct container_row *row, int code)
{
	return code != 0 && (p->max_retries == 0 || row->restart_count < p->max_retries);
}

bool restart_wanted_at_end(const struct container_row *row, int exit_code)
{
	const struct restart_policy p = policy_of(row);
	if (row->is_stopped || !strcmp(p.name, "no"))
		return false;
	return strcmp(p.name, "on-failure") != 0 || failed_and_may(&p, row, exit_code);
}

bool restart_wanted_at_boot(const struct container_row *row)
{
	const struct restart_policy p = policy_of(row);
	if (strcmp(row->state, state_text(STATE_EXITED)) != 0)
		return false;
	if (!strcmp(p.name, "on-failure"))
		return failed_and_may(&p, row, row->exit_code);
	return !strcmp(p.name, "always") || (!strcmp(p.name, "unless-stopped") && !row->is_stopped);
}

int restart_delay_ms(int previous_ms, int64_t uptime_ns)
{
	if (previous_ms <= 0 || uptime_ns > RESTART_RESET_S * NS_PER_S)
		return RESTART_DELAY_MIN_MS;
	return previous_ms * 2 < RESTART_DELAY_MAX_MS ? previous_ms * 2 : RESTART_DELAY_MAX_MS;
}

static int write_policy(
	struct store *s, struct container_row *row, const struct restart_policy *p, struct err *e)
{
	auto_json config =
		json_parse(row->config, strlen(row->config), "the container's configuration", e);
	if (!config)
		return -e->code;
	json_t *host = json_object_get(config, "HostConfig");
	json_set(host, "RestartPolicy",
		json_pack("{s:s, s:I}", "Name", p->name, "MaximumRetryCount",
			(json_int_t)p->max_retries));
	free(row->config);
	row->config = json_text(config);
	free(row->restart_policy);
	row->restart_policy = restart_policy_text(p);
	return container_row_set_restart_policy(
		s->db, row->id, row->restart_policy, row->config, e);
}

int container_set_restart_policy(
	struct store *s, struct container_row *row, const char *policy, struct err *e)
{
	struct restart_policy p;
	int r = restart_parse(policy, &p, e);
	if (r < 0)
		return r;
	if (row->auto_remove && strcmp(p.name, "no") != 0)
		return err_set(e, EINVAL,
			"Restart policy cannot be updated because AutoRemove is enabled for the "
			"container");
	if ((r = db_begin(s->db, DB_FULL, e)) < 0)
		return r;
	/* What is in the row now: another command may change the configuration, too. */
	struct container_row now = {0};
	r = container_row_find(s->db, row->id, &now, e);
	if (r == ROW_OK) {
		container_row_deinit(row);
		*row = now;
		r = write_policy(s, row, &p, e);
	}
	if (r > 0)
		r = err_set(e, ENOENT, "No such container: %s", row->id);
	if (r < 0) {
		db_rollback(s->db);
		return r;
	}
	return db_commit(s->db, e);
}

static int start_one(struct store *s, struct container_row *row, restart_fn told, void *arg)
{
	const struct start_options detached = {0};
	struct err one = {0};
	int r = container_start(s, row, &detached, &one);
	told(arg, row, r < 0 ? &one : NULL);
	return r < 0;
}

int restart_after_boot(struct store *s, restart_fn told, void *arg, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0;
	int failures = 0;
	int r = container_reconcile_all(s, e);
	if (r < 0 || (r = container_row_list(s->db, &rows, &n, e)) < 0)
		return r;
	for (size_t i = n; i-- > 0;) {
		if (restart_wanted_at_boot(&rows[i]))
			failures += start_one(s, &rows[i], told, arg);
		container_row_deinit(&rows[i]);
	}
	free(rows);
	return failures;
}

static int shut_down(
	struct store *s, struct container_row *rows, size_t n, restart_fn told, void *arg)
{
	struct container_stopping *x = xcalloc(n + 1, sizeof(*x));
	size_t live = 0;
	int failures = 0;
	for (size_t i = 0; i < n; i++)
		if (state_is_live(state_parse(rows[i].state)))
			x[live++] = (struct container_stopping){
				.row = &rows[i], .timeout_s = -2, .is_shutdown = true};
	container_stop_all(s, x, live);
	for (size_t i = 0; i < live; i++) {
		told(arg, x[i].row, x[i].result < 0 ? &x[i].e : NULL);
		failures += x[i].result < 0;
	}
	free(x);
	return failures;
}

int restart_before_shutdown(struct store *s, restart_fn told, void *arg, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0;
	int r = container_reconcile_all(s, e);
	if (r < 0 || (r = container_row_list(s->db, &rows, &n, e)) < 0)
		return r;
	r = shut_down(s, rows, n, told, arg);
	for (size_t i = 0; i < n; i++)
		container_row_deinit(&rows[i]);
	free(rows);
	return r;
}
