/* images: a row for each name of each image. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/client_config.h"
#include "cmd/cmd.h"
#include "cmd/format/listing.h"
#include "cmd/image_filter.h"
#include "cmd/image_names.h"
#include "cmd/image_row.h"
#include "cmd/images_tree.h"
#include "engine/image_name.h"
#include "registry/reference.h"
#include "storage/image.h"

struct images {
	bool all, digests, history, no_heading, no_trunc, quiet, tree, needs_digests;
	char *format, *sort;
	struct strv filter;
	struct image_filter wanted; /* from filter */
	struct store *store;
};

/* A row, with what it is sorted by. */
struct row {
	const struct image *image;
	char *repo, *tag;
	json_t *object;
};

struct rows {
	struct row *v;
	size_t n;
};

static void rows_free(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].repo);
		free(r->v[i].tag);
		json_decref(r->v[i].object);
	}
	free(r->v);
}
#define auto_rows __attribute__((cleanup(rows_free))) struct rows

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
	{"History", "HISTORY", .is_extra = true},
	{0},
};

/* Names it has, and others that it once got here. Owned. */
static char *names_ever(struct store *s, const struct image *i)
{
	auto_strv names = STRV_INIT;
	for (char **n = i->names; *n; n++)
		strv_take(&names, image_familiar(*n));
	image_names_past(s, i->id, &names);
	return strv_join(&names, ", ");
}

static void add_row(struct rows *rows, const struct images *a, const struct image *i,
	const char *repo, const char *tag, const char *digest)
{
	json_t *row = image_row(i, repo, tag, digest, a->no_trunc);
	auto_free char *history = a->history ? names_ever(a->store, i) : NULL;
	json_set_str(row, "History", history ? history : "");
	rows->v = xrealloc(rows->v, (rows->n + 1) * sizeof(*rows->v));
	rows->v[rows->n++] = (struct row){i, xstrdup(repo), xstrdup(tag), row};
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
static void add_tag(
	struct rows *rows, const struct images *a, const struct image *i, const char *full)
{
	auto_free char *tag = NULL, *digest = NULL;
	auto_free char *repo = repository_of(full, &tag, &digest);
	bool has_row = false;
	for (char **d = i->digests; a->needs_digests && *d; d++) {
		auto_free char *no_tag = NULL, *of = NULL;
		auto_free char *its_repo = repository_of(*d, &no_tag, &of);
		if (strcmp(its_repo, repo) != 0 || !image_filter_name(&a->wanted, *d))
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
		if (!strcmp(its_repo, repo) && image_filter_name(&a->wanted, *n))
			return true;
	}
	return false;
}

static void add_image(struct rows *rows, const struct images *a, const struct image *i)
{
	if (!i->names[0] && !i->digests[0]) {
		add_row(rows, a, i, "<none>", "<none>", "<none>");
		return;
	}
	for (char **n = i->names; *n; n++)
		if (image_filter_name(&a->wanted, *n))
			add_tag(rows, a, i, *n);
	for (char **d = i->digests; *d; d++) {
		auto_free char *tag = NULL, *digest = NULL;
		auto_free char *repo = repository_of(*d, &tag, &digest);
		if (image_filter_name(&a->wanted, *d) && !repository_has_tag(a, i, repo))
			add_row(rows, a, i, repo, "<none>",
				a->needs_digests && digest ? digest : "<none>");
	}
}

/* Docker's order is the newest first, which the list comes in; the others are Podman's. */
static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->image->id, ((const struct row *)b)->image->id);
}

static int by_repository(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->repo, y->repo);
	return order ? order : strcmp(x->tag, y->tag);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = ((const struct row *)a)->image->size, y = ((const struct row *)b)->image->size;
	return (x > y) - (x < y);
}

static int by_tag(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->tag, y->tag);
	return order ? order : strcmp(x->repo, y->repo);
}

static int sort(struct rows *rows, const char *by, struct err *e)
{
	static const struct {
		const char *name;
		int (*compare)(const void *, const void *);
	} orders[] = {{"created", NULL}, {"id", by_id}, {"repository", by_repository},
		{"size", by_size}, {"tag", by_tag}};
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (strcmp(by, orders[i].name) != 0)
			continue;
		if (orders[i].compare && rows->n)
			qsort(rows->v, rows->n, sizeof(*rows->v), orders[i].compare);
		return 0;
	}
	err_set(e, EINVAL,
		"\"%s\" is not a valid field for sorting. Choose from: created, id, repository, "
		"size, tag",
		by);
	return err_status(e, 125);
}

static char *default_table(const struct images *a)
{
	return xasprintf("table {{.Repository}}\t{{.Tag}}%s\t{{.ID}}"
			 "\t{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}%s",
		a->digests ? "\t{{.Digest}}" : "", a->history ? "\t{{.History}}" : "");
}

static int print(
	const struct cmd_call *call, const struct images *a, const struct rows *rows, struct err *e)
{
	/* -q asks for ids, whatever the configuration says. */
	auto_free char *configured =
		a->format || a->quiet ? NULL : client_config_text(call->globals, "imagesFormat");
	auto_free char *table = default_table(a);
	const char *format = a->format ? a->format : configured;
	struct listing l = {
		.fields = fields,
		.default_table = table,
		.quiet_format = "{{.ID}}",
		.raw_format = "repository: {{.Repository}}\\ntag: {{.Tag}}\\nimage_id: {{.ID}}\\n"
			      "created_at: {{.CreatedAt}}\\nvirtual_size: {{.Size}}\\n",
		.type_name = "*formatter.imageContext",
	};
	auto_json objects = json_array();
	for (size_t i = 0; i < rows->n; i++)
		json_array_append(objects, rows->v[i].object);
	if (!a->no_heading)
		return listing_print(&l, objects, format, a->quiet, e);
	return listing_print_bare(&l, objects, format, a->quiet, e);
}

/* What Docker refuses beside --tree. */
static int check_tree(const struct images *a, struct err *e)
{
	const char *other = a->quiet      ? "--quiet"
			    : a->no_trunc ? "--no-trunc"
			    : a->digests  ? "--show-digest"
			    : a->format   ? "--format"
			    : a->history  ? "--history"
					  : NULL;
	return other ? err_set(e, EINVAL, "%s is not yet supported with --tree", other) : 0;
}

static bool is_shown(
	const struct images *a, const struct image *i, const struct image *list, size_t n)
{
	bool is_inner = !i->names[0] && !i->digests[0] && image_has_children(list, n, i->id);
	/* Steps on the way to another image are only shown where they are asked for. */
	if (is_inner && !a->all && !(a->wanted.has_intermediate && a->wanted.intermediate))
		return false;
	return image_filter_match(&a->wanted, i, list, n);
}

static int show(
	struct cmd_call *call, struct images *a, const struct image *list, size_t n, struct err *e)
{
	auto_rows rows = {0};
	auto_free const struct image **shown = xcalloc(n + 1, sizeof(*shown));
	size_t n_shown = 0;
	for (size_t i = 0; i < n; i++)
		if (is_shown(a, &list[i], list, n))
			shown[n_shown++] = &list[i];
	if (a->tree)
		return images_tree(call->store, &a->wanted, shown, n_shown, e);
	for (size_t i = 0; i < n_shown; i++)
		add_image(&rows, a, shown[i]);
	int r = sort(&rows, a->sort, e);
	return r < 0 ? r : print(call, a, &rows, e);
}

static int images_run(struct cmd_call *call, void *args, struct err *e)
{
	struct images *a = args;
	struct image *list = NULL;
	size_t n = 0;
	a->store = call->store;
	if (call->argc > 0 && *call->argv[0])
		strv_addf(&a->filter, "reference=%s", call->argv[0]);
	/* As Docker: only a template that has exactly this asks for them. */
	a->needs_digests = a->digests || (a->format && strstr(a->format, "{{.Digest}}"));
	int r = a->tree ? check_tree(a, e) : 0;
	if (r == 0)
		r = image_filter_parse(call->store, &a->filter, &a->wanted, e);
	if (r == 0)
		r = image_list(call->store, &list, &n, e);
	if (r == 0)
		r = show(call, a, list, n, e);
	image_list_free(list, n);
	return r;
}

static const char *const aliases[] = {"image ls", "image list", NULL};

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct images, all), "",
		"Show all images (default hides intermediate images)"},
	{"digests", 0, OPT_BOOL, FIELD(struct images, digests), "", "Show digests"},
	{"filter", 'f', OPT_FILTER, FIELD(struct images, filter), "filter",
		"Filter output based on conditions provided"},
	{"format", 0, OPT_STR, FIELD(struct images, format), "string",
		"Format output using a custom template:\n"
		"'table':            Print output in table format with column headers (default)\n"
		"'table TEMPLATE':   Print output in table format using the given Go template\n"
		"'json':             Print in JSON format\n"
		"'TEMPLATE':         Print output using the given Go template"},
	{"history", 0, OPT_BOOL, FIELD(struct images, history), "",
		"Show the names that each image has and has had"},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct images, no_trunc), "", "Don't truncate output"},
	{"noheading", 'n', OPT_BOOL, FIELD(struct images, no_heading), "",
		"Do not print the headers of the columns"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct images, quiet), "", "Only show image IDs"},
	{"sort", 0, OPT_STR, FIELD(struct images, sort), "string",
		"Sort by created, id, repository, size or tag", .def = "created",
		.complete = COMPLETE_CHOICES, .choices = "created id repository size tag"},
	{"tree", 0, OPT_BOOL, FIELD(struct images, tree), "",
		"List each image with its platform, and what it takes on the disk"},
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
	.about = "Filters: before=IMAGE, since=IMAGE or after=IMAGE, containers=BOOL (one is made "
		 "of "
		 "it), dangling=BOOL, digest=DIGEST and id=ID (or how they begin), "
		 "intermediate=BOOL, label=KEY[=VALUE], reference=PATTERN, until=TIME; label, "
		 "reference, digest and id also as KEY!=. manifest=true and readonly=true match "
		 "nothing: a list of manifests is no image here.",
	.examples = "moss images --filter dangling=true -q\n"
		    "moss images --sort size --format 'table {{.Repository}}\\t{{.Size}}'",
};
