/* volume ls */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/client_config.h"
#include "cmd/cmd.h"
#include "cmd/format/listing.h"
#include "cmd/volume_row.h"
#include "cmd/volume_select.h"
#include "storage/volume.h"

struct volume_ls {
	struct strv filter;
	char *format;
	bool quiet, no_heading;
};

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

static int by_number_in_name(const void *a, const void *b)
{
	return strverscmp(((const struct volume *)a)->name, ((const struct volume *)b)->name);
}

/* The volumes that the filters let through, as rows. */
static int collect(struct store *s, const struct volume_filter *f, json_t *rows, struct err *e)
{
	struct volume *list = NULL;
	size_t n = 0;
	int r = volume_list(s, &list, &n, e);
	if (r < 0)
		return r;
	if (n)
		qsort(list, n, sizeof(*list), by_number_in_name);
	for (size_t i = 0; i < n; i++) {
		if (r >= 0)
			r = volume_filter_match(s, f, &list[i], e);
		if (r == 1)
			json_array_append_new(rows, volume_row(&list[i]));
		volume_deinit(&list[i]);
	}
	free(list);
	return r < 0 ? r : 0;
}

static int ls_run(struct cmd_call *call, void *args, struct err *e)
{
	static const char *const known[] = {"after", "anonymous", "dangling", "driver", "label",
		"label!", "name", "opt", "scope", "since", "until", NULL};
	struct volume_ls *a = args;
	auto_volume_filter filter = {0};
	auto_json rows = json_array();
	int r = volume_filter_parse(call->store, &a->filter, known, &filter, e);
	if (r < 0 || (r = collect(call->store, &filter, rows, e)) < 0)
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
	const char *format = a->format ? a->format : configured;
	return a->no_heading ? listing_print_bare(&l, rows, format, a->quiet, e)
			     : listing_print(&l, rows, format, a->quiet, e);
}

// clang-format off
static const struct opt ls_opts[] = {
	{"cluster", 0, OPT_UNSUPPORTED, 0, "", "For cluster volumes", .flags = OPTF_HIDDEN},
	{"filter", 'f', OPT_FILTER, FIELD(struct volume_ls, filter), "filter",
		"Provide filter values (e.g. \"dangling=true\")"},
	{"format", 0, OPT_STR, FIELD(struct volume_ls, format), "string",
		"Format output using a custom template:\n"
		"'table':            Print output in table format with column headers (default)\n"
		"'table TEMPLATE':   Print output in table format using the given Go template\n"
		"'json':             Print in JSON format\n"
		"'TEMPLATE':         Print output using the given Go template"},
	{"noheading", 'n', OPT_BOOL, FIELD(struct volume_ls, no_heading), "",
		"Do not print the headers of the columns"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct volume_ls, quiet), "", "Only display volume names"},
	{0},
};
// clang-format on

static const char *const ls_aliases[] = {"volume list", NULL};

const struct cmd cmd_volume_ls = {
	.name = "volume ls",
	.aliases = ls_aliases,
	.brief = "List volumes",
	.needs = NEED_STORE,
	.opts = ls_opts,
	.args_size = sizeof(struct volume_ls),
	.run = ls_run,
	.about = "Filters: after=VOLUME or since=VOLUME, anonymous=BOOL, dangling=BOOL (no "
		 "container uses it), driver=NAME, label=KEY[=VALUE], label!=KEY[=VALUE], "
		 "name=REGEX, opt=KEY[=VALUE], scope=local, until=TIME.",
	.examples = "moss volume ls -f dangling=true\n"
		    "moss volume ls -q --filter label=project=site",
};
