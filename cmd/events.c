/* moss events */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format/exec.h"
#include "cmd/format/gotype.h"
#include "cmd/format/template.h"
#include "cmd/ps_filter.h"
#include "engine/event_follow.h"
#include "engine/log.h"
#include "storage/db/event_row.h"

struct events {
	struct strv filter;
	char *format, *since, *until;
	bool no_trunc, stream;
};

// clang-format off
static const struct opt events_opts[] = {
	{"filter", 'f', OPT_FILTER, FIELD(struct events, filter), "filter",
		"Filter output based on conditions provided"},
	{"format", 0, OPT_STR, FIELD(struct events, format), "string",
		"Format output using a custom template: 'json': Print in JSON format; 'TEMPLATE': Print "
		"output using the given Go template"},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct events, no_trunc), "",
		"Don't truncate IDs in the text output", .def = "true"},
	{"since", 0, OPT_STR, FIELD(struct events, since), "string",
		"Show all events created since timestamp"},
	{"stream", 0, OPT_BOOL, FIELD(struct events, stream), "",
		"Go on with the events to come; false: end after those there are", .def = "true"},
	{"until", 0, OPT_STR, FIELD(struct events, until), "string",
		"Stream events until this timestamp"},
	{0},
};

static const char *const filter_names[] = {"config", "container", "daemon", "event", "image",
	"label", "network", "node", "plugin", "scope", "secret", "service", "type", "volume", NULL};
/* These are looked for at the beginning of the actor's id and of its name. */
static const char *const by_name[] = {"container", "plugin", "volume", "network", "daemon",
	"node", "service", "secret", "config"};
// clang-format on

struct printer {
	const struct events *a;
	struct filters filters;
	struct template *template; /* NULL: text */
};

/* ---- filters ---- */

static int is_prefix(const char *value, void *arg, struct err *e)
{
	(void)e;
	return str_starts(arg, value);
}

static bool starts(const struct filters *f, const char *name, const char *text)
{
	struct err ignored;
	return filters_each(f, name, is_prefix, (void *)(uintptr_t)text, &ignored) != 0;
}

/* Podman's words for the same. */
static int is_action(const char *value, void *arg, struct err *e)
{
	static const char *const also[][2] = {
		{"died", "die"}, {"remove", "destroy"}, {"exec_died", "exec_die"}};
	const char *action = arg;
	(void)e;
	for (size_t i = 0; i < ARRAY_LEN(also); i++) {
		if (strcmp(value, also[i][0]) == 0)
			value = also[i][1];
	}
	/* "exec_create: sh -c x", "health_status: healthy" */
	return strcmp(value, action) == 0 ||
	       (str_starts(action, value) && action[strlen(value)] == ':');
}

static bool action_matches(const struct filters *f, const char *action)
{
	struct err ignored;
	return !filters_has(f, "event") ||
	       filters_each(f, "event", is_action, (void *)(uintptr_t)action, &ignored) != 0;
}

/* Docker's stripTag: of "host:5000/name:tag" all but ":tag". Owned. */
static char *without_tag(const char *name)
{
	const char *slash = strrchr(name, '/'), *colon = strrchr(name, ':');
	bool has_tag = colon && (!slash || colon > slash);
	return xstrndup(name, has_tag ? (size_t)(colon - name) : strlen(name));
}

static bool image_matches(
	const struct filters *f, const struct event_row *row, const json_t *attributes)
{
	const char *key = strcmp(row->type, "image") == 0 ? "name" : "image";
	const char *name = json_str_or(attributes, key, "");
	auto_free char *plain_id = without_tag(row->actor);
	auto_free char *plain_name = without_tag(name);
	return filters_equal(f, "image", row->actor) || filters_equal(f, "image", name) ||
	       filters_equal(f, "image", plain_id) || filters_equal(f, "image", plain_name);
}

static bool event_matches(
	const struct filters *f, const struct event_row *row, const json_t *attributes)
{
	const char *name = json_string_value(json_object_get(attributes, "name"));
	for (size_t i = 0; i < ARRAY_LEN(by_name); i++) {
		if (filters_has(f, by_name[i]) && !starts(f, by_name[i], row->actor) &&
			!(name && starts(f, by_name[i], name)))
			return false;
	}
	return action_matches(f, row->action) && filters_equal(f, "type", row->type) &&
	       filters_equal(f, "scope", "local") && image_matches(f, row, attributes) &&
	       filters_labels(f, "label", attributes);
}

/* ---- printing ---- */

/* RFC 3339 in the local zone, with nine digits, as Docker's client prints it. */
static void print_time(int64_t ns)
{
	time_t t = (time_t)(ns / NS_PER_S);
	struct tm tm = {0};
	char text[40], zone[8] = "Z";
	(void)localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	long minutes = labs(tm.tm_gmtoff) / 60;
	if (tm.tm_gmtoff)
		snprintf(zone, sizeof(zone), "%c%02d:%02d", tm.tm_gmtoff < 0 ? '-' : '+',
			(int)(minutes / 60 % 100), (int)(minutes % 60));
	printf("%s.%09lld%s", text, (long long)(ns % NS_PER_S), zone);
}

static void print_text(const struct printer *p, const struct event_row *row, json_t *attributes)
{
	const char *key, *between = " (";
	json_t *value;
	bool is_id = strlen(row->actor) == 64 && is_hex(row->actor, 64);
	int width = !p->a->no_trunc && is_id ? 12 : INT_MAX;
	print_time(row->time_ns);
	printf(" %s %s %.*s", row->type, row->action, width, row->actor);
	json_object_foreach (attributes, key, value) {
		printf("%s%s=%s", between, key, json_string_value(value));
		between = ", ";
	}
	puts(*between == ',' ? ")" : "");
}

/* Docker's events.Message. */
static json_t *message(const struct event_row *row, json_t *attributes)
{
	json_t *o = json_object();
	bool is_container = strcmp(row->type, "container") == 0;
	if (is_container || strcmp(row->type, "image") == 0) {
		json_set_str(o, "status", row->action);
		json_set_str(o, "id", row->actor);
	}
	if (is_container)
		json_set_str(o, "from", json_str_or(attributes, "image", ""));
	json_set_str(o, "Type", row->type);
	json_set_str(o, "Action", row->action);
	json_set(o, "Actor", json_pack("{s:s, s:O}", "ID", row->actor, "Attributes", attributes));
	json_set_str(o, "scope", "local");
	json_set_int(o, "time", row->time_ns / NS_PER_S);
	json_set_int(o, "timeNano", row->time_ns);
	return o;
}

static int print_event(void *arg, const struct event_row *row, struct err *e)
{
	static const struct exec_options options = {.missing_key_error = false};
	struct printer *p = arg;
	struct err ignored;
	const char *text = row->attributes ? row->attributes : "{}";
	json_t *parsed = json_parse(text, strlen(text), "attributes", &ignored);
	auto_json attributes = json_sorted(parsed ? parsed : json_object());
	if (!event_matches(&p->filters, row, attributes))
		return 0;
	if (!p->template) {
		print_text(p, row, attributes);
		return 0;
	}
	auto_buf out = BUF_INIT;
	auto_json o = message(row, attributes);
	if (exec_template(p->template, &go_event, o, &options, &out, e) < 0)
		return -e->code;
	puts(out.data ? out.data : "");
	return 0;
}

static void say_lost(void *arg, int64_t n)
{
	(void)arg;
	log_warn("%lld events were deleted before they could be shown", (long long)n);
}

static void flush(void *arg)
{
	(void)arg;
	(void)fflush(stdout);
}

/* ---- the command ---- */

/* Docker tries a template on an event without content before it asks for any. */
static int prepare_template(struct printer *p, struct err *e)
{
	static const struct exec_options options = {.missing_key_error = false};
	const char *format = p->a->format;
	if (str_empty(format))
		return 0;
	auto_buf out = BUF_INIT;
	auto_json empty = json_pack("{s:{}}", "Actor");
	int r = template_compile(
		strcmp(format, "json") == 0 ? "{{json .}}" : format, &p->template, e);
	if (r == 0)
		r = exec_template(p->template, &go_event, empty, &options, &out, e);
	if (r == 0)
		return 0;
	(void)err_ctx(e, "Error parsing format");
	return err_status(e, 64);
}

static int set_window(const struct events *a, struct event_window *w, struct err *e)
{
	int64_t now = clock_now_ns();
	*w = (struct event_window){.until_ns = a->stream ? INT64_MAX : now, .out_fd = 1};
	int r = str_empty(a->since) ? 0 : log_parse_time(NULL, a->since, now, &w->since_ns, e);
	if (r == 0 && !str_empty(a->until))
		r = log_parse_time(NULL, a->until, now, &w->until_ns, e);
	if (r < 0)
		return r;
	w->with_past = !str_empty(a->since) || !str_empty(a->until) || !a->stream;
	if (w->until_ns < w->since_ns)
		return err_set(e, EINVAL, "`since` time (%lld) cannot be after `until` time (%lld)",
			(long long)(w->since_ns / NS_PER_S), (long long)(w->until_ns / NS_PER_S));
	return 0;
}

static int events_run(struct cmd_call *call, void *args, struct err *e)
{
	struct printer p = {.a = args};
	struct event_window window;
	const struct event_reader reader = {print_event, say_lost, flush, &p};
	int r = filters_parse(&p.a->filter, filter_names, &p.filters, e);
	if (r == 0)
		r = prepare_template(&p, e);
	if (r == 0)
		r = set_window(p.a, &window, e);
	if (r == 0)
		r = event_follow(call->store, &window, &reader, e);
	template_free(p.template);
	filters_deinit(&p.filters);
	return r;
}

static const char *const events_aliases[] = {"system events", NULL};
const struct cmd cmd_events = {
	.name = "events",
	.aliases = events_aliases,
	.brief = "Get real time events from the server",
	.operands = "",
	.max = 0,
	.needs = NEED_STORE,
	.opts = events_opts,
	.args_size = sizeof(struct events),
	.about =
		"Prints what happens to containers, images and volumes as it happens, and, with "
		"--since or --until, what has happened: the newest 7,000 events and more are kept. "
		"With an --until that is over it ends at once.\n\n"
		"Times: RFC 3339 (2026-01-02T15:04:05Z, also without zone or in parts), seconds "
		"since "
		"1970, or a duration before now (10m).\n\n"
		"Filters: container=NAME|ID, daemon=NAME, event=ACTION, image=IMAGE, "
		"label=KEY[=VALUE], network=NAME|ID, scope=local, type=container|image|volume, "
		"volume=NAME. Several values of one filter widen the list, several labels narrow "
		"it.\n\n"
		"Templates know .Type .Action .Actor.ID .Actor.Attributes .Scope .Time .TimeNano, "
		"and "
		".Status .ID .From of containers and images.",
	.examples = "moss events --filter type=container --filter event=die\n"
		    "moss events --since 1h --until 0s --format json\n"
		    "moss events --format '{{.Time}} {{.Action}} {{.Actor.Attributes.name}}'",
	.run = events_run,
};
