/* Runs the cases of tests/golden/format: one file a case, with Docker's own output.
 *
 *   kind: inspect container | inspect image | inspect volume | inspect raw | list NAME | df
 *   format: the template, \n and \t as Docker's shell users write them
 *   status: 0, 1 or 64 (default 0)
 *   --- input
 *   JSON: an object (inspect) or an array of rows (list)
 *   --- output
 *   what is printed, or with a status the error
 *
 * A line "input: FILE" takes the JSON from another file of the folder.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/exec.h"
#include "cmd/format/inspector.h"
#include "cmd/format/listing.h"
#include "cmd/format/node.h"
#include "cmd/format/template.h"
#include "cmd/system_df.h"

struct golden {
	char *kind, *format, *input, *output;
	int status;
};

static const char *folder;

static void golden_deinit(struct golden *g)
{
	free(g->kind);
	free(g->format);
	free(g->input);
	free(g->output);
}

static char *load(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);
	auto_buf b = BUF_INIT;
	struct err e = {0};
	if (read_file(path, 1 << 20, &b, &e) < 0)
		fail_msg("%s", e.msg);
	return buf_take(&b);
}

/* Headers, then the parts behind "--- input" and "--- output". */
static void golden_parse(struct golden *g, char *text)
{
	char *output = strstr(text, "--- output\n");
	assert_non_null(output);
	*output = '\0';
	g->output = xstrdup(output + strlen("--- output\n"));
	char *input = strstr(text, "--- input\n");
	if (input) {
		*input = '\0';
		g->input = xstrdup(input + strlen("--- input\n"));
	}
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *v;
		if ((v = str_after(line, "kind: ")))
			g->kind = xstrdup(v);
		else if ((v = str_after(line, "format: ")))
			g->format = xstrdup(v);
		else if ((v = str_after(line, "status: ")))
			g->status = atoi(v);
		else if ((v = str_after(line, "input: ")))
			g->input = load(v);
	}
	assert_non_null(g->kind);
	assert_non_null(g->input);
}

static int run_inspect(
	const struct golden *g, const char *what, json_t *data, struct buf *out, struct err *e)
{
	static const struct gofield no_fields[] = {{NULL, NULL, NULL}};
	static const struct gotype nothing = {
		.kind = GO_STRUCT, .name = "struct {}", .fields = no_fields};
	static const struct {
		const char *name;
		const struct gotype *type;
	} types[] = {{"container", &go_container}, {"image", &go_image}, {"volume", &go_volume},
		{"raw", &nothing}};
	auto_inspector i = {.template = NULL};
	for (size_t k = 0; k < ARRAY_LEN(types); k++) {
		if (strcmp(what, types[k].name) != 0)
			continue;
		int r = inspector_init(&i, g->format, e);
		if (r >= 0)
			r = inspector_add(&i, data, types[k].type, types[k].type != &go_volume, e);
		if (r >= 0)
			inspector_text(&i, out);
		return r;
	}
	fail_msg("unknown kind %s", what);
	return -1;
}

static int run_list(const struct golden *g, const json_t *rows, struct buf *out, struct err *e)
{
	static const struct listing_column columns[] = {{"ID", "CONTAINER ID"}, {"Names", "NAMES"},
		{"Image", "IMAGE"}, {"Command", "COMMAND"}, {"CreatedAt", "CREATED AT"},
		{"RunningFor", "CREATED"}, {"Ports", "PORTS"}, {"State", "STATE"},
		{"Status", "STATUS"}, {"Size", "SIZE"}, {"Labels", "LABELS"}, {"Label", NULL},
		{"Mounts", "MOUNTS"}, {"LocalVolumes", "LOCAL VOLUMES"}, {"Networks", "NETWORKS"},
		{NULL, NULL}};
	static const struct listing list = {.fields = columns,
		.default_table =
			"table {{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}"
			"\\t{{.Ports}}\\t{{.Names}}",
		.quiet_format = "{{.ID}}",
		.type_name = "*formatter.ContainerContext",
		.parse_error = "failed to parse template",
		.execute_error = "failed to execute template",
		.tries_first = true};
	return listing_text(&list, rows, g->format, false, out, e);
}

/* What system df --verbose gives its template. */
static int run_df(const struct golden *g, const json_t *data, struct buf *out, struct err *e)
{
	static const struct exec_options options = {.is_header = false};
	struct template *t = NULL;
	int r = template_parse(g->format, &t, e);
	if (r >= 0)
		r = exec_template(t, &system_df_type, data, &options, out, e);
	template_free(t);
	if (r >= 0)
		buf_putc(out, '\n');
	return r;
}

static bool run_case(const char *name)
{
	struct golden g = {0};
	auto_free char *text = load(name);
	golden_parse(&g, text);
	struct err e = {0};
	auto_buf out = BUF_INIT;
	auto_json data = json_parse(g.input, strlen(g.input), name, &e);
	if (!data)
		fail_msg("%s", e.msg);
	const char *what = str_after(g.kind, "inspect ");
	int r = what                    ? run_inspect(&g, what, data, &out, &e)
		: !strcmp(g.kind, "df") ? run_df(&g, data, &out, &e)
					: run_list(&g, data, &out, &e);
	if (r < 0) {
		buf_free(&out);
		out = BUF_INIT;
		buf_printf(&out, "%s\n", e.msg);
	}
	int status = r < 0 ? e.status ? e.status : 1 : 0;
	const char *got = out.len ? out.data : "";
	bool same = strcmp(got, g.output) == 0 && status == g.status;
	if (!same) {
		size_t at = 0;
		while (got[at] && got[at] == g.output[at])
			at++;
		size_t from = at > 60 ? at - 60 : 0;
		print_error("%s: %s\n  want (%d): %.200s\n  got  (%d): %.200s\n", name,
			g.format ? g.format : "", g.status, g.output + from, status, got + from);
	}
	golden_deinit(&g);
	return same;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_cases(struct strv *names)
{
	auto_dir d = opendir(folder);
	if (!d)
		return;
	for (struct dirent *entry; (entry = readdir(d));) {
		if (str_ends(entry->d_name, ".case"))
			strv_add(names, entry->d_name);
	}
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), compare);
}

static void test_golden(void **state)
{
	(void)state;
	struct strv names = STRV_INIT;
	list_cases(&names);
	assert_true(names.n > 0);
	size_t failed = 0;
	for (size_t i = 0; i < names.n; i++)
		failed += !run_case(names.v[i]);
	strv_free(&names);
	assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	auto_free char *path = xasprintf("%s/tests/golden/format", srcdir ? srcdir : ".");
	folder = argc > 1 ? argv[1] : path;
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
