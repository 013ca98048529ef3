/* volume: create, ls, prune, rm. */
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
#include "cmd/filter.h"
#include "cmd/format/listing.h"
#include "engine/enter.h"
#include "storage/db/container_row.h"
#include "storage/store.h"
#include "storage/volume.h"

struct volume_create {
	char *name; /* Docker's old spelling of the operand */
	char *driver;
	struct strv labels;
};

struct volume_ls {
	struct strv filter;
	char *format;
	bool quiet;
	bool has_dangling, dangling;
};

struct volume_rm {
	bool force;
};

struct volume_prune {
	bool all, force;
	struct strv filter;
};

static json_t *volume_labels(const struct volume *v)
{
	struct err ignored = {0};
	return v->labels ? json_parse(v->labels, strlen(v->labels), "labels", &ignored) : NULL;
}

/* ---- create ---- */

static char *labels_text(const struct strv *labels)
{
	if (!labels->n)
		return NULL;
	auto_json object = json_object();
	for (size_t i = 0; i < labels->n; i++) {
		const char *equals = strchr(labels->v[i], '=');
		auto_free char *key =
			equals ? xstrndup(labels->v[i], (size_t)(equals - labels->v[i]))
			       : xstrdup(labels->v[i]);
		json_set_str(object, key, equals ? equals + 1 : "");
	}
	return json_text(object);
}

static int create_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct volume_create *a = args;
	auto_free char *labels = labels_text(&a->labels);
	const char *name = call->argc && *call->argv[0] ? call->argv[0] : NULL;
	if (name && a->name)
		return err_set(e, EINVAL,
			"conflicting options: either specify --name or provide positional arg, not "
			"both");
	if (!str_empty(a->name))
		name = a->name;
	struct volume v = {0};
	bool was_made;
	int r = volume_create(call->store, name, a->driver, labels, NULL, &v, &was_made, e);
	if (r < 0)
		return r;
	puts(v.name);
	volume_deinit(&v);
	return 0;
}

/* ---- ls ---- */

static const struct listing_column fields[] = {
	{"Driver", "DRIVER"},
	{"Name", "VOLUME NAME"},
	{"Scope", "SCOPE"},
	{"Mountpoint", "MOUNTPOINT"},
	{"Labels", "LABELS"},
	{"Label", NULL},
	{"Links", "LINKS"},
	{"Size", "SIZE"},
	{"Availability", "AVAILABILITY"},
	{"Group", "GROUP"},
	{"Status", "STATUS"},
	{0},
};

static char *labels_shown(const json_t *labels)
{
	auto_buf text = BUF_INIT;
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)labels, key, value) buf_printf(&text, "%s%s=%s",
		text.len ? "," : "", key, json_string_value(value) ? json_string_value(value) : "");
	return buf_take(&text);
}

static int is_used(struct store *s, const struct volume *v, struct err *e)
{
	char **ids = NULL;
	size_t n = 0;
	int r = volume_users(s, v->name, &ids, &n, e);
	struct strv list = {ids, n};
	strv_free(&list);
	return r < 0 ? r : n > 0;
}

static bool names_match(const struct strv *filters, const char *key, const char *text, bool part)
{
	bool is_given = false;
	for (size_t i = 0; i < filters->n; i++) {
		const char *v = filter_value(filters->v[i], key);
		if (!v)
			continue;
		if (part ? strstr(text, v) != NULL : !strcmp(text, v))
			return true;
		is_given = true;
	}
	return !is_given;
}

/* 1, 0, -errno */
static int matches(
	struct store *s, const struct volume_ls *a, const struct volume *v, struct err *e)
{
	auto_json labels = volume_labels(v);
	if (!filter_labels(&a->filter, labels) || !names_match(&a->filter, "name", v->name, true) ||
		!names_match(&a->filter, "driver", v->driver, false))
		return 0;
	if (!a->has_dangling)
		return 1;
	int used = is_used(s, v, e);
	return used < 0 ? used : a->dangling == !used;
}

static json_t *row_of(const struct volume *v)
{
	json_t *row = json_object();
	auto_json labels = volume_labels(v);
	auto_free char *shown = labels_shown(labels);
	json_set_str(row, "Availability", "N/A");
	json_set_str(row, "Driver", v->driver);
	json_set_str(row, "Group", "N/A");
	json_set_str(row, "Labels", shown);
	if (labels)
		json_object_set(row, "Label", labels);
	json_set_str(row, "Links", "N/A");
	json_set_str(row, "Mountpoint", v->mountpoint);
	json_set_str(row, "Name", v->name);
	json_set_str(row, "Scope", "local");
	json_set_str(row, "Size", "N/A");
	json_set_str(row, "Status", "N/A");
	return row;
}

static int by_number_in_name(const void *a, const void *b)
{
	return strverscmp(((const struct volume *)a)->name, ((const struct volume *)b)->name);
}

static int ls_run(struct cmd_call *call, void *args, struct err *e)
{
	struct volume_ls *a = args;
	int r = filter_check(&a->filter, "dangling driver label label! name", e);
	if (r == 0)
		r = filter_bool(&a->filter, "dangling", &a->has_dangling, &a->dangling, e);
	if (r < 0)
		return r;
	struct volume *list = NULL;
	size_t n = 0;
	r = volume_list(call->store, &list, &n, e);
	if (r < 0)
		return r;
	qsort(list, n, sizeof(*list), by_number_in_name);
	auto_json rows = json_array();
	for (size_t i = 0; i < n; i++) {
		if (r >= 0)
			r = matches(call->store, a, &list[i], e);
		if (r == 1)
			json_array_append_new(rows, row_of(&list[i]));
		volume_deinit(&list[i]);
	}
	free(list);
	if (r < 0)
		return r;
	struct listing l = {
		.fields = fields,
		.default_table = "table {{.Driver}}\t{{.Name}}",
		.quiet_format = "{{.Name}}",
		.raw_format = "name: {{.Name}}\\ndriver: {{.Driver}}\\n",
		.type_name = "*formatter.volumeContext",
	};
	auto_free char *configured =
		a->format || a->quiet ? NULL : client_config_text(call->globals, "volumesFormat");
	return listing_print(&l, rows, a->format ? a->format : configured, a->quiet, e);
}

/* ---- rm, prune ---- */

static int remove_volume(struct store *s, const char *name, bool force, struct err *e)
{
	auto_strv users = STRV_INIT;
	int r = volume_delete(s, name, &users.v, &users.n, e);
	if (r == ROW_ABSENT)
		return force ? 0 : err_set(e, ENOENT, "get %s: no such volume", name);
	if (r != ROW_CONFLICT)
		return r;
	auto_free char *ids = strv_join(&users, ", ");
	return err_set(e, EBUSY, "remove %s: volume is in use - [%s]", name, ids);
}

static void purge(struct store *s)
{
	struct err ignored = {0};
	if (s->needs_purge && store_purge(s, enter_remove, &ignored) < 0)
		log_debug("%s", ignored.msg);
}

static int rm_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct volume_rm *a = args;
	(void)e;
	for (int i = 0; i < call->argc; i++) {
		struct err one = {0};
		if (remove_volume(call->store, call->argv[i], a->force, &one) < 0)
			cmd_report(call, &one);
		else
			puts(call->argv[i]);
	}
	purge(call->store);
	return call->failures ? 1 : 0;
}

static bool asked(const char *what)
{
	char answer[16] = "";
	printf("WARNING! This will remove %s not used by at least one container.\n"
	       "Are you sure you want to continue? [y/N] ",
		what);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	return !strcmp(answer, "y\n") || !strcmp(answer, "Y\n");
}

static int prune_run(struct cmd_call *call, void *args, struct err *e)
{
	struct volume_prune *a = args;
	int r = filter_check(&a->filter, "all label label!", e);
	bool has_all = false, all = false;
	if (r == 0)
		r = filter_bool(&a->filter, "all", &has_all, &all, e);
	all |= a->all;
	if (r < 0 || (!a->force && !asked(all ? "all volumes" : "anonymous local volumes")))
		return r < 0 ? r : 0;
	struct volume *list = NULL;
	size_t n = 0, removed = 0;
	r = volume_list(call->store, &list, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct err one = {0};
		auto_json labels = volume_labels(&list[i]);
		bool is_meant = (all || list[i].is_anonymous) && filter_labels(&a->filter, labels);
		if (is_meant && is_used(call->store, &list[i], &one) == 0 &&
			remove_volume(call->store, list[i].name, true, &one) == 0)
			printf("%s%s\n", removed++ ? "" : "Deleted Volumes:\n", list[i].name);
		volume_deinit(&list[i]);
	}
	free(list);
	purge(call->store);
	printf("%sTotal reclaimed space: 0B\n", removed ? "\n" : "");
	return 0;
}

// clang-format off
#define FORMAT_LIST \
	"Format output using a custom template:\n" \
	"'table':            Print output in table format with column headers (default)\n" \
	"'table TEMPLATE':   Print output in table format using the given Go template\n" \
	"'json':             Print in JSON format\n" \
	"'TEMPLATE':         Print output using the given Go template"
#define NO_SWARM(name, value) \
	{name, 0, OPT_UNSUPPORTED, 0, value, "For cluster volumes", .flags = OPTF_HIDDEN}

static const struct opt create_opts[] = {
	NO_SWARM("availability", "string"),
	{"driver", 'd', OPT_STR, FIELD(struct volume_create, driver), "string",
		"Specify volume driver name", .def = "local"},
	NO_SWARM("group", "string"),
	{"label", 0, OPT_LIST, FIELD(struct volume_create, labels), "list",
		"Set metadata for a volume"},
	{"name", 0, OPT_STR, FIELD(struct volume_create, name), "string", "Specify volume name",
		.flags = OPTF_HIDDEN},
	NO_SWARM("limit-bytes", "bytes"),
	{"opt", 'o', OPT_UNSUPPORTED, 0, "map", "Set driver specific options"},
	NO_SWARM("required-bytes", "bytes"),
	NO_SWARM("scope", "string"),
	NO_SWARM("secret", "map"),
	NO_SWARM("sharing", "string"),
	NO_SWARM("topology-preferred", "list"),
	NO_SWARM("topology-required", "list"),
	NO_SWARM("type", "string"),
	{0},
};

static const struct opt ls_opts[] = {
	NO_SWARM("cluster", ""),
	{"filter", 'f', OPT_LIST, FIELD(struct volume_ls, filter), "filter",
		"Provide filter values (e.g. \"dangling=true\")"},
	{"format", 0, OPT_STR, FIELD(struct volume_ls, format), "string", FORMAT_LIST},
	{"quiet", 'q', OPT_BOOL, FIELD(struct volume_ls, quiet), "", "Only display volume names"},
	{0},
};

static const struct opt prune_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct volume_prune, all), "",
		"Remove all unused volumes, not just anonymous ones"},
	{"filter", 0, OPT_LIST, FIELD(struct volume_prune, filter), "filter",
		"Provide filter values (e.g. \"label=<label>\")"},
	{"force", 'f', OPT_BOOL, FIELD(struct volume_prune, force), "",
		"Do not prompt for confirmation"},
	{0},
};

static const struct opt rm_opts[] = {
	{"force", 'f', OPT_BOOL, FIELD(struct volume_rm, force), "",
		"Force the removal of one or more volumes"},
	{0},
};
// clang-format on

static const char *const ls_aliases[] = {"volume list", NULL};
static const char *const rm_aliases[] = {"volume remove", NULL};

const struct cmd cmd_volume_create = {
	.name = "volume create",
	.brief = "Create a volume",
	.operands = "[VOLUME]",
	.max = 1,
	.needs = NEED_STORE,
	.opts = create_opts,
	.args_size = sizeof(struct volume_create),
	.run = create_run,
};

const struct cmd cmd_volume_ls = {
	.name = "volume ls",
	.aliases = ls_aliases,
	.brief = "List volumes",
	.needs = NEED_STORE,
	.opts = ls_opts,
	.args_size = sizeof(struct volume_ls),
	.run = ls_run,
};

const struct cmd cmd_volume_prune = {
	.name = "volume prune",
	.brief = "Remove unused local volumes",
	.needs = NEED_STORE,
	.opts = prune_opts,
	.args_size = sizeof(struct volume_prune),
	.run = prune_run,
};

const struct cmd cmd_volume_rm = {
	.name = "volume rm",
	.aliases = rm_aliases,
	.brief = "Remove one or more volumes",
	.operands = "VOLUME [VOLUME...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_VOLUME,
	.opts = rm_opts,
	.args_size = sizeof(struct volume_rm),
	.run = rm_run,
	.about = "A volume that a container uses, running or not, cannot be removed.",
};
