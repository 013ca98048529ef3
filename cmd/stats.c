/* moss stats */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/client_config.h"
#include "cmd/cmd.h"
#include "cmd/format/human.h"
#include "cmd/format/listing.h"
#include "cmd/pick.h"
#include "engine/start.h"
#include "engine/stats.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

struct stats_args {
	bool all, no_stream, no_trunc, latest, no_reset;
	char *format;
	int64_t interval;
};

// clang-format off
static const struct opt stats_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct stats_args, all), "",
		"Show all containers (default shows just running)"},
	{"format", 0, OPT_STR, FIELD(struct stats_args, format), "string",
		"Format output using a custom template: 'table': Print output in table format with "
		"column headers (default); 'table TEMPLATE': Print output in table format using the "
		"given Go template; 'json': Print in JSON format; 'TEMPLATE': Print output using the "
		"given Go template"},
	{"interval", 'i', OPT_INT, FIELD(struct stats_args, interval), "int",
		"Seconds between two looks", .def = "1"},
	{"latest", 'l', OPT_BOOL, FIELD(struct stats_args, latest), "",
		"Show the container that was created last"},
	{"no-reset", 0, OPT_BOOL, FIELD(struct stats_args, no_reset), "",
		"Do not clear the screen between two looks"},
	{"no-stream", 0, OPT_BOOL, FIELD(struct stats_args, no_stream), "",
		"Disable streaming stats and only pull the first result"},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct stats_args, no_trunc), "", "Do not truncate output"},
	{0},
};

static const struct listing_column columns[] = {
	{"BlockIO", "BLOCK I/O"},
	{"CPUPerc", "CPU %"},
	{"Container", "CONTAINER"},
	{"ID", "CONTAINER ID"},
	{"MemPerc", "MEM %"},
	{"MemUsage", "MEM USAGE / LIMIT"},
	{"Name", "NAME"},
	{"NetIO", "NET I/O"},
	{"PIDs", "PIDS"},
	{NULL, NULL},
};
// clang-format on

static const struct listing listing = {
	.fields = columns,
	.default_table = "table {{.ID}}\\t{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.MemPerc}}"
			 "\\t{{.NetIO}}\\t{{.BlockIO}}\\t{{.PIDs}}",
	.type_name = "*container.statsContext",
};

/* One line of the table. */
struct watched {
	char *typed; /* what the user calls it */
	char id[65];
	char *name;
	struct stats before, now;
	bool is_gone; /* removed since */
	bool is_listed; /* seen in this look */
};

struct watch_list {
	struct watched *v;
	size_t n;
	bool is_fixed; /* named: nothing comes, nothing goes */
};

static void watched_deinit(struct watched *w)
{
	free(w->typed);
	free(w->name);
}

static struct watched *add(struct watch_list *l, const struct container_row *row, const char *typed)
{
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	struct watched *w = &l->v[l->n++];
	*w = (struct watched){.typed = typed ? xstrdup(typed) : xstrndup(row->id, 12),
		.name = xstrdup(row->name)};
	memcpy(w->id, row->id, sizeof(w->id));
	return w;
}

static struct watched *find(struct watch_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].id, id))
			return &l->v[i];
	return NULL;
}

static int add_named(struct cmd_call *call, struct watch_list *l, const char *name, struct err *e)
{
	struct container_row row;
	int r = container_get(call->store, name, &row, e);
	if (r == 0)
		add(l, &row, name);
	if (r == 0)
		container_row_deinit(&row);
	return r;
}

static int add_all_named(
	struct cmd_call *call, const struct stats_args *a, struct watch_list *l, struct err *e)
{
	int r = 0;
	l->is_fixed = call->argc > 0 || a->latest;
	if (a->latest) {
		auto_free char *name = pick_one(call, true, e);
		return name ? add_named(call, l, name, e) : -e->code;
	}
	for (int i = 0; i < call->argc && r == 0; i++)
		r = add_named(call, l, call->argv[i], e);
	return r;
}

static void sample(struct watched *w, const struct container_row *row)
{
	w->before = w->now;
	w->is_listed = true;
	if (strcmp(w->name, row->name) != 0) {
		free(w->name);
		w->name = xstrdup(row->name);
	}
	stats_read(row, &w->now);
}

static bool is_live(const struct container_row *row)
{
	return !strcmp(row->state, "running") || !strcmp(row->state, "paused");
}

/* Those that are not there any more: named ones stay as a line without numbers. */
static void drop_unlisted(struct watch_list *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].is_listed || l->is_fixed) {
			l->v[i].is_gone = !l->v[i].is_listed;
			l->v[kept++] = l->v[i];
		} else {
			watched_deinit(&l->v[i]);
		}
	}
	l->n = kept;
}

static int look(struct store *s, const struct stats_args *a, struct watch_list *l, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0;
	int r = container_reconcile_all(s, e);
	if (r >= 0)
		r = container_row_list(s->db, &rows, &n, e);
	for (size_t i = 0; i < l->n; i++)
		l->v[i].is_listed = false;
	for (size_t i = 0; i < n; i++) {
		struct watched *w = find(l, rows[i].id);
		bool wanted = a->all || is_live(&rows[i]);
		if (!w && !l->is_fixed && wanted)
			w = add(l, &rows[i], NULL);
		if (w && (wanted || l->is_fixed))
			sample(w, &rows[i]);
		container_row_deinit(&rows[i]);
	}
	free(rows);
	if (r >= 0)
		drop_unlisted(l);
	return r < 0 ? r : 0;
}

static void set_text(json_t *o, const char *key, char *text)
{
	json_set_str(o, key, text);
	free(text);
}

static char *pair(char *a, char *b)
{
	char *text = xasprintf("%s / %s", a, b);
	free(a);
	free(b);
	return text;
}

static json_t *row_of(const struct watched *w, bool no_trunc)
{
	const struct stats *s = &w->now;
	json_t *o = json_object();
	double memory = s->memory_limit ? (double)s->memory / (double)s->memory_limit * 100.0 : 0;
	bool gone = w->is_gone;
	set_text(o, "BlockIO",
		gone ? xstrdup("--") : pair(human_size(s->block_in), human_size(s->block_out)));
	set_text(o, "CPUPerc",
		gone ? xstrdup("--") : xasprintf("%.2f%%", stats_cpu_percent(&w->before, s)));
	json_set_str(o, "Container", w->typed);
	set_text(o, "ID", xasprintf("%.*s", no_trunc ? 64 : 12, w->id));
	set_text(o, "MemPerc", gone ? xstrdup("--") : xasprintf("%.2f%%", memory));
	set_text(o, "MemUsage",
		gone ? xstrdup("-- / --")
		     : pair(human_bytes_binary(s->memory), human_bytes_binary(s->memory_limit)));
	json_set_str(o, "Name", w->name);
	set_text(o, "NetIO",
		gone ? xstrdup("--") : pair(human_size(s->net_in), human_size(s->net_out)));
	set_text(o, "PIDs", gone ? xstrdup("--") : xasprintf("%lld", (long long)s->pids));
	return o;
}

static int print(const struct watch_list *l, const struct stats_args *a, const char *format,
	bool clears, struct err *e)
{
	auto_json rows = json_array();
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(rows, row_of(&l->v[i], a->no_trunc));
	int r = listing_text(&listing, rows, format, false, &text, e);
	if (r < 0)
		return r;
	if (clears)
		fputs("\033[2J\033[H", stdout);
	if (text.len)
		(void)fwrite(text.data, 1, text.len, stdout);
	return fflush(stdout) == 0 ? 0 : err_sys(e, "cannot write to standard output");
}

static bool anything_runs(const struct watch_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].now.is_alive)
			return true;
	return false;
}

/* Two looks make a line: what was used between them. */
static int follow(struct cmd_call *call, const struct stats_args *a, struct watch_list *l,
	const char *format, struct err *e)
{
	const struct timespec pause = {.tv_sec = a->interval};
	int r = add_all_named(call, a, l, e);
	if (r == 0)
		r = look(call->store, a, l, e);
	bool waits = r == 0 && (!a->no_stream || anything_runs(l));
	while (r == 0) {
		if (waits)
			(void)nanosleep(&pause, NULL);
		r = waits ? look(call->store, a, l, e) : 0;
		if (r == 0)
			r = print(l, a, format, !a->no_stream && !a->no_reset, e);
		if (a->no_stream)
			break;
	}
	return r;
}

static int stats_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct stats_args *a = args;
	struct watch_list l = {0};
	if (a->interval < 1 || a->interval > 86400) {
		err_set(e, EINVAL, "invalid interval, must be a positive number of seconds");
		return err_status(e, 125);
	}
	if (a->latest + a->all + (call->argc > 0) > 1) {
		err_set(e, EINVAL, "--all, --latest and containers cannot be used together");
		return err_status(e, 125);
	}
	auto_free char *configured =
		a->format ? NULL : client_config_text(call->globals, "statsFormat");
	int r = follow(call, a, &l, a->format ? a->format : configured, e);
	for (size_t i = 0; i < l.n; i++)
		watched_deinit(&l.v[i]);
	free(l.v);
	return r;
}

static const char *const stats_aliases[] = {"container stats", NULL};
const struct cmd cmd_stats = {
	.name = "stats",
	.aliases = stats_aliases,
	.brief = "Display a live stream of container(s) resource usage statistics",
	.operands = "[CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = stats_opts,
	.args_size = sizeof(struct stats_args),
	.about =
		"Shows what the running containers use, or the ones that are named, anew every "
		"second. A container that has a cgroup of its own is measured there, another by "
		"its "
		"processes: memory is then their proportional set size.\n\n"
		"CPU % is of one processor: two busy ones are 200%. The limit of the memory is the "
		"container's, or the memory of the machine.\n\n"
		"Templates know .Container .Name .ID .CPUPerc .MemUsage .MemPerc .NetIO .BlockIO "
		".PIDs. Without --format, statsFormat of Docker's config.json is used.",
	.examples =
		"moss stats\n"
		"moss stats --no-stream --format 'table {{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}'",
	.run = stats_run,
};
