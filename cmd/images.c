/* images: a row for each name of each image. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/client_config.h"
#include "cmd/cmd.h"
#include "cmd/filter.h"
#include "cmd/format/human.h"
#include "cmd/format/listing.h"
#include "cmd/image_names.h"
#include "registry/reference.h"
#include "storage/image.h"

enum { SHORT_ID = 12 };

struct images {
	bool all, digests, no_trunc, quiet, needs_digests;
	char *format;
	struct strv filter;
	/* From the filters. */
	bool has_dangling, dangling, has_reference;
	int64_t before_ns, since_ns, until_ns; /* 0 = not given */
};

static const struct listing_column fields[] = {
	{"Repository", "REPOSITORY"},
	{"Tag", "TAG"},
	{"Digest", "DIGEST"},
	{"ID", "IMAGE ID"},
	{"CreatedSince", "CREATED"},
	{"CreatedAt", "CREATED AT"},
	{"Size", "SIZE"},
	{"Containers", "CONTAINERS"},
	{"SharedSize", "SHARED SIZE"},
	{"UniqueSize", "UNIQUE SIZE"},
	{"VirtualSize", "SIZE"},
	{0},
};

static int read_filters(struct cmd_call *call, struct images *a, struct err *e)
{
	int r = filter_check(&a->filter, "dangling label label! before since until reference", e);
	if (r == 0)
		r = filter_bool(&a->filter, "dangling", &a->has_dangling, &a->dangling, e);
	for (size_t i = 0; i < a->filter.n && r >= 0; i++) {
		const char *f = a->filter.v[i], *v;
		struct image image = {0};
		a->has_reference |= filter_value(f, "reference") != NULL;
		if ((v = filter_value(f, "until")))
			r = filter_time(v, &a->until_ns, e);
		if (!(v = filter_value(f, "before")) && !(v = filter_value(f, "since")))
			continue;
		r = image_named(call->store, v, &image, e);
		*(filter_value(f, "before") ? &a->before_ns : &a->since_ns) = image.created_ns;
		image_deinit(&image);
	}
	return r;
}

/* Each reference filter is a pattern for the name as shown, with or without its tag. */
static bool name_matches(const struct images *a, const char *full)
{
	if (!a->has_reference)
		return true;
	struct err ignored = {0};
	auto_reference ref = {0};
	if (reference_parse(full, false, &ref, &ignored) < 0)
		return false;
	auto_free char *shown = reference_familiar(&ref), *name = reference_familiar_name(&ref);
	for (size_t i = 0; i < a->filter.n; i++) {
		const char *pattern = filter_value(a->filter.v[i], "reference");
		if (pattern && (fnmatch(pattern, shown, FNM_PATHNAME) == 0 ||
				       fnmatch(pattern, name, FNM_PATHNAME) == 0))
			return true;
	}
	return false;
}

static bool image_matches(const struct images *a, const struct image *i, const json_t *config)
{
	bool is_dangling = !i->names[0] && !i->digests[0];
	if (a->has_dangling && a->dangling != is_dangling)
		return false;
	if (is_dangling && a->has_reference)
		return false;
	if ((a->before_ns && i->created_ns >= a->before_ns) ||
		(a->since_ns && i->created_ns <= a->since_ns) ||
		(a->until_ns && i->created_ns >= a->until_ns))
		return false;
	return filter_labels(&a->filter, json_at(config, "config/Labels"));
}

/* As Go's time.Time prints: "2026-11-21 01:59:10 +0000 UTC". Owned. */
static char *created_at(int64_t ns)
{
	time_t t = ns / NS_PER_S;
	struct tm tm;
	char text[64];
	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return xstrdup(text);
}

static void add_row(json_t *rows, const struct images *a, const struct image *i, const char *repo,
	const char *tag, const char *digest)
{
	json_t *row = json_object();
	const char *hex = str_after(i->id, "sha256:");
	auto_free char *short_id = xstrndup(hex ? hex : i->id, SHORT_ID);
	auto_free char *at = created_at(i->created_ns), *size = human_size(i->size);
	auto_free char *size4 = human_size4(i->size);
	auto_free char *age = i->created_ns ? human_duration(clock_now_ns() - i->created_ns) : NULL;
	auto_free char *since = age ? xasprintf("%s ago", age) : xstrdup("N/A");
	json_set_str(row, "Containers", "N/A");
	json_set_str(row, "CreatedAt", at);
	json_set_str(row, "CreatedSince", since);
	json_set_str(row, "Digest", digest);
	json_set_str(row, "ID", a->no_trunc ? i->id : short_id);
	json_set_str(row, "Repository", repo);
	json_set_str(row, "SharedSize", "N/A");
	json_set_str(row, "Size", size);
	json_set_str(row, "Tag", tag);
	json_set_str(row, "UniqueSize", "N/A");
	json_set_str(row, "VirtualSize", size4);
	json_array_append_new(rows, row);
}

static char *repository_of(const char *full, char **tag, char **digest)
{
	struct err ignored = {0};
	auto_reference ref = {0};
	*tag = *digest = NULL;
	if (reference_parse(full, false, &ref, &ignored) < 0)
		return xstrdup(full);
	*tag = take_ptr(ref.tag);
	*digest = take_ptr(ref.digest);
	return reference_familiar_name(&ref);
}

/* A row for each tag; with --digests one for each digest of the tag's repository too. */
static void add_tag(json_t *rows, const struct images *a, const struct image *i, const char *full)
{
	auto_free char *tag = NULL, *digest = NULL;
	auto_free char *repo = repository_of(full, &tag, &digest);
	bool has_row = false;
	for (char **d = i->digests; a->needs_digests && *d; d++) {
		auto_free char *no_tag = NULL, *of = NULL;
		auto_free char *its_repo = repository_of(*d, &no_tag, &of);
		if (strcmp(its_repo, repo) != 0 || !name_matches(a, *d))
			continue;
		add_row(rows, a, i, repo, tag ? tag : "<none>", of ? of : "<none>");
		has_row = true;
	}
	if (!has_row)
		add_row(rows, a, i, repo, tag ? tag : "<none>", "<none>");
}

static bool repository_has_tag(const struct images *a, const struct image *i, const char *repo)
{
	for (char **n = i->names; *n; n++) {
		auto_free char *tag = NULL, *digest = NULL;
		auto_free char *its_repo = repository_of(*n, &tag, &digest);
		if (!strcmp(its_repo, repo) && name_matches(a, *n))
			return true;
	}
	return false;
}

static void add_image(json_t *rows, const struct images *a, const struct image *i)
{
	if (!i->names[0] && !i->digests[0]) {
		add_row(rows, a, i, "<none>", "<none>", "<none>");
		return;
	}
	for (char **n = i->names; *n; n++)
		if (name_matches(a, *n))
			add_tag(rows, a, i, *n);
	for (char **d = i->digests; *d; d++) {
		auto_free char *tag = NULL, *digest = NULL;
		auto_free char *repo = repository_of(*d, &tag, &digest);
		if (name_matches(a, *d) && !repository_has_tag(a, i, repo))
			add_row(rows, a, i, repo, "<none>",
				a->needs_digests && digest ? digest : "<none>");
	}
}

static int print(
	const struct cmd_call *call, const struct images *a, const json_t *rows, struct err *e)
{
	/* -q asks for ids, whatever the configuration says. */
	auto_free char *configured =
		a->format || a->quiet ? NULL : client_config_text(call->globals, "imagesFormat");
	struct listing l = {
		.fields = fields,
		.default_table = a->digests
					 ? "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}"
					   "\t{{.CreatedSince}}\t{{.Size}}"
					 : "table {{.Repository}}\t{{.Tag}}\t{{.ID}}"
					   "\t{{.CreatedSince}}\t{{.Size}}",
		.quiet_format = "{{.ID}}",
		.raw_format = "repository: {{.Repository}}\\ntag: {{.Tag}}\\nimage_id: {{.ID}}\\n"
			      "created_at: {{.CreatedAt}}\\nvirtual_size: {{.Size}}\\n",
		.type_name = "*formatter.imageContext",
	};
	return listing_print(&l, rows, a->format ? a->format : configured, a->quiet, e);
}

static int images_run(struct cmd_call *call, void *args, struct err *e)
{
	struct images *a = args;
	if (call->argc > 0 && *call->argv[0])
		strv_addf(&a->filter, "reference=%s", call->argv[0]);
	/* As Docker: only a template that has exactly this asks for them. */
	a->needs_digests = a->digests || (a->format && strstr(a->format, "{{.Digest}}"));
	int r = read_filters(call, a, e);
	if (r < 0)
		return r;
	struct image *list = NULL;
	size_t n = 0;
	r = image_list(call->store, &list, &n, e);
	if (r < 0)
		return r;
	auto_json rows = json_array();
	for (size_t i = 0; i < n; i++) {
		struct err ignored = {0};
		auto_json config = json_parse(
			list[i].config, strlen(list[i].config), "image config", &ignored);
		if (image_matches(a, &list[i], config))
			add_image(rows, a, &list[i]);
		image_deinit(&list[i]);
	}
	free(list);
	return print(call, a, rows, e);
}

static const char *const aliases[] = {"image ls", "image list", NULL};

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct images, all), "",
		"Show all images (default hides intermediate images)"},
	{"digests", 0, OPT_BOOL, FIELD(struct images, digests), "", "Show digests"},
	{"filter", 'f', OPT_LIST, FIELD(struct images, filter), "filter",
		"Filter output based on conditions provided"},
	{"format", 0, OPT_STR, FIELD(struct images, format), "string",
		"Format output using a custom template:\n"
		"'table':            Print output in table format with column headers (default)\n"
		"'table TEMPLATE':   Print output in table format using the given Go template\n"
		"'json':             Print in JSON format\n"
		"'TEMPLATE':         Print output using the given Go template"},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct images, no_trunc), "", "Don't truncate output"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct images, quiet), "", "Only show image IDs"},
	{"tree", 0, OPT_UNSUPPORTED, 0, "", "List multi-platform images as a tree",
		.flags = OPTF_HIDDEN},
	{0},
};
// clang-format on

const struct cmd cmd_images = {
	.name = "images",
	.aliases = aliases,
	.brief = "List images",
	.operands = "[REPOSITORY[:TAG]]",
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.args_size = sizeof(struct images),
	.run = images_run,
};
