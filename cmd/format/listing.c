#include "cmd/format/listing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/exec.h"
#include "cmd/format/node.h"
#include "cmd/format/tabwriter.h"
#include "cmd/format/template.h"

enum { FIELDS_MAX = 64 };

static const struct gotype cell_type = {
	.kind = GO_ANY, .flags = GO_CELL | GO_STRICT, .name = "string"};
static const struct gotype extra_type = {
	.kind = GO_ANY, .flags = GO_CELL | GO_STRICT | GO_HIDDEN, .name = "string"};
static const struct gotype lookup_type = {.kind = GO_LOOKUP, .name = "func(string) string"};

/* The Go type of a row. */
struct row_type {
	struct gofield fields[FIELDS_MAX];
	struct gotype type;
};

static void row_type_init(struct row_type *t, const struct listing *l)
{
	size_t n = 0;
	for (const struct listing_column *c = l->fields; c->field && n + 1 < FIELDS_MAX; c++)
		t->fields[n++] = (struct gofield){c->field, NULL,
			!c->header    ? &lookup_type
			: c->is_extra ? &extra_type
				      : &cell_type};
	t->fields[n] = (struct gofield){NULL, NULL, NULL};
	t->type = (struct gotype){.kind = GO_STRUCT,
		.flags = GO_METHODS,
		.name = l->type_name ? l->type_name : "*formatter.SubContext",
		.fields = t->fields};
}

/* What `format` asks for as a plain template; *is_table tells whether it gets a header. Owned. */
static char *plain_format(const struct listing *l, const char *format, bool quiet, bool *is_table)
{
	const char *f = format;
	*is_table = false;
	if (str_empty(f) || strcmp(f, "table") == 0) {
		if (quiet)
			return xstrdup(l->quiet_format);
		f = l->default_table;
	} else if (strcmp(f, "json") == 0) {
		return xstrdup("{{json .}}");
	} else if (l->raw_format && strcmp(f, "raw") == 0) {
		f = l->raw_format;
	}
	if (str_starts(f, "table")) {
		*is_table = true;
		f += strlen("table");
	}
	size_t len = strlen(f);
	while (len && *f == ' ') {
		f++;
		len--;
	}
	while (len && f[len - 1] == ' ')
		len--;
	auto_buf b = BUF_INIT;
	for (size_t i = 0; i < len; i++) {
		bool escape = f[i] == '\\' && i + 1 < len;
		if (escape && (f[i + 1] == 't' || f[i + 1] == 'n'))
			buf_putc(&b, f[++i] == 't' ? '\t' : '\n');
		else
			buf_putc(&b, f[i]);
	}
	return buf_take(&b);
}

static void add_header(const struct listing *l, const struct template *t, struct buf *out)
{
	static const struct gotype headers = {.kind = GO_MAP,
		.flags = GO_HEADER,
		.name = "formatter.SubHeaderContext",
		.elem = &go_string};
	static const struct exec_options options = {.is_header = true};
	auto_json names = json_object();
	for (const struct listing_column *c = l->fields; c->field; c++) {
		if (c->header)
			json_set_str(names, c->field, c->header);
	}
	/* As far as it goes: Docker looks at no error here. */
	struct err ignored = {0};
	(void)exec_template(t, &headers, names, &options, out, &ignored);
	buf_putc(out, '\n');
}

static int add_rows(const struct listing *l, const struct template *t, const json_t *rows,
	struct buf *out, struct err *e)
{
	static const struct exec_options options = {.is_header = false};
	struct row_type type;
	size_t i;
	json_t *row;
	row_type_init(&type, l);
	json_array_foreach (rows, i, row) {
		if (exec_template(t, &type.type, row, &options, out, e) < 0)
			return err_ctx(e, "template parsing error");
		buf_putc(out, '\n');
	}
	return 0;
}

/* Executes the format as it was given (a table with its "table") over an empty row. */
static int try_format(const struct listing *l, const char *format, struct err *e)
{
	static const struct exec_options options = {.is_header = false};
	struct row_type type;
	struct template *t = NULL;
	auto_buf ignored = BUF_INIT;
	auto_json none = json_object();
	row_type_init(&type, l);
	if (template_parse(format, &t, e) < 0)
		return err_ctx(e, "%s", l->parse_error ? l->parse_error : "template parsing error");
	int r = exec_template(t, &type.type, none, &options, &ignored, e);
	template_free(t);
	if (r < 0)
		return err_ctx(
			e, "%s", l->execute_error ? l->execute_error : "template parsing error");
	return 0;
}

int listing_text(const struct listing *l, const json_t *rows, const char *format, bool quiet,
	struct buf *out, struct err *e)
{
	bool is_table;
	auto_free char *plain = plain_format(l, format, quiet, &is_table);
	struct template *t = NULL;
	int r = l->tries_first && !str_empty(format) ? try_format(l, format, e) : 0;
	if (r < 0)
		return r;
	if (template_parse(plain, &t, e) < 0)
		return err_ctx(e, "template parsing error");
	auto_buf text = BUF_INIT;
	if (is_table)
		add_header(l, t, &text);
	r = add_rows(l, t, rows, &text, e);
	template_free(t);
	if (r < 0)
		return r;
	if (is_table)
		tabwriter_align(out, text.data, text.len);
	else if (text.len)
		buf_add(out, text.data, text.len);
	return 0;
}

int listing_print(
	const struct listing *l, const json_t *rows, const char *format, bool quiet, struct err *e)
{
	auto_buf text = BUF_INIT;
	int r = listing_text(l, rows, format, quiet, &text, e);
	if (r < 0)
		return r;
	if (text.len)
		(void)fwrite(text.data, 1, text.len, stdout); /* main looks at stdout's end */
	return 0;
}

int listing_print_bare(
	const struct listing *l, const json_t *rows, const char *format, bool quiet, struct err *e)
{
	auto_buf text = BUF_INIT;
	bool is_table = str_empty(format) ? !quiet : str_starts(format, "table");
	int r = listing_text(l, rows, format, quiet, &text, e);
	const char *rest = r == 0 && text.len ? text.data : "";
	const char *header_end = is_table ? strchr(rest, '\n') : NULL;
	fputs(header_end ? header_end + 1 : rest, stdout);
	return r;
}

static bool node_uses(const struct node *n, const char *field)
{
	for (; n; n = n->next) {
		bool is_dot = n->type == NODE_DOT || (n->type == NODE_VARIABLE && n->n_ident == 1);
		size_t at = n->type == NODE_VARIABLE ? 1 : 0;
		if (is_dot || (n->n_ident > at && strcmp(n->ident[at], field) == 0))
			return true;
		if (node_uses(n->pipe, field) || node_uses(n->first, field) ||
			node_uses(n->list, field) || node_uses(n->else_list, field))
			return true;
	}
	return false;
}

bool listing_uses(const struct listing *l, const char *format, const char *field)
{
	bool is_table;
	auto_free char *plain = plain_format(l, format, false, &is_table);
	struct template *t = NULL;
	struct err ignored = {0};
	if (template_parse(plain, &t, &ignored) < 0)
		return false;
	bool uses = node_uses(t->list, field);
	for (const struct definition *d = t->definitions; d && !uses; d = d->next)
		uses = node_uses(d->list, field);
	template_free(t);
	return uses;
}
