/* What foreign servers answer to a search, made harmless. */
#include "registry/search.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "registry/reference.h"

/* One line of at most max bytes, cut between characters. Owned. */
static char *plain_text(const char *s, size_t max)
{
	size_t n = strlen(s);
	if (n > max) {
		n = max;
		while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	char *text = xstrndup(s, n);
	for (char *p = text; *p; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	shown_text(text, "");
	return text;
}

static bool is_name(const char *name)
{
	struct err ignored;
	auto_reference ref = {0};
	return name && strlen(name) <= SEARCH_NAME_MAX &&
	       reference_parse(name, false, &ref, &ignored) == 0 && !ref.tag && !ref.digest;
}

static void add(json_t *results, const char *name, const json_t *entry)
{
	json_t *o = json_object();
	auto_free char *description =
		plain_text(json_str_or(entry, "description", ""), SEARCH_DESCRIPTION_MAX);
	json_set_str(o, "name", name);
	json_set_str(o, "description", description);
	json_set_int(o, "stars", json_int_or(entry, "star_count", 0));
	json_set_bool(o, "official", json_bool_or(entry, "is_official", false));
	json_set_bool(o, "automated", json_bool_or(entry, "is_automated", false));
	json_array_append_new(results, o);
}

int search_read_index(const char *text, size_t len, size_t limit, json_t *results, struct err *e)
{
	auto_json answer = json_parse(text, len, "search results", e);
	const json_t *list = json_at(answer, "results");
	size_t i;
	json_t *entry;
	if (!answer)
		return -e->code;
	if (!json_is_array(list))
		return err_set(e, EBADMSG, "search results: there is no list of results in them");
	json_array_foreach ((json_t *)list, i, entry) {
		const char *name = json_str(entry, "name");
		if (json_array_size(results) < limit && is_name(name))
			add(results, name, entry);
	}
	return 0;
}

int search_read_catalog(const char *text, size_t len, const char *query, size_t limit,
	json_t *results, struct err *e)
{
	auto_json answer = json_parse(text, len, "list of repositories", e);
	const json_t *list = json_at(answer, "repositories");
	size_t i;
	json_t *entry;
	if (!answer)
		return -e->code;
	if (!json_is_array(list) && !json_is_null(list))
		return err_set(e, EBADMSG, "list of repositories: there is none in the answer");
	json_array_foreach ((json_t *)list, i, entry) {
		const char *name = json_string_value(entry);
		if (json_array_size(results) < limit && is_name(name) && strstr(name, query))
			add(results, name, NULL);
	}
	return 0;
}
