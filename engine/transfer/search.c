#include "engine/transfer/search.h"

#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/pull.h"
#include "registry/reference.h"

enum { RESULTS_MAX = 16 * 1024 * 1024 };

static void set_printable(json_t *o, const char *key, const json_t *entry)
{
	auto_free char *text = xstrdup(json_str_or(entry, key, ""));
	shown_text(text, "");
	json_set_str(o, key, text);
}

/* What a fetcher wrote is text of its own making; its shape is not taken for granted. */
static json_t *read_results(int fd, struct err *e)
{
	auto_buf text = BUF_INIT;
	int r = read_fd(fd, RESULTS_MAX, &text);
	if (r < 0) {
		err_sysn(e, -r, "cannot read the results");
		return NULL;
	}
	auto_json found = json_parse(text.data ? text.data : "", text.len, "search results", e);
	if (!found)
		return NULL;
	json_t *results = json_array(), *entry;
	size_t i;
	json_array_foreach (found, i, entry) {
		json_t *o = json_object();
		set_printable(o, "name", entry);
		set_printable(o, "description", entry);
		json_set_int(o, "stars", json_int_or(entry, "stars", 0));
		json_set_bool(o, "official", json_bool_or(entry, "official", false));
		json_set_bool(o, "automated", json_bool_or(entry, "automated", false));
		json_array_append_new(results, o);
	}
	return results;
}

int image_search(struct store *s, const char *domain, const char *query, int64_t limit,
	const struct pull_options *o, json_t **results, bool *from_catalog, struct err *e)
{
	/* The repository is only a place to look credentials up for. */
	const struct reference ref = {.domain = (char *)domain, .path = (char *)"search"};
	struct fetcher f = FETCHER_INIT;
	*results = NULL;
	int r = fetcher_start(s, &ref, o, &f, e);
	if (r == 0)
		r = fetcher_ready(&f, e);
	auto_fd fd = r < 0 ? -1 : fetcher_search(&f, query, limit, from_catalog, e);
	fetcher_stop(&f);
	if (r < 0 || fd < 0)
		return -e->code;
	*results = read_results(fd, e);
	return *results ? 0 : -e->code;
}

int image_search_tags(struct store *s, const char *typed, int64_t limit,
	const struct pull_options *o, struct strv *tags, struct err *e)
{
	auto_reference ref = {0};
	struct fetcher f = FETCHER_INIT;
	auto_buf text = BUF_INIT;
	auto_strv lines = STRV_INIT;
	int r = reference_parse(typed, false, &ref, e);
	if (r < 0)
		return r;
	auto_free char *name = reference_name(&ref);
	r = fetcher_start(s, &ref, o, &f, e);
	if (r == 0)
		r = fetcher_ready(&f, e);
	auto_fd fd = r < 0 ? -1 : fetcher_tags(&f, name, e);
	fetcher_stop(&f);
	if (r < 0 || fd < 0)
		return -e->code;
	r = read_fd(fd, RESULTS_MAX, &text);
	if (r < 0)
		return err_sysn(e, -r, "cannot read the list of tags");
	strv_split(&lines, text.data ? text.data : "", '\n');
	for (size_t i = 0; i < lines.n && (int64_t)tags->n < limit; i++)
		if (*lines.v[i])
			strv_add(tags, lines.v[i]);
	return 0;
}
