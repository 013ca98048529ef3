/* search */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/filter.h"
#include "cmd/format/human.h"
#include "cmd/format/listing.h"
#include "cmd/registry_opts.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/search.h"

enum { DEFAULT_LIMIT = 25, LIMIT_MAX = 100, DESCRIPTION_WIDTH = 45, TAGS_MAX = 1000000 };

struct search {
	struct registry_opts registry;
	bool compatible, list_tags, no_trunc;
	char *format;
	struct strv filter;
	int64_t limit;
	/* From the filters. */
	bool has_official, official, has_automated, automated;
	int64_t stars;
};

static const struct listing_column fields[] = {
	{"Name", "NAME"},
	{"Description", "DESCRIPTION"},
	{"StarCount", "STARS"},
	{"IsOfficial", "OFFICIAL"},
	{"IsAutomated", "AUTOMATED"},
	{"Index", "INDEX", .is_extra = true},
	{"Stars", "STARS", .is_extra = true},
	{"Official", "OFFICIAL", .is_extra = true},
	{"Automated", "AUTOMATED", .is_extra = true},
	{0},
};

static int read_filters(struct search *a, struct err *e)
{
	int r = filter_check(&a->filter, "is-automated is-official stars", e);
	if (r == 0)
		r = filter_bool(&a->filter, "is-official", &a->has_official, &a->official, e);
	if (r == 0)
		r = filter_bool(&a->filter, "is-automated", &a->has_automated, &a->automated, e);
	for (size_t i = 0; i < a->filter.n && r == 0; i++) {
		const char *v = filter_value(a->filter.v[i], "stars");
		int64_t stars;
		if (v && !parse_i64(v, &stars))
			r = err_set(e, EINVAL,
				"invalid filter 'stars=%s': strconv.Atoi: parsing \"%s\": invalid "
				"syntax",
				v, v);
		else if (v && stars > a->stars)
			a->stars = stars;
	}
	if (a->has_automated)
		fputs("WARNING: the \"is-automated\" filter is deprecated, and searching for "
		      "\"is-automated=true\" will not yield any results in future.\n",
			stderr);
	return r;
}

/* The registry is the first part where that can only be a host, else Docker Hub. Both owned. */
static int split_term(const char *term, char **domain, char **query, struct err *e)
{
	if (strstr(term, "://"))
		return err_set(e, EINVAL,
			"invalid repository name: repository name (%s) should not have a scheme",
			term);
	const char *slash = strchr(term, '/');
	size_t n = slash ? (size_t)(slash - term) : 0;
	auto_free char *first = xstrndup(term, n);
	bool is_host = slash && (strpbrk(first, ".:") || !strcmp(first, "localhost"));
	if (is_host && !strcmp(first, "index.docker.io")) {
		free(take_ptr(first));
		first = xstrdup("docker.io");
	}
	*domain = is_host ? take_ptr(first) : xstrdup("docker.io");
	*query = xstrdup(is_host ? slash + 1 : term);
	return 0;
}

static bool is_wanted(const struct search *a, const json_t *found)
{
	if (a->has_official && json_bool_or(found, "official", false) != a->official)
		return false;
	return json_int_or(found, "stars", 0) >= a->stars;
}

/* is_json: for {{json .}}, where Docker's truths are words, as a template's are marks. */
static json_t *row_of(const struct search *a, const json_t *found, const char *index,
	bool with_index, bool is_json)
{
	json_t *row = json_object();
	const char *description = json_str_or(found, "description", "");
	bool official = json_bool_or(found, "official", false);
	auto_free char *cut = human_ellipsis(description, DESCRIPTION_WIDTH);
	auto_free char *stars = xasprintf("%lld", (long long)json_int_or(found, "stars", 0));
	auto_free char *name = xasprintf("%s%s%s", with_index ? index : "", with_index ? "/" : "",
		json_str_or(found, "name", ""));
	json_set_str(row, "Description", a->no_trunc ? description : cut);
	json_set_str(row, "IsAutomated", is_json ? "false" : "");
	json_set_str(row, "IsOfficial",
		is_json    ? official ? "true" : "false"
		: official ? "[OK]"
			   : "");
	json_set_str(row, "Name", name);
	json_set_str(row, "StarCount", stars);
	json_set_str(row, "Index", index);
	json_set_str(row, "Stars", stars);
	json_set_str(row, "Official", official ? "[OK]" : "");
	json_set_str(row, "Automated", json_bool_or(found, "automated", false) ? "[OK]" : "");
	return row;
}

static bool is_json_format(const char *format)
{
	return format && (!strcmp(format, "json") || !strcmp(format, "{{json .}}"));
}

static int print(const struct search *a, const json_t *rows, struct err *e)
{
	const struct listing l = {
		.fields = fields,
		.default_table =
			a->compatible
				? "table {{.Name}}\t{{.Description}}\t{{.Stars}}\t{{.Official}}"
				  "\t{{.Automated}}"
				: "table {{.Name}}\t{{.Description}}\t{{.StarCount}}"
				  "\t{{.IsOfficial}}",
		.type_name = "*registry.searchContext",
	};
	return listing_print(&l, rows, a->format, false, e);
}

static int find(
	struct cmd_call *call, const struct search *a, const struct pull_options *o, struct err *e)
{
	auto_free char *domain = NULL, *query = NULL;
	auto_json found = NULL;
	auto_json rows = json_array();
	bool from_catalog = false;
	size_t i;
	json_t *entry;
	if (a->limit > LIMIT_MAX)
		return err_set(e, EINVAL, "limit %lld is outside the range of [1, %d]",
			(long long)a->limit, LIMIT_MAX);
	int r = split_term(call->argv[0], &domain, &query, e);
	/* Nothing is, says Docker, and asks nobody. */
	if (r == 0 && !(a->has_automated && a->automated))
		r = image_search(call->store, domain, query,
			a->limit < 1 ? DEFAULT_LIMIT : a->limit, o, &found, &from_catalog, e);
	if (r < 0)
		return r;
	json_array_foreach (found, i, entry)
		if (is_wanted(a, entry))
			json_array_append_new(rows,
				row_of(a, entry, domain, from_catalog, is_json_format(a->format)));
	return print(a, rows, e);
}

/* ---- --list-tags ---- */

static int print_tags(
	const struct search *a, const char *name, const struct strv *tags, struct err *e)
{
	static const struct listing_column tag_fields[] = {{"Name", "NAME"}, {"Tag", "TAG"}, {0}};
	const struct listing l = {.fields = tag_fields,
		.default_table = "table {{.Name}}\t{{.Tag}}",
		.type_name = "*registry.searchContext"};
	if (a->format && !strcmp(a->format, "json")) {
		/* As Podman prints it: one list of all. */
		auto_json all = json_array();
		json_array_append_new(
			all, json_pack("{s:s, s:o}", "Name", name, "Tags", json_from_strv(tags)));
		auto_free char *text = json_dumps(all, JSON_INDENT(4));
		puts(text);
		return 0;
	}
	auto_json rows = json_array();
	for (size_t i = 0; i < tags->n; i++)
		json_array_append_new(
			rows, json_pack("{s:s, s:s}", "Name", name, "Tag", tags->v[i]));
	return listing_print(&l, rows, a->format, false, e);
}

static int list_tags(
	struct cmd_call *call, const struct search *a, const struct pull_options *o, struct err *e)
{
	auto_strv tags = STRV_INIT;
	if (a->filter.n) {
		err_set(e, EINVAL, "filters are not applicable to list tags result");
		return err_status(e, 125);
	}
	int64_t limit = a->limit < 1 ? TAGS_MAX : a->limit;
	int r = image_search_tags(call->store, call->argv[0], limit, o, &tags, e);
	return r < 0 ? r : print_tags(a, call->argv[0], &tags, e);
}

static int search_run(struct cmd_call *call, void *args, struct err *e)
{
	struct search *a = args;
	struct pull_options o = registry_pull_options(call, &a->registry);
	o.has_retries = true;
	o.retries = 1;
	if (a->list_tags)
		return list_tags(call, a, &o, e);
	int r = read_filters(a, e);
	return r < 0 ? r : find(call, a, &o, e);
}

static const char *const aliases[] = {"image search", NULL};

// clang-format off
static const struct opt opts[] = {
	{"compatible", 0, OPT_BOOL, FIELD(struct search, compatible), "",
		"Show whether an image is built automatically, too"},
	{"filter", 'f', OPT_FILTER, FIELD(struct search, filter), "filter",
		"Filter output based on conditions provided"},
	{"format", 0, OPT_STR, FIELD(struct search, format), "string",
		"Pretty-print search using a Go template"},
	{"limit", 0, OPT_INT, FIELD(struct search, limit), "int", "Max number of search results"},
	{"list-tags", 0, OPT_BOOL, FIELD(struct search, list_tags), "",
		"List the tags of the repository that is named"},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct search, no_trunc), "", "Don't truncate output"},
	OPT_SHARED(struct search, registry, registry_creds_rows),
	{0},
};
// clang-format on

const struct cmd cmd_search = {
	.name = "search",
	.aliases = aliases,
	.brief = "Search Docker Hub, or another registry, for images",
	.operands = "TERM",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct search),
	.run = search_run,
	.about = "Docker Hub is asked; with HOST[:PORT]/TERM that registry: first for an index, as "
		 "Docker Hub has one, else for the list of its repositories (HOST/ alone lists "
		 "all). "
		 "Filters: is-official=BOOL, stars=NUMBER (that many or more), is-automated=BOOL "
		 "(nothing is, any more).",
	.examples = "moss search --limit 5 postgres\n"
		    "moss search localhost:5000/\n"
		    "moss search --list-tags localhost:5000/team/app",
};
