#include "cmd/prune.h"

#include <errno.h>

#include "base/clock.h"
#include "base/err.h"
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

int prune_wish_parse(
	const struct strv *typed, const char *const *known, struct prune_wish *out, struct err *e)
{
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
