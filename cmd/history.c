/* history: how an image was made, step by step. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format/human.h"
#include "cmd/format/listing.h"
#include "cmd/image_names.h"
#include "engine/history.h"
#include "engine/image_platform.h"
#include "storage/image.h"

enum { SHORT_ID = 12, CREATED_BY_WIDTH = 45 };

struct history {
	bool human, no_trunc, quiet;
	char *format, *platform;
};

/* Go's time.RFC3339, in the local zone. Owned. */
static char *local_time(int64_t ns)
{
	if (ns == IMAGE_CREATED_NEVER)
		return clock_rfc3339(0);
	time_t t = (time_t)(ns / NS_PER_S);
	struct tm tm;
	char text[64], zone[8];
	localtime_r(&t, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)strftime(zone, sizeof(zone), "%z", &tm);
	return tm.tm_gmtoff ? xasprintf("%s%.3s:%.2s", text, zone, zone + 3)
			    : xasprintf("%sZ", text);
}

/* What a terminal would obey is not for it; line feeds and tabs stay, as Docker shows them. */
static char *plain(const char *text, char tab)
{
	char *s = xstrdup(text);
	for (char *p = s; *p; p++)
		if (*p == '\t')
			*p = tab;
	shown_text(s, "\n\t");
	return s;
}

static json_t *row_of(const struct history_step *step, const struct history *a)
{
	json_t *row = json_object();
	const char *id = step->id ? step->id : "<missing>";
	const char *hex = str_after(id, "sha256:");
	auto_free char *short_id = xstrndup(hex ? hex : id, SHORT_ID);
	auto_free char *by = plain(step->created_by, ' '), *comment = plain(step->comment, '\t');
	auto_free char *cut = human_ellipsis(by, CREATED_BY_WIDTH);
	auto_free char *at = local_time(step->created_ns);
	/* 1970 is what builders write who want no time, and no image is older. */
	bool is_told = step->created_ns > 0;
	auto_free char *age = human_duration(is_told ? clock_now_ns() - step->created_ns : 0);
	auto_free char *since = is_told ? xasprintf("%s ago", age) : xstrdup("N/A");
	auto_free char *size =
		a->human ? human_size(step->size) : xasprintf("%lld", (long long)step->size);
	json_set_str(row, "Comment", comment);
	json_set_str(row, "CreatedAt", at);
	json_set_str(row, "CreatedBy", a->no_trunc ? by : cut);
	json_set_str(row, "CreatedSince", a->human ? since : at);
	json_set_str(row, "ID", a->no_trunc ? id : short_id);
	json_set_str(row, "Size", size);
	return row;
}

static int history_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct history *a = args;
	const struct listing_column fields[] = {
		{"ID", "IMAGE"},
		{"CreatedSince", a->human ? "CREATED" : "CREATED AT"},
		{"CreatedAt", "CREATED AT"},
		{"CreatedBy", "CREATED BY"},
		{"Size", "SIZE"},
		{"Comment", "COMMENT"},
		{0},
	};
	const struct listing l = {
		.fields = fields,
		.default_table = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}"
				 "\t{{.Comment}}",
		.quiet_format = "{{.ID}}",
		.type_name = "*image.historyContext",
	};
	struct image image = {0};
	struct history_step *steps = NULL;
	size_t n = 0;
	int r = image_named(call->store, call->argv[0], &image, e);
	if (r < 0)
		return r;
	r = a->platform ? image_platform_check(&image, call->argv[0], a->platform, e) : 0;
	if (r >= 0)
		r = history_load(call->store, &image, &steps, &n, e);
	image_deinit(&image);
	if (r < 0)
		return r;
	auto_json rows = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rows, row_of(&steps[i], a));
	history_free(steps, n);
	return listing_print(&l, rows, a->format, a->quiet, e);
}

static const char *const aliases[] = {"image history", NULL};

// clang-format off
static const struct opt opts[] = {
	{"format", 0, OPT_STR, FIELD(struct history, format), "string",
		"Format output using a custom template:\n"
		"'table':            Print output in table format with column headers (default)\n"
		"'table TEMPLATE':   Print output in table format using the given Go template\n"
		"'json':             Print in JSON format\n"
		"'TEMPLATE':         Print output using the given Go template"},
	{"human", 'H', OPT_BOOL, FIELD(struct history, human), "",
		"Print sizes and dates in human readable format", .def = "true"},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct history, no_trunc), "", "Don't truncate output"},
	{"notruncate", 0, OPT_BOOL, FIELD(struct history, no_trunc), "", "As --no-trunc",
		.flags = OPTF_ALIAS},
	{"platform", 0, OPT_STR, FIELD(struct history, platform), "string",
		"Only where the image is of this platform (os[/arch[/variant]])"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct history, quiet), "", "Only show image IDs"},
	{0},
};
// clang-format on

const struct cmd cmd_history = {
	.name = "history",
	.aliases = aliases,
	.brief = "Show the history of an image",
	.operands = "IMAGE",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.args_size = sizeof(struct history),
	.run = history_run,
	.about = "Each step has the size of the layer it made. Steps that were made elsewhere have "
		 "no image of their own: their id is \"<missing>\".",
	.examples = "moss history --no-trunc --format '{{.Size}}\\t{{.CreatedBy}}' debian:12",
};
