/* moss undo: no other engine has it. */
#include "cmd/cmd.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/confirm.h"
#include "cmd/filter.h"
#include "cmd/format/human.h"
#include "cmd/format/listing.h"
#include "cmd/prune.h"
#include "engine/enter.h"
#include "engine/undo.h"
#include "storage/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SHORT_ID = 12 };

struct undo_args {
	char *format, *name;
	struct strv filter;
	bool quiet, no_trunc, empty, force;
};

struct kept {
	struct trash_row *v;
	size_t n;
};

static void kept_free(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		trash_row_deinit(&k->v[i]);
	free(k->v);
}
#define auto_kept __attribute__((cleanup(kept_free))) struct kept

/* ---- the list ---- */

static const struct listing_column fields[] = {
	{"ID", "TRASH ID"},
	{"Kind", "KIND"},
	{"Name", "NAME"},
	{"RemovedSince", "REMOVED"},
	{"RemovedAt", "REMOVED AT"},
	{"Until", "UNTIL"},
	{"UntilAt", "UNTIL (TIME)"},
	{"Size", "SIZE"},
	{0},
};

static bool matches(const struct undo_args *a, const struct trash_row *t)
{
	auto_free char *shown = undo_shown(t);
	bool has_kind = false, kind = false, has_name = false, name = false;
	for (size_t i = 0; i < a->filter.n; i++) {
		const char *v;
		if ((v = filter_value(a->filter.v[i], "kind"))) {
			has_kind = true;
			kind |= !strcasecmp(v, t->kind);
		} else if ((v = filter_value(a->filter.v[i], "name"))) {
			has_name = true;
			name |= strstr(shown, v) != NULL;
		}
	}
	return (!has_kind || kind) && (!has_name || name);
}

static json_t *row_of(
	struct store *s, const struct undo_args *a, const struct trash_row *t, int64_t size)
{
	int64_t now = clock_now_ns(), until = keep_until_ns(s, t);
	auto_free char *since = human_duration(now - t->removed_ns);
	auto_free char *left = human_duration(until > now ? until - now : 0);
	auto_free char *bytes = human_size(size);
	auto_free char *at = clock_rfc3339(t->removed_ns), *until_at = clock_rfc3339(until);
	auto_free char *ago = xasprintf("%s ago", since), *in = xasprintf("in %s", left);
	auto_free char *id = xstrndup(t->id, a->no_trunc ? strlen(t->id) : SHORT_ID);
	auto_free char *name = undo_shown(t);
	json_t *o = json_object();
	json_set_str(o, "ID", id);
	json_set_str(o, "Kind", t->kind);
	json_set_str(o, "Name", name);
	json_set_str(o, "RemovedSince", ago);
	json_set_str(o, "RemovedAt", at);
	json_set_str(o, "Until", in);
	json_set_str(o, "UntilAt", until_at);
	json_set_str(o, "Size", bytes);
	return o;
}

static int list_kept(
	struct cmd_call *call, const struct undo_args *a, const struct kept *k, struct err *e)
{
	static const struct listing listing = {
		.fields = fields,
		.default_table =
			"table "
			"{{.ID}}\t{{.Kind}}\t{{.Name}}\t{{.RemovedSince}}\t{{.Until}}\t{{.Size}}",
		.quiet_format = "{{.ID}}",
	};
	auto_free int64_t *sizes = xcalloc(k->n + 1, sizeof(*sizes));
	auto_json rows = json_array();
	int r = a->quiet ? 0 : undo_sizes(call->store, k->v, k->n, sizes, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < k->n; i++)
		if (matches(a, &k->v[i]))
			json_array_append_new(rows, row_of(call->store, a, &k->v[i], sizes[i]));
	return listing_print(&listing, rows, a->format, a->quiet, e);
}

/* ---- freeing ---- */

static int purge(struct cmd_call *call, struct err *e)
{
	struct store *s = call->store;
	return s->needs_purge ? store_purge(s, enter_remove, e) : 0;
}

/* All, or those that were named. */
static int empty(
	struct cmd_call *call, const struct undo_args *a, const struct kept *k, struct err *e)
{
	int64_t total = 0;
	auto_free int64_t *sizes = xcalloc(k->n + 1, sizeof(*sizes));
	auto_free bool *chosen = xcalloc(k->n + 1, sizeof(*chosen));
	for (int i = 0; i < call->argc; i++) {
		const struct trash_row *t = undo_find(k->v, k->n, call->argv[i]);
		if (!t)
			return err_set(
				e, ENOENT, "nothing in the trash is called %s", call->argv[i]);
		chosen[t - k->v] = true;
	}
	for (size_t i = 0; i < k->n; i++)
		chosen[i] |= call->argc == 0 && matches(a, &k->v[i]);
	if (!a->force && !confirm_removal("what is in the trash; it can then not be brought back"))
		return 0;
	int r = undo_sizes(call->store, k->v, k->n, sizes, e);
	for (size_t i = 0; i < k->n && r >= 0; i++) {
		if (!chosen[i])
			continue;
		r = keep_free(call->store, &k->v[i], e);
		total += sizes[i];
	}
	if (r >= 0)
		r = purge(call, e);
	if (r < 0)
		return r;
	prune_tell(total);
	return 0;
}

/* ---- bringing back ---- */

static int restore_named(
	struct cmd_call *call, const struct undo_args *a, const char *typed, struct err *e)
{
	auto_kept k = {0};
	auto_strv lines = STRV_INIT;
	int r = keep_list(call->store, &k.v, &k.n, e);
	if (r < 0)
		return r;
	const struct trash_row *t = undo_find(k.v, k.n, typed);
	if (!t) {
		err_set(e, ENOENT, "nothing in the trash is called %s", typed);
		return err_hint(e, "\"moss undo\" lists what can come back");
	}
	r = undo_restore(call->store, k.v, k.n, t, a->name, &lines, e);
	for (size_t i = 0; i < lines.n; i++)
		puts(lines.v[i]);
	return r;
}

static int restore_all(struct cmd_call *call, const struct undo_args *a)
{
	struct err ignored;
	for (int i = 0; i < call->argc; i++) {
		struct err one = {0};
		if (restore_named(call, a, call->argv[i], &one) < 0)
			cmd_report(call, &one);
	}
	(void)purge(call, &ignored);
	return call->failures ? 1 : 0;
}

static int undo_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct undo_args *a = args;
	auto_kept k = {0};
	int r = filter_check(&a->filter, "kind name", e);
	if (r < 0)
		return r;
	if (a->name && (call->argc != 1 || a->empty))
		return err_set(e, EINVAL, "--name needs one thing to bring back");
	if (call->argc && !a->empty)
		return restore_all(call, a);
	if ((r = keep_list(call->store, &k.v, &k.n, e)) < 0)
		return r;
	return a->empty ? empty(call, a, &k, e) : list_kept(call, a, &k, e);
}

// clang-format off
static const struct opt opts[] = {
	{"empty", 0, OPT_BOOL, FIELD(struct undo_args, empty), "",
		"Free what is in the trash (or what is named) for good"},
	{"filter", 'f', OPT_FILTER, FIELD(struct undo_args, filter), "filter",
		"Filter what is listed or freed (kind=container|image|volume, name=<part>)"},
	{"force", 0, OPT_BOOL, FIELD(struct undo_args, force), "",
		"Do not ask before freeing"},
	{"format", 0, OPT_STR, FIELD(struct undo_args, format), "string",
		"Format output using a custom template: 'table', 'table TEMPLATE', 'json' or a Go template"},
	{"name", 0, OPT_STR, FIELD(struct undo_args, name), "string",
		"Bring it back under another name"},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct undo_args, no_trunc), "", "Don't truncate output"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct undo_args, quiet), "", "Only display trash IDs"},
	{0},
};
// clang-format on

const struct cmd cmd_undo = {
	.name = "undo",
	.brief = "List or bring back what was removed",
	.operands = "[NAME|ID...]",
	.max = ANY,
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct undo_args),
	.about =
		"Containers, images and volumes that rm, rmi and volume rm removed are kept in the "
		"trash for a day and can come back whole: a container with its files, log and "
		"configuration (stopped), an image with its names and layers, a volume with its "
		"data and labels. Without operands undo lists them. Not kept are containers of "
		"run --rm, the nameless volumes of rm -v, what prune removes (but volumes with "
		"data are kept then, too), and what --no-trash removes.\n\n"
		"The trash is emptied by age, and altogether when less than a twentieth of the "
		"disk (at most 2 GiB) is free; \"trash-age\" (\"24h\") and \"trash-free\" (bytes) "
		"in config.json change that. Where stderr is a terminal a line after each removal "
		"says what is kept; \"trash-note\": false in config.json leaves it out.",
	.examples = "moss rm web\nmoss undo web\nmoss undo --name web-old web\nmoss undo --empty",
	.run = undo_run,
};
