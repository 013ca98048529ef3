/* moss container prune */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/format/human.h"
#include "cmd/ps_filter.h"
#include "engine/event.h"
#include "engine/log.h"
#include "engine/size.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/store.h"

struct container_prune {
	bool force;
	struct strv filter;
};

// clang-format off
static const struct opt prune_opts[] = {
	{"filter", 0, OPT_LIST, FIELD(struct container_prune, filter), "filter",
		"Provide filter values (e.g. \"until=<timestamp>\")"},
	{"force", 'f', OPT_BOOL, FIELD(struct container_prune, force), "",
		"Do not prompt for confirmation"},
	{0},
};
// clang-format on

static const char *const filter_names[] = {"label", "label!", "until", NULL};

struct until {
	int64_t ns; /* created before this; 0 = whenever */
	bool is_given;
};

static int take_until(const char *value, void *arg, struct err *e)
{
	struct until *u = arg;
	if (u->is_given)
		return err_set(e, EINVAL, "more than one until filter specified");
	u->is_given = true;
	return log_parse_time(NULL, value, clock_now_ns(), &u->ns, e);
}

static bool labels_match(const struct filters *f, const struct container_row *row)
{
	struct err ignored;
	if (!filters_has(f, "label") && !filters_has(f, "label!"))
		return true;
	auto_json config = json_parse(row->config, strlen(row->config), "config", &ignored);
	const json_t *labels = json_at(config, "Config/Labels");
	/* Docker: kept where all of its label! are there, not where one is. */
	return filters_labels(f, "label", labels) &&
	       !(filters_has(f, "label!") && filters_labels(f, "label!", labels));
}

static bool is_prunable(
	const struct filters *f, const struct until *until, const struct container_row *row)
{
	enum container_state state = state_parse(row->state);
	if (state_is_started(state) || state == STATE_REMOVING)
		return false;
	return (!until->is_given || row->created_ns <= until->ns) && labels_match(f, row);
}

/* One that was started or removed meanwhile stays, or is gone, without a word. */
static int remove_all(
	struct store *s, struct container_row *rows, size_t n, int64_t *reclaimed, struct err *e)
{
	auto_free const char **ids = xcalloc(n + 1, sizeof(*ids));
	auto_free int64_t *sizes = xcalloc(n + 1, sizeof(*sizes));
	bool any = false;
	for (size_t i = 0; i < n; i++)
		ids[i] = rows[i].id;
	int r = container_sizes(s, ids, n, sizes, e);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct err one;
		auto_free char *id = xstrdup(rows[i].id);
		if (container_remove(s, &rows[i], false, false, &one) < 0) {
			log_debug("%s", one.msg);
			continue;
		}
		printf("%s%s\n", any ? "" : "Deleted Containers:\n", id);
		any = true;
		*reclaimed += sizes[i];
	}
	if (any)
		puts("");
	return r;
}

static int prune(struct store *s, const struct filters *f, const struct until *until, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0, kept = 0;
	int64_t reclaimed = 0;
	int r = container_reconcile_all(s, e);
	if (r >= 0)
		r = container_row_list(s->db, &rows, &n, e);
	for (size_t i = 0; i < n; i++) {
		if (is_prunable(f, until, &rows[i]))
			rows[kept++] = rows[i];
		else
			container_row_deinit(&rows[i]);
	}
	if (r >= 0)
		r = remove_all(s, rows, kept, &reclaimed, e);
	for (size_t i = 0; i < kept; i++)
		container_row_deinit(&rows[i]);
	free(rows);
	if (r >= 0)
		r = event_prune(s, "container", reclaimed, e);
	if (r < 0)
		return r;
	auto_free char *text = human_size4(reclaimed);
	printf("Total reclaimed space: %s\n", text);
	return 0;
}

static int prune_run(struct cmd_call *call, void *args, struct err *e)
{
	struct container_prune *a = args;
	auto_filters filters = {.names = STRV_INIT};
	struct until until = {0};
	prune_filters_configured(call->globals, &a->filter);
	int r = filters_parse(&a->filter, filter_names, &filters, e);
	if (r == 0)
		r = filters_each(&filters, "until", take_until, &until, e);
	if (r < 0)
		return r;
	if (!a->force && !confirm_removal("all stopped containers"))
		return 0;
	return prune(call->store, &filters, &until, e);
}

const struct cmd cmd_container_prune = {
	.name = "container prune",
	.brief = "Remove all stopped containers",
	.operands = "",
	.max = 0,
	.needs = NEED_STORE,
	.opts = prune_opts,
	.args_size = sizeof(struct container_prune),
	.about = "Removes what does not run, also what was never started. Filters: "
		 "label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME (created before then; a time, "
		 "or a "
		 "duration before now). pruneFilters of Docker's config.json are added.",
	.examples = "moss container prune -f --filter until=24h",
	.run = prune_run,
};
