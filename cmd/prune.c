#include "cmd/prune.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/client_config.h"
#include "cmd/format/human.h"
#include "engine/log.h"

void prune_wish_deinit(struct prune_wish *w) { filters_deinit(&w->filters); }

static int take_until(const char *value, void *arg, struct err *e)
{
	struct prune_wish *w = arg;
	if (w->has_until)
		return err_set(e, EINVAL, "more than one until filter specified");
	w->has_until = true;
	return log_parse_time(NULL, value, clock_now_ns(), &w->until_ns, e);
}

/* The same label asked for the other way round: of "label=x" that is "label!=x". Owned; NULL where
 * it is no label. */
static char *opposite(const char *filter)
{
	const char *value = str_after(filter, "label!=");
	if (value)
		return xasprintf("label=%s", value);
	value = str_after(filter, "label=");
	return value ? xasprintf("label!=%s", value) : NULL;
}

static void add_configured(const struct globals *g, struct strv *filters)
{
	auto_json config = client_config_load(g);
	auto_strv given = STRV_INIT;
	json_to_strv(json_at(config, "pruneFilters"), &given);
	for (size_t i = 0; i < given.n; i++) {
		auto_free char *against = opposite(given.v[i]);
		if (strchr(given.v[i], '=') && !(against && strv_has(filters, against)))
			strv_add(filters, given.v[i]);
	}
}

int prune_wish_read(const struct globals *g, struct strv *typed, const char *const *known,
	struct prune_wish *out, struct err *e)
{
	add_configured(g, typed);
	int r = filters_parse(typed, known, &out->filters, e);
	return r < 0 ? r : filters_each(&out->filters, "until", take_until, out, e);
}

bool prune_wish_time(const struct prune_wish *w, int64_t created_ns)
{
	return !w->has_until || created_ns <= w->until_ns;
}

bool prune_wish_has_labels(const struct prune_wish *w)
{
	return filters_has(&w->filters, "label") || filters_has(&w->filters, "label!");
}

bool prune_wish_labels(const struct prune_wish *w, const json_t *labels)
{
	/* Docker: kept where all of its label! are there, not where one is. */
	return filters_labels(&w->filters, "label", labels) &&
	       !(filters_has(&w->filters, "label!") &&
		       filters_labels(&w->filters, "label!", labels));
}

void prune_tell(int64_t reclaimed)
{
	auto_free char *text = human_size4(reclaimed);
	printf("Total reclaimed space: %s\n", text);
}
