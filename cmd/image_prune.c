/* image prune */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/filter.h"
#include "cmd/image_names.h"
#include "cmd/prune.h"
#include "engine/event.h"
#include "engine/image_remove.h"
#include "engine/size.h"
#include "storage/image.h"
#include "storage/store.h"

struct image_prune {
	bool all, force;
	struct strv filter;
};

static bool is_prunable(const struct image *i, const struct image *list, size_t n,
	const struct prune_wish *w, bool all)
{
	bool has_name = i->names[0] || i->digests[0];
	if ((all && i->n_containers > 0) || (!all && i->names[0]))
		return false;
	/* One on the way to others goes with the last of them. */
	if (!has_name && image_has_children(list, n, i->id))
		return false;
	if (!prune_wish_time(w, i->created_ns))
		return false;
	if (!prune_wish_has_labels(w))
		return true;
	struct err ignored;
	auto_json config = json_parse(i->config, strlen(i->config), "image config", &ignored);
	return prune_wish_labels(w, json_at(config, "config/Labels"));
}

/* What is in the way of one (a container, another image) is no failure: it stays. */
static void remove_by(struct store *s, const struct image *i, const char *typed,
	const char *reference, struct strv *lines)
{
	struct err why = {0};
	if (image_remove(s, i, typed, reference, 0, lines, &why) < 0)
		log_debug("%s", why.msg);
}

static void remove_image(struct store *s, const struct image *i, struct strv *lines)
{
	char **const lists[] = {i->names, i->digests};
	if (!i->names[0] && !i->digests[0])
		remove_by(s, i, i->id, NULL, lines);
	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (char **name = lists[k]; *name; name++) {
			auto_free char *shown = image_familiar(*name);
			remove_by(s, i, shown, *name, lines);
		}
}

int prune_images(
	struct store *s, const struct prune_wish *w, bool all, int64_t *reclaimed, struct err *e)
{
	struct image *list = NULL;
	size_t n = 0;
	auto_strv lines = STRV_INIT;
	bool is_counting = s->freed != NULL;
	int r = is_counting ? 0 : size_freed_begin(s, e);
	if (r < 0)
		return r;
	int64_t before = *s->freed;
	r = image_list(s, &list, &n, e);
	for (size_t i = 0; i < n; i++)
		if (is_prunable(&list[i], list, n, w, all))
			remove_image(s, &list[i], &lines);
	image_list_free(list, n);
	*reclaimed = *s->freed - before;
	if (!is_counting)
		(void)size_freed_end(s);
	for (size_t i = 0; i < lines.n; i++) {
		/* "Untagged: x" of rmi is "untagged: x" here. */
		*lines.v[i] = (char)tolower((unsigned char)*lines.v[i]);
		printf("%s%s\n", i ? "" : "Deleted Images:\n", lines.v[i]);
	}
	if (lines.n)
		puts("");
	return r < 0 ? r : event_prune(s, "image", *reclaimed, e);
}

/* dangling= says the same as the lack of --all, or contradicts it. */
static int check_dangling(const struct image_prune *a, struct err *e)
{
	auto_strv all = STRV_INIT;
	bool given, wanted;
	strv_copy(&all, &a->filter);
	strv_addf(&all, "dangling=%s", a->all ? "false" : "true");
	return filter_bool(&all, "dangling", &given, &wanted, e);
}

static int prune_run(struct cmd_call *call, void *args, struct err *e)
{
	static const char *const known[] = {"dangling", "label", "label!", "until", NULL};
	struct image_prune *a = args;
	auto_prune_wish wish = {.filters.names = STRV_INIT};
	int64_t reclaimed;
	int r = prune_wish_read(call->globals, &a->filter, known, &wish, e);
	if (r == 0)
		r = check_dangling(a, e);
	if (r < 0)
		return r;
	if (!a->force &&
		!confirm_removal(a->all ? "all images without at least one container associated "
					  "to them"
					: "all dangling images"))
		return 0;
	r = prune_images(call->store, &wish, a->all, &reclaimed, e);
	if (r < 0)
		return r;
	prune_tell(reclaimed);
	return 0;
}

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct image_prune, all), "",
		"Remove all unused images, not just dangling ones"},
	{"build-cache", 0, OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN,
		.hint = "what builds keep is not removed with images"},
	{"external", 0, OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN,
		.hint = "no other tool keeps containers in a store of moss"},
	{"filter", 0, OPT_FILTER, FIELD(struct image_prune, filter), "filter",
		"Provide filter values (e.g. \"until=<timestamp>\")"},
	{"force", 'f', OPT_BOOL, FIELD(struct image_prune, force), "",
		"Do not prompt for confirmation"},
	{0},
};
// clang-format on

const struct cmd cmd_image_prune = {
	.name = "image prune",
	.brief = "Remove unused images",
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct image_prune),
	.run = prune_run,
	.about =
		"Removes images without a tag, with --all every image that no container was made "
		"from; for good, undo does not bring them back. Filters: dangling=BOOL, "
		"label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME (made before then). "
		"pruneFilters of Docker's config.json are added. The space it tells is what became "
		"free on the disk: layers that other images, containers or the trash have stay.",
	.examples = "moss image prune -af --filter until=240h",
};
