/* volume prune */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/filter.h"
#include "cmd/prune.h"
#include "cmd/volume_select.h"
#include "engine/event.h"
#include "engine/size.h"
#include "engine/undo.h"
#include "storage/store.h"
#include "storage/volume.h"

struct volume_prune {
	bool all, force, dry_run, no_trash;
	struct strv filter;
};

/* Whether named ones go, too: by --all or by the filter of that name. */
static int wants_all(const struct volume_prune *a, bool *all, struct err *e)
{
	bool has_all = false;
	int r = filter_bool(&a->filter, "all", &has_all, all, e);
	if (r < 0)
		return r;
	if (has_all && a->all)
		return err_set(e, EINVAL,
			"conflicting options: cannot specify both --all and --filter all=1");
	*all |= a->all;
	return 0;
}

/* One with driver options describes something that was set up by hand: as with Docker, no prune
 * takes it. */
static bool has_options(const struct volume *v)
{
	auto_json options = volume_options(v);
	return json_object_get(options, "type") || json_object_get(options, "device") ||
	       json_object_get(options, "o");
}

/* Names of what nothing uses and the filters let through. */
static int candidates(
	struct store *s, const struct volume_filter *f, bool all, struct strv *out, struct err *e)
{
	struct volume *list = NULL;
	size_t n = 0;
	int r = volume_list(s, &list, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		int used = 1, matches = 0;
		if (r >= 0 && (all || list[i].is_anonymous) && !has_options(&list[i]))
			r = matches = volume_filter_match(s, f, &list[i], e);
		if (r >= 0 && matches)
			r = used = volume_is_used(s, &list[i], e);
		if (r >= 0 && matches && !used)
			strv_add(out, list[i].name);
		volume_deinit(&list[i]);
	}
	free(list);
	return r < 0 ? r : 0;
}

/* What cannot be looked into holds something. */
static bool has_data(struct store *s, const char *name)
{
	auto_free char *path = store_path(s, "volumes/%s/_data", name);
	auto_dir dir = opendir(path);
	const struct dirent *d;
	while (dir && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			return true;
	return !dir && errno != ENOENT;
}

/* One that a container began to use meanwhile stays. Those with data go to the trash, and are not
 * reclaimed before that is emptied. */
static int delete_all(
	struct store *s, const struct strv *names, bool keep, int64_t *total, struct err *e)
{
	int64_t *sizes = xcalloc(names->n + 1, sizeof(*sizes));
	size_t removed = 0;
	*total = 0;
	int r = volume_sizes(s, (const char *const *)names->v, names->n, sizes, e);
	for (size_t i = 0; r == 0 && i < names->n; i++) {
		struct err one = {0};
		s->keeps = keep && has_data(s, names->v[i]);
		if (volume_remove_one(s, names->v[i], true, &one) < 0) {
			log_debug("%s", one.msg);
			continue;
		}
		printf("%s%s\n", removed++ ? "" : "Deleted Volumes:\n", names->v[i]);
		*total += s->keeps ? 0 : sizes[i];
	}
	free(sizes);
	s->keeps = false;
	volume_purge(s);
	if (removed)
		puts("");
	return r < 0 ? r : event_prune(s, "volume", *total, e);
}

int prune_volumes(struct store *s, const struct strv *filter, int64_t *reclaimed, struct err *e)
{
	static const char *const known[] = {"label", "label!", NULL};
	auto_volume_filter f = {0};
	auto_strv names = STRV_INIT;
	int r = volume_filter_parse(s, filter, known, &f, e);
	if (r == 0)
		r = candidates(s, &f, false, &names, e);
	return r < 0 ? r : delete_all(s, &names, true, reclaimed, e);
}

static int prune_run(struct cmd_call *call, void *args, struct err *e)
{
	static const char *const known[] = {
		"after", "all", "anonymous", "label", "label!", "since", "until", NULL};
	const struct volume_prune *a = args;
	auto_volume_filter filter = {0};
	auto_strv names = STRV_INIT;
	bool all = false;
	int r;
	if ((r = volume_filter_parse(call->store, &a->filter, known, &filter, e)) < 0 ||
		(r = wants_all(a, &all, e)) < 0)
		return r;
	if (!a->force && !a->dry_run &&
		!confirm_removal(
			all ? "all local volumes not used by at least one container"
			    : "anonymous local volumes not used by at least one container"))
		return 0;
	r = candidates(call->store, &filter, all, &names, e);
	if (r < 0)
		return r;
	for (size_t i = 0; a->dry_run && i < names.n; i++)
		puts(names.v[i]);
	if (a->dry_run)
		return 0;
	int64_t total;
	r = delete_all(call->store, &names, !a->no_trash, &total, e);
	if (r < 0)
		return r;
	prune_tell(total);
	undo_note(call->store);
	return 0;
}

// clang-format off
static const struct opt prune_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct volume_prune, all), "",
		"Remove all unused volumes, not just anonymous ones"},
	{"dry-run", 0, OPT_BOOL, FIELD(struct volume_prune, dry_run), "",
		"Print the names of what would be removed"},
	{"filter", 0, OPT_FILTER, FIELD(struct volume_prune, filter), "filter",
		"Provide filter values (e.g. \"label=<label>\")"},
	{"force", 'f', OPT_BOOL, FIELD(struct volume_prune, force), "",
		"Do not prompt for confirmation"},
	{"no-trash", 0, OPT_BOOL, FIELD(struct volume_prune, no_trash), "",
		"Delete for good: \"moss undo\" cannot bring it back"},
	{0},
};
// clang-format on

const struct cmd cmd_volume_prune = {
	.name = "volume prune",
	.brief = "Remove unused local volumes",
	.needs = NEED_STORE,
	.opts = prune_opts,
	.args_size = sizeof(struct volume_prune),
	.run = prune_run,
	.about = "Filters: after=VOLUME or since=VOLUME, all=BOOL (as --all), anonymous=BOOL, "
		 "label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME. Volumes with driver options "
		 "(--opt) "
		 "are never taken: volume rm removes them.",
};
