#include "registry/search.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/client.h"
#include "registry/failure.h"

enum { PAGES_MAX = 1000 };

static const char hub_registry[] = "registry-1.docker.io", hub_index[] = "index.docker.io";

/* Docker Hub's search is at a host of its own. True where it is that. */
static bool aim_at_index(struct client *c)
{
	if (strcmp(c->host, hub_registry) != 0)
		return false;
	free(c->host);
	c->host = xstrdup(hub_index);
	return true;
}

static int ask_index(struct client *c, const char *query, size_t limit, json_t *results,
	const char **kind, struct err *e)
{
	char *escaped = curl_easy_escape(NULL, query, 0);
	char *url = xasprintf("%s/v1/search?q=%s&n=%zu", c->base, escaped ? escaped : "", limit);
	auto_buf body = BUF_INIT;
	curl_free(escaped);
	int r = client_page(c, url, SEARCH_PAGE_MAX, &body, NULL, kind, e);
	if (r < 0)
		return r;
	r = search_read_index(body.data ? body.data : "", body.len, limit, results, e);
	if (r < 0)
		*kind = "corrupt";
	return r < 0 ? err_ctx(e, "error decoding registry search results") : r;
}

static int ask_catalog(struct client *c, const char *query, size_t limit, json_t *results,
	const char **kind, struct err *e)
{
	auto_free char *url = xasprintf("%s/v2/_catalog", c->base);
	int r = 0;
	free(c->scope);
	c->scope = xstrdup("registry:catalog:*");
	for (int page = 0; r == 0 && url && page < PAGES_MAX; page++) {
		auto_buf body = BUF_INIT;
		char *next = NULL;
		r = client_page(c, take_ptr(url), SEARCH_PAGE_MAX, &body, &next, kind, e);
		url = next;
		if (r == 0)
			r = search_read_catalog(
				body.data ? body.data : "", body.len, query, limit, results, e);
		if (json_array_size(results) >= limit)
			break;
	}
	return r;
}

int search_registry(struct client *c, const char *query, size_t limit, json_t **results,
	int *from_catalog, const char **kind, struct err *e)
{
	bool is_hub = aim_at_index(c);
	const char *in_hub = is_hub ? str_after(query, "library/") : NULL;
	struct err first = {0};
	*kind = "network";
	*from_catalog = 0;
	*results = json_array();
	int r = client_connect(c, e);
	if (r == 0 && (is_hub || *query)) {
		r = ask_index(c, in_hub ? in_hub : query, limit, *results, kind, &first);
		/* A registry without an index says so in whatever way: the catalog decides. */
		if (r == 0)
			return 0;
		if (is_hub) {
			*e = first;
			return r;
		}
		(void)json_array_clear(*results);
		log_debug("no index: %s", first.msg);
		r = 0;
	}
	/* Which of two failures tells more: that of an index which is there. */
	bool has_index = first.code && strcmp(*kind, "bad-request") != 0;
	const char *index_kind = *kind;
	*from_catalog = 1;
	if (r == 0)
		r = ask_catalog(c, query, limit, *results, kind, e);
	if (r < 0 && has_index) {
		*e = first;
		*kind = index_kind;
	}
	return r < 0 ? -e->code : 0;
}
