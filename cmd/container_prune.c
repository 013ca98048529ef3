/* moss container prune */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/prune.h"
#include "engine/event.h"
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
	{"filter", 0, OPT_FILTER, FIELD(struct container_prune, filter), "filter",
		"Provide filter values (e.g. \"until=<timestamp>\")"},
	{"force", 'f', OPT_BOOL, FIELD(struct container_prune, force), "",
		"Do not prompt for confirmation"},
	{0},
};
// clang-format on

static bool labels_match(const struct prune_wish *w, const struct container_row *row)
{
	struct err ignored;
	if (!prune_wish_has_labels(w))
		return true;
	auto_json config = json_parse(row->config, strlen(row->config), "config", &ignored);
	return prune_wish_labels(w, json_at(config, "Config/Labels"));
}

static bool is_prunable(const struct prune_wish *w, const struct container_row *row)
{
	enum container_state state = state_parse(row->state);
	if (state_is_started(state) || state == STATE_REMOVING)
		return false;
	return prune_wish_time(w, row->created_ns) && labels_match(w, row);
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

int prune_containers(struct store *s, const struct prune_wish *w, int64_t *reclaimed, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0, kept = 0;
	*reclaimed = 0;
	int r = container_reconcile_all(s, e);
	if (r >= 0)
		r = container_row_list(s->db, &rows, &n, e);
	for (size_t i = 0; i < n; i++) {
		if (is_prunable(w, &rows[i]))
			rows[kept++] = rows[i];
		else
			container_row_deinit(&rows[i]);
	}
	if (r >= 0)
		r = remove_all(s, rows, kept, reclaimed, e);
	for (size_t i = 0; i < kept; i++)
		container_row_deinit(&rows[i]);
	free(rows);
	return r < 0 ? r : event_prune(s, "container", *reclaimed, e);
}

static int prune_run(struct cmd_call *call, void *args, struct err *e)
{
	static const char *const known[] = {"label", "label!", "until", NULL};
	struct container_prune *a = args;
	auto_prune_wish wish = {.filters.names = STRV_INIT};
	int64_t reclaimed;
	int r = prune_wish_read(call->globals, &a->filter, known, &wish, e);
	if (r < 0)
		return r;
	if (!a->force && !confirm_removal("all stopped containers"))
		return 0;
	r = prune_containers(call->store, &wish, &reclaimed, e);
	if (r < 0)
		return r;
	prune_tell(reclaimed);
	return 0;
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
