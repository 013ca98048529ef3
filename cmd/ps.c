/* moss ps */
#include "cmd/ps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/client_config.h"
#include "cmd/cmd.h"
#include "cmd/format/listing.h"
#include "engine/size.h"
#include "engine/start.h"
#include "registry/reference.h"
#include "storage/image.h"
#include "storage/store.h"

struct ps {
	bool all, latest, no_heading, no_trunc, quiet, size;
	struct strv filter;
	char *format, *sort;
	int64_t last;
};

#define NS_HINT "moss inspect -f '{{.State.Pid}}' CONTAINER and lsns -p PID show them"

// clang-format off
static const struct opt ps_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct ps, all), "",
		"Show all containers (default shows just running)"},
	{"external", 0, OPT_UNSUPPORTED, 0, "", "Show containers of other tools, too",
		.flags = OPTF_HIDDEN, .hint = "no other tool keeps containers in a store of moss"},
	{"storage", 0, OPT_UNSUPPORTED, 0, "", "Show containers of other tools, too",
		.flags = OPTF_HIDDEN, .hint = "no other tool keeps containers in a store of moss"},
	{"filter", 'f', OPT_FILTER, FIELD(struct ps, filter), "filter",
		"Filter output based on conditions provided"},
	{"format", 0, OPT_STR, FIELD(struct ps, format), "string",
		"Format output using a custom template: 'table': Print output in table format with "
		"column headers (default); 'table TEMPLATE': Print output in table format using the "
		"given Go template; 'json': Print in JSON format; 'TEMPLATE': Print output using the "
		"given Go template"},
	{"last", 'n', OPT_INT, FIELD(struct ps, last), "int",
		"Show n last created containers (includes all states)", .def = "-1"},
	{"latest", 'l', OPT_BOOL, FIELD(struct ps, latest), "",
		"Show the latest created container (includes all states)"},
	{"namespace", 0, OPT_UNSUPPORTED, 0, "", "Show the namespaces of the containers",
		.flags = OPTF_HIDDEN, .hint = NS_HINT},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct ps, no_trunc), "", "Don't truncate output"},
	{"noheading", 0, OPT_BOOL, FIELD(struct ps, no_heading), "",
		"Leave the column headers out of tables"},
	{"notruncate", 0, OPT_BOOL, FIELD(struct ps, no_trunc), "", "Don't truncate output",
		.flags = OPTF_HIDDEN},
	{"ns", 0, OPT_UNSUPPORTED, 0, "", "Show the namespaces of the containers",
		.flags = OPTF_HIDDEN, .hint = NS_HINT},
	{"pod", 'p', OPT_UNSUPPORTED, 0, "", "Show the containers' pods", .flags = OPTF_HIDDEN,
		.hint = "moss has no pods yet"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct ps, quiet), "", "Only display container IDs"},
	{"size", 's', OPT_BOOL, FIELD(struct ps, size), "", "Display total file sizes"},
	{"sort", 0, OPT_STR, FIELD(struct ps, sort), "string",
		"Sort by command, created, id, image, names, runningfor, size or status "
		"(default: the newest first)",
		.complete = COMPLETE_CHOICES,
		.choices = "command created id image names runningfor size status"},
	{"sync", 0, OPT_IGNORED_BOOL, 0, "", "Does nothing: what is shown is always looked at first",
		.flags = OPTF_HIDDEN},
	{"watch", 'w', OPT_UNSUPPORTED, 0, "uint", "Show the list again and again",
		.flags = OPTF_HIDDEN, .hint = "watch -n 2 moss ps; or follow moss events"},
	{0},
};
// clang-format on

static const struct listing_column columns[] = {
	{"ID", "CONTAINER ID"},
	{"Names", "NAMES"},
	{"Image", "IMAGE"},
	{"Command", "COMMAND"},
	{"CreatedAt", "CREATED AT"},
	{"RunningFor", "CREATED"},
	{"Ports", "PORTS"},
	{"State", "STATE"},
	{"Status", "STATUS"},
	{"Size", "SIZE"},
	{"Labels", "LABELS"},
	{"Label", NULL},
	{"Mounts", "MOUNTS"},
	{"LocalVolumes", "LOCAL VOLUMES"},
	{"Networks", "NETWORKS"},
	{"AutoRemove", "AUTO REMOVE", true},
	{"Created", "CREATED", true},
	{"CreatedHuman", "CREATED", true},
	{"ExitCode", "EXIT CODE", true},
	{"Exited", "EXITED", true},
	{"ExitedAt", "EXITED AT", true},
	{"HealthStatus", "HEALTH STATUS", true},
	{"ImageID", "IMAGE ID", true},
	{"Pid", "PID", true},
	{"Restarts", "RESTARTS", true},
	{"StartedAt", "STARTED AT", true},
	{NULL, NULL},
};

#define TABLE                                                                                      \
	"table {{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}"   \
	"\\t{{.Names}}"
#define RAW                                                                                        \
	"container_id: {{.ID}}\\nimage: {{.Image}}\\ncommand: {{.Command}}\\n"                     \
	"created_at: {{.CreatedAt}}\\nstate: {{- pad .State 1 0}}\\n"                              \
	"status: {{- pad .Status 1 0}}\\nnames: {{.Names}}\\nlabels: {{- pad .Labels 1 0}}\\n"     \
	"ports: {{- pad .Ports 1 0}}\\n"

static const struct listing listing = {
	.fields = columns,
	.default_table = TABLE,
	.quiet_format = "{{.ID}}",
	.raw_format = RAW,
	.type_name = "*formatter.ContainerContext",
	.tries_first = true,
	.parse_error = "failed to parse template",
	.execute_error = "failed to execute template",
};

/* What each image name of the rows stands for now. */
static int find_images(struct store *s, const struct ps_container *c, size_t n, const bool *shown,
	json_t *ids, json_t *sizes, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = c[i].row->image_name;
		if (!shown[i] || json_object_get(ids, name))
			continue;
		auto_reference ref = {.domain = NULL};
		struct err ignored;
		struct image image = {.id = NULL};
		bool is_name = reference_parse(name, true, &ref, &ignored) == 0;
		auto_free char *full = is_name ? reference_key(&ref) : NULL;
		int r = image_find(s, name, full, &image, e);
		if (r < 0)
			return r;
		json_set_str(ids, name, r == ROW_OK ? image.id : "");
		if (r == ROW_OK) {
			json_set_int(sizes, image.id, image.size);
			image_deinit(&image);
		}
	}
	return 0;
}

static int measure(struct store *s, struct ps_container *c, size_t n, const bool *shown,
	json_t *sizes, struct err *e)
{
	auto_free const char **ids = xcalloc(n + 1, sizeof(*ids));
	auto_free int64_t *bytes = xcalloc(n + 1, sizeof(*bytes));
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (shown[i])
			ids[count++] = c[i].row->id;
	}
	int r = container_sizes(s, ids, count, bytes, e);
	count = 0;
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (!shown[i])
			continue;
		struct image image = {.id = NULL};
		const char *id = c[i].row->image_id;
		c[i].size = bytes[count++];
		if (!json_object_get(sizes, id) && image_find(s, id, NULL, &image, e) == ROW_OK) {
			json_set_int(sizes, id, image.size);
			image_deinit(&image);
		}
		c[i].image_size = json_int_or(sizes, id, 0);
	}
	return r;
}

static int print_rows(const struct ps *a, const json_t *rows, const char *format, struct err *e)
{
	bool is_table = str_empty(format) || str_starts(format, "table");
	if (a->quiet || !a->no_heading || !is_table)
		return listing_print(&listing, rows, format, a->quiet, e);
	auto_buf text = BUF_INIT;
	int r = listing_text(&listing, rows, format, false, &text, e);
	const char *body = r < 0 ? NULL : strchr(text.data, '\n');
	if (body)
		fputs(body + 1, stdout);
	return r;
}

static int list(struct cmd_call *call, const struct ps *a, struct ps_options *o,
	struct ps_container *c, size_t n, const char *format, struct err *e)
{
	auto_free bool *shown = xcalloc(n + 1, sizeof(*shown));
	auto_json rows = json_array();
	auto_json ids = json_object();
	auto_json sizes = json_object();
	int64_t now = clock_now_ns();
	int r = ps_select(call->store, o, c, n, shown, e);
	if (r >= 0 && !a->quiet)
		r = find_images(call->store, c, n, shown, ids, sizes, e);
	if (r >= 0 && o->with_size)
		r = measure(call->store, c, n, shown, sizes, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (shown[i])
			json_array_append_new(rows, ps_row(&c[i], o, ids, now));
	}
	auto_json sorted =
		str_empty(a->sort) ? json_incref(rows) : ps_sorted(rows, ps_sort_order(a->sort));
	return print_rows(a, sorted, format, e);
}

static int list_all(struct cmd_call *call, const struct ps *a, struct ps_options *o,
	const char *format, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0;
	int r = container_reconcile_all(call->store, e);
	if (r >= 0)
		r = container_row_list(call->store->db, &rows, &n, e);
	if (r < 0)
		return r;
	struct ps_container *c = xcalloc(n + 1, sizeof(*c));
	for (size_t i = 0; i < n; i++)
		c[i].row = &rows[i];
	r = list(call, a, o, c, n, format, e);
	for (size_t i = 0; i < n; i++) {
		ps_container_deinit(&c[i]);
		container_row_deinit(&rows[i]);
	}
	free(c);
	free(rows);
	return r;
}

/* The format to print with: --format, the configured one, or the default table. Owned. */
static char *choose_format(const struct cmd_call *call, const struct ps *a)
{
	if (!str_empty(a->format) && a->quiet)
		log_warn("Ignoring custom format, because both --format and --quiet are set.");
	if (a->quiet)
		return NULL;
	if (!str_empty(a->format))
		return xstrdup(a->format);
	return client_config_text(call->globals, "psFormat");
}

/* Whether a field of the format comes from the JSON of a row. */
static bool uses_any(const char *format, const char *const *fields)
{
	for (; *fields; fields++) {
		if (listing_uses(&listing, format, *fields))
			return true;
	}
	return false;
}

static bool uses_json(const char *format)
{
	static const char *const fields[] = {
		"Command", "Labels", "Label", "Mounts", "LocalVolumes", "Networks", "Ports", NULL};
	return uses_any(format, fields);
}

static bool uses_extra(const char *format)
{
	static const char *const fields[] = {"AutoRemove", "Created", "CreatedHuman", "ExitCode",
		"Exited", "ExitedAt", "HealthStatus", "ImageID", "Pid", "Restarts", "StartedAt",
		NULL};
	return uses_any(format, fields);
}

/* A field that no template names may still be what the rows are sorted by. */
static int check_sort(const struct ps *a, struct ps_options *o, struct err *e)
{
	if (str_empty(a->sort))
		return 0;
	if (!ps_sort_order(a->sort)) {
		err_set(e, EINVAL,
			"invalid argument \"%s\" for \"--sort\" flag: \"%s\" is not a valid value. "
			" "
			"Choose from: \"command, created, id, image, names, runningfor, size, "
			"status\"",
			a->sort, a->sort);
		return err_status(e, 125);
	}
	o->with_size = o->with_size || strcmp(a->sort, "size") == 0;
	o->only_row = o->only_row && strcmp(a->sort, "command") != 0;
	return 0;
}

static int ps_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct ps *a = args;
	struct ps_options o = {
		.all = a->all,
		.no_trunc = a->no_trunc,
	};
	auto_free char *format = choose_format(call, a);
	o.limit = a->last > 0 ? a->last : a->latest && a->last == -1 ? 1 : 0;
	o.with_size = a->size;
	if (!a->size && !str_empty(format) && strcmp(format, "json") != 0)
		o.with_size = listing_uses(&listing, format, "Size");
	if (a->size && !a->quiet && (str_empty(format) || strcmp(format, "table") == 0)) {
		free(format);
		format = xstrdup(TABLE "\\t{{.Size}}");
	}
	o.only_row = a->quiet || !uses_json(format);
	o.with_extra = !a->quiet && uses_extra(format);
	int r = check_sort(a, &o, e);
	if (r >= 0)
		r = filters_parse(&a->filter, ps_filter_names, &o.filters, e);
	if (r >= 0)
		r = list_all(call, a, &o, format, e);
	filters_deinit(&o.filters);
	return r;
}

static const char *const ps_aliases[] = {"container ls", "container list", "container ps", NULL};
const struct cmd cmd_ps = {
	.name = "ps",
	.aliases = ps_aliases,
	.brief = "List containers",
	.operands = "",
	.max = 0,
	.needs = NEED_STORE,
	.opts = ps_opts,
	.args_size = sizeof(struct ps),
	.about = "Lists the running containers, with --all, --last or --latest those of every "
		 "state, "
		 "newest first.\n\n"
		 "Filters: ancestor=IMAGE, before=CONTAINER, exited=CODE, expose=PORT, "
		 "health=none|starting|healthy|unhealthy, id=ID, label=KEY[=VALUE], "
		 "label!=KEY[=VALUE], name=REGEX, network=NAME, publish=PORT, "
		 "restart-policy=POLICY, since=CONTAINER, status=STATE, until=TIME, "
		 "volume=NAME|PATH. "
		 "Several values of one filter widen the list, several labels narrow it; a status "
		 "implies --all.\n\n"
		 "Templates know .ID .Names .Image .Command .CreatedAt .RunningFor .Ports .State "
		 ".Status .Size .Labels .Label .Mounts .LocalVolumes .Networks, and of Podman's "
		 ".AutoRemove .Created .CreatedHuman .ExitCode .Exited .ExitedAt .HealthStatus "
		 ".ImageID .Pid .Restarts .StartedAt. Without --format, psFormat of Docker's "
		 "config.json is used.",
	.examples = "moss ps -a\n"
		    "moss ps -q --filter status=exited\n"
		    "moss ps --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}'\n"
		    "moss ps -a --format '{{.Names}} {{.Label \"com.example.role\"}}'",
	.run = ps_run,
};
