/* system df */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format/exec.h"
#include "cmd/format/human.h"
#include "cmd/format/listing.h"
#include "cmd/format/node.h"
#include "cmd/format/template.h"
#include "cmd/image_names.h"
#include "cmd/image_row.h"
#include "cmd/ps.h"
#include "cmd/system_df.h"
#include "cmd/volume_row.h"
#include "engine/state.h"
#include "engine/usage.h"
#include "storage/image.h"
#include "storage/volume.h"

struct system_df {
	bool verbose;
	char *format;
};

/* ---- the four lines ---- */

struct line {
	const char *type;
	size_t total, active;
	int64_t size, reclaimable;
};

/* "2.1MB (37%)"; without a share where there is nothing, and, as with Docker, for what builds keep.
 */
static char *reclaimable_text(const struct line *l, bool has_share)
{
	auto_free char *bytes = human_size4(l->reclaimable);
	if (!has_share || l->size <= 0)
		return take_ptr(bytes);
	return xasprintf("%s (%lld%%)", bytes, (long long)(l->reclaimable * 100 / l->size));
}

static void add_line(json_t *rows, const struct line *l, bool has_share)
{
	json_t *row = json_object();
	auto_free char *total = xasprintf("%zu", l->total), *active = xasprintf("%zu", l->active);
	auto_free char *size = human_size4(l->size), *free_text = reclaimable_text(l, has_share);
	json_set_str(row, "Active", active);
	json_set_str(row, "Reclaimable", free_text);
	json_set_str(row, "Size", size);
	json_set_str(row, "TotalCount", total);
	json_set_str(row, "Type", l->type);
	json_array_append_new(rows, row);
}

static struct line images_line(const struct usage *u)
{
	struct line l = {.type = "Images",
		.total = u->n_images,
		.size = u->images_bytes,
		.reclaimable = u->images_reclaimable};
	for (size_t i = 0; i < u->n_images; i++)
		l.active += u->images[i].n_containers > 0;
	return l;
}

static struct line containers_line(const struct usage *u)
{
	struct line l = {.type = "Containers", .total = u->n_containers};
	for (size_t i = 0; i < u->n_containers; i++) {
		bool is_active = state_is_live(state_parse(u->containers[i].state));
		l.active += is_active;
		l.size += u->container_bytes[i];
		l.reclaimable += is_active ? 0 : u->container_bytes[i];
	}
	return l;
}

static struct line volumes_line(const struct usage *u)
{
	struct line l = {.type = "Local Volumes", .total = u->n_volumes};
	for (size_t i = 0; i < u->n_volumes; i++) {
		bool is_active = u->volume_links[i] > 0;
		l.active += is_active;
		l.size += u->volume_bytes[i];
		l.reclaimable += is_active ? 0 : u->volume_bytes[i];
	}
	return l;
}

static const struct listing_column fields[] = {
	{"Type", "TYPE"},
	{"TotalCount", "TOTAL"},
	{"Active", "ACTIVE"},
	{"Size", "SIZE"},
	{"Reclaimable", "RECLAIMABLE"},
	{0},
};

static int print_lines(const struct usage *u, const char *format, struct err *e)
{
	auto_json rows = json_array();
	struct line images = images_line(u), containers = containers_line(u);
	struct line volumes = volumes_line(u);
	struct line cache = {.type = "Build Cache"}; /* nothing here builds */
	add_line(rows, &images, true);
	add_line(rows, &containers, true);
	add_line(rows, &volumes, true);
	add_line(rows, &cache, false);
	struct listing l = {
		.fields = fields,
		.default_table = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}"
				 "\t{{.Reclaimable}}",
		.raw_format = "type: {{.Type}}\\ntotal: {{.TotalCount}}\\nactive: {{.Active}}\\n"
			      "size: {{.Size}}\\nreclaimable: {{.Reclaimable}}\\n",
		.type_name = "*formatter.diskUsageImagesContext",
	};
	return listing_print(&l, rows, format, false, e);
}

/* ---- each thing ---- */

static json_t *image_rows(const struct usage *u, bool no_trunc)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < u->n_images; i++) {
		const struct image *image = &u->images[i];
		int64_t all = u->unique[i] + u->shared[i];
		auto_free char *name = NULL, *tag = NULL;
		/* As Docker: the first name only. */
		if (image->names[0])
			image_name_split(image->names[0], &name, &tag);
		json_t *row = image_row(image, name ? name : "<none>", tag ? tag : "<none>",
			no_trunc ? "" : "<none>", no_trunc);
		auto_free char *size = human_size(all), *size4 = human_size4(all);
		auto_free char *shared = human_size4(u->shared[i]);
		auto_free char *unique = human_size4(u->unique[i]);
		auto_free char *count = xasprintf("%lld", (long long)image->n_containers);
		json_set_str(row, "Containers", count);
		json_set_str(row, "SharedSize", shared);
		json_set_str(row, "Size", size);
		json_set_str(row, "UniqueSize", unique);
		json_set_str(row, "VirtualSize", size4);
		json_array_append_new(rows, row);
	}
	return rows;
}

/* What the names that containers were made by stand for now. New reference. */
static json_t *ids_of_names(const struct usage *u)
{
	json_t *ids = json_object();
	for (size_t i = 0; i < u->n_containers; i++) {
		auto_free char *full = image_reference(u->containers[i].image_name);
		for (size_t k = 0; full && k < u->n_images; k++)
			for (char **n = u->images[k].names; *n; n++)
				if (!strcmp(*n, full))
					json_set_str(
						ids, u->containers[i].image_name, u->images[k].id);
	}
	return ids;
}

static json_t *container_rows(const struct usage *u, bool no_trunc)
{
	json_t *rows = json_array();
	auto_json ids = ids_of_names(u);
	const struct ps_options o = {.all = true, .no_trunc = no_trunc};
	int64_t now = clock_now_ns();
	for (size_t i = 0; i < u->n_containers; i++) {
		struct ps_container c = {.row = &u->containers[i], .size = u->container_bytes[i]};
		json_array_append_new(rows, ps_row(&c, &o, ids, now));
		ps_container_deinit(&c);
	}
	return rows;
}

static json_t *volume_rows(const struct usage *u)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < u->n_volumes; i++) {
		json_t *row = volume_row(&u->volumes[i]);
		auto_free char *size = human_size4(u->volume_bytes[i]);
		auto_free char *links = xasprintf("%lld", (long long)u->volume_links[i]);
		json_set_str(row, "Links", links);
		json_set_str(row, "Size", size);
		json_array_append_new(rows, row);
	}
	return rows;
}

/* Title, empty line, table. */
static int print_table(const char *title, const struct listing *l, json_t *rows, struct err *e)
{
	auto_json owned = rows;
	printf("%s\n\n", title);
	return listing_print(l, owned, NULL, false, e);
}

static int print_tables(const struct usage *u, struct err *e)
{
	const struct listing images = {.fields = system_df_images,
		.default_table = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}"
				 "\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}"
				 "\t{{.Containers}}"};
	const struct listing containers = {.fields = system_df_containers,
		.default_table = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}"
				 "\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}"};
	const struct listing volumes = {.fields = system_df_volumes,
		.default_table = "table {{.Name}}\t{{.Links}}\t{{.Size}}"};
	const struct listing cache = {.fields = system_df_cache,
		.default_table = "table {{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}"
				 "\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}"};
	int r = print_table("Images space usage:", &images, image_rows(u, false), e);
	if (r >= 0)
		r = print_table(
			"\nContainers space usage:", &containers, container_rows(u, false), e);
	if (r >= 0)
		r = print_table("\nLocal Volumes space usage:", &volumes, volume_rows(u), e);
	return r < 0 ? r : print_table("\nBuild cache usage: 0B", &cache, json_array(), e);
}

/* A template over all of it at once; no line feed follows, as with Docker. */
static int print_template(const struct usage *u, const char *format, struct err *e)
{
	static const struct exec_options options = {.is_header = false};
	struct template *t = NULL;
	auto_buf out = BUF_INIT;
	const char *text = !strcmp(format, "json") ? "{{json .}}" : format;
	const char *rest = str_after(text, "table ");
	int r = template_parse(rest ? rest : text, &t, e);
	if (r < 0)
		return err_ctx(e, "template parsing error");
	auto_json all = json_object();
	json_set(all, "Images", image_rows(u, true));
	json_set(all, "Containers", container_rows(u, true));
	json_set(all, "Volumes", volume_rows(u));
	json_set(all, "BuildCache", json_array());
	r = exec_template(t, &system_df_type, all, &options, &out, e);
	template_free(t);
	if (out.len)
		(void)fwrite(out.data, 1, out.len, stdout);
	return r;
}

/* What Docker has no line for. */
static void note_rest(const struct usage *u)
{
	auto_free char *trash = human_size4(u->trash_bytes), *parts = human_size4(u->parts_bytes);
	auto_free char *held = human_size4(u->held_bytes);
	(void)fflush(stdout);
	if (u->trash_bytes > 0)
		fprintf(stderr,
			"moss: %s more are in the trash: \"moss undo\" lists, \"moss undo "
			"--empty\" "
			"frees them\n",
			trash);
	if (u->held_bytes > 0)
		fprintf(stderr,
			"moss: %s more are files of removed images that running containers have "
			"open: they go when those end\n",
			held);
	if (u->parts_bytes > 0)
		fprintf(stderr,
			"moss: %s more are parts of unfinished downloads: the next pull goes on "
			"with them, \"moss system prune --all\" or a week frees them\n",
			parts);
}

static int df_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct system_df *a = args;
	auto_usage u = {0};
	int r = usage_load(call->store, &u, e);
	if (r < 0)
		return r;
	bool has_format = !str_empty(a->format) && strcmp(a->format, "table") != 0;
	if (a->verbose)
		r = has_format ? print_template(&u, a->format, e) : print_tables(&u, e);
	else
		r = print_lines(&u, a->format, e);
	if (r >= 0 && !has_format)
		note_rest(&u);
	return r;
}

// clang-format off
static const struct opt opts[] = {
	{"format", 0, OPT_STR, FIELD(struct system_df, format), "string",
		"Format output using a custom template:\n"
		"'table':            Print output in table format with column headers (default)\n"
		"'table TEMPLATE':   Print output in table format using the given Go template\n"
		"'json':             Print in JSON format\n"
		"'TEMPLATE':         Print output using the given Go template"},
	{"verbose", 'v', OPT_BOOL, FIELD(struct system_df, verbose), "",
		"Show detailed information on space usage"},
	{0},
};
// clang-format on

const struct cmd cmd_system_df = {
	.name = "system df",
	.brief = "Show disk usage",
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct system_df),
	.run = df_run,
	.about =
		"Counts what the files really take of the disk, each once: a layer that several "
		"images have, or a file that several layers have, is not counted again. Of images, "
		"reclaimable is what image prune --all frees; of containers, what those that do "
		"not "
		"run take, logs and all; of volumes, those that no container uses. What is in the "
		"trash, of unfinished downloads, and of removed images in running containers is "
		"told on stderr.",
	.examples = "moss system df -v\n"
		    "moss system df --format '{{.Type}}: {{.Reclaimable}}'",
};
