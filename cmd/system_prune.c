/* system prune */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/filter.h"
#include "cmd/format/human.h"
#include "cmd/prune.h"
#include "engine/size.h"
#include "engine/transfer/kept_layer.h"
#include "engine/undo.h"
#include "storage/store.h"

struct system_prune {
	bool all, force, volumes;
	struct strv filter;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What interrupted pulls have kept has no labels. */
static bool takes_downloads(const struct system_prune *a) { return a->all && !a->filter.n; }

static bool is_confirmed(const struct store *s, const struct system_prune *a)
{
	auto_buf b = BUF_INIT;
	auto_strv filter = STRV_INIT;
	buf_puts(&b, "WARNING! This will remove:\n  - all stopped containers\n"
		     "  - all networks not used by at least one container\n");
	if (a->volumes)
		buf_puts(&b, "  - all anonymous volumes not used by at least one container\n");
	buf_puts(&b, a->all ? "  - all images without at least one container associated to them\n"
			      "  - all build cache\n"
			    : "  - all dangling images\n  - unused build cache\n");
	if (takes_downloads(a) && kept_downloads_any(s))
		buf_puts(&b, "  - all parts of interrupted pulls\n");
	strv_copy(&filter, &a->filter);
	if (filter.n) {
		qsort(filter.v, filter.n, sizeof(*filter.v), by_text);
		buf_puts(&b, "\n  Items to be pruned will be filtered with:\n");
	}
	for (size_t i = 0; i < filter.n; i++)
		buf_printf(&b, "  - %s\n", filter.v[i]);
	buf_putc(&b, '\n');
	return confirm_text(b.data);
}

static void prune_downloads(struct store *s)
{
	int64_t freed = kept_downloads_clear(s);
	auto_free char *text = human_size4(freed);
	if (freed > 0)
		printf("Deleted parts of interrupted pulls: %s\n\n", text);
}

/* In Docker's order. Networks and what builds keep would come between. */
static int prune_all(
	struct store *s, const struct system_prune *a, const struct prune_wish *w, struct err *e)
{
	int64_t part;
	int r = prune_containers(s, w, &part, e);
	if (r >= 0 && a->volumes)
		r = prune_volumes(s, &a->filter, &part, e);
	if (r >= 0)
		r = prune_images(s, w, a->all, &part, e);
	if (r >= 0 && takes_downloads(a))
		prune_downloads(s);
	return r;
}

static int prune_run(struct cmd_call *call, void *args, struct err *e)
{
	static const char *const known[] = {"label", "label!", "until", NULL};
	struct system_prune *a = args;
	auto_prune_wish wish = {.filters.names = STRV_INIT};
	int r = prune_wish_read(call->globals, &a->filter, known, &wish, e);
	if (r < 0)
		return r;
	if (a->volumes && wish.has_until)
		return err_set(
			e, EINVAL, "The \"until\" filter is not supported with \"--volumes\"");
	if (!a->force && !is_confirmed(call->store, a))
		return 0;
	r = size_freed_begin(call->store, e);
	if (r < 0)
		return r;
	r = prune_all(call->store, a, &wish, e);
	int64_t freed = size_freed_end(call->store);
	if (r < 0)
		return r;
	prune_tell(freed);
	undo_note(call->store);
	return 0;
}

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct system_prune, all), "",
		"Remove all unused images not just dangling ones"},
	{"build", 0, OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN,
		.hint = "no build leaves containers behind"},
	{"external", 0, OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN,
		.hint = "no other tool keeps containers in a store of moss"},
	{"filter", 0, OPT_FILTER, FIELD(struct system_prune, filter), "filter",
		"Provide filter values (e.g. \"label=<key>=<value>\")"},
	{"force", 'f', OPT_BOOL, FIELD(struct system_prune, force), "",
		"Do not prompt for confirmation"},
	{"volumes", 0, OPT_BOOL, FIELD(struct system_prune, volumes), "", "Prune anonymous volumes"},
	{0},
};
// clang-format on

const struct cmd cmd_system_prune = {
	.name = "system prune",
	.brief = "Remove unused data",
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct system_prune),
	.run = prune_run,
	.about = "Removes stopped containers and images without a tag for good, with --all every "
		 "image that no container was made from, with --volumes nameless volumes that no "
		 "container uses (those with data go to the trash, from where undo brings them "
		 "back). With --all and without a filter it also frees what interrupted pulls "
		 "have kept. Filters: label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME (not with "
		 "--volumes). The space it tells is what became free on the disk.",
	.examples = "moss system prune -af --volumes",
};
