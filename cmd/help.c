/* Help texts in the layout of Docker's: flags sorted by name, their texts in one column, wrapped
 * for 80 columns. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"

enum { WIDTH = 79, SLOP = 5, MIN_TEXT = 24 };

/* ---- flags ---- */

const char *help_metavar(const struct opt *o)
{
	switch (o->type) {
	case OPT_BOOL:
	case OPT_IGNORED_BOOL:
		return "";
	case OPT_UNSUPPORTED:
		return o->value ? o->value : "";
	case OPT_STR:
		return o->value ? o->value : "string";
	case OPT_LIST:
	case OPT_FILTER:
	case OPT_CSV:
		return o->value ? o->value : "list";
	case OPT_INT:
		return o->value ? o->value : "int";
	case OPT_UINT:
		return o->value ? o->value : "uint";
	case OPT_DECIMAL:
		return o->value ? o->value : "decimal";
	case OPT_DURATION:
		return o->value ? o->value : "duration";
	case OPT_BYTES:
		return o->value ? o->value : "bytes";
	case OPT_END:
	case OPT_GROUP:
		break;
	}
	BUG("option row %s has type %d", o->name, (int)o->type);
}

char *help_default(const struct opt *o)
{
	static const char *const zero[] = {"", "0", "0s", "false"};
	if (!o->def || o->type == OPT_UNSUPPORTED)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(zero); i++)
		if (strcmp(o->def, zero[i]) == 0)
			return NULL;
	return o->type == OPT_STR ? opt_quote(o->def) : xstrdup(o->def);
}

/* Where to break s so that it fits into width: at its newline, else its length where it does (or
 * has no blank), else at a blank. */
static size_t break_at(const char *s, size_t width)
{
	size_t len = strcspn(s, "\n");
	if (width + SLOP > len)
		return len;
	for (size_t i = width; i-- > 1;)
		if (s[i] == ' ')
			return i;
	return len;
}

static void add_spaces(struct buf *out, size_t n)
{
	while (n--)
		buf_putc(out, ' ');
}

static void add_wrapped(struct buf *out, size_t indent, const char *s)
{
	size_t width = WIDTH - indent;
	if (indent + MIN_TEXT > WIDTH) {
		indent = 16;
		width = WIDTH - indent;
		buf_putc(out, '\n');
		add_spaces(out, indent);
	}
	for (;;) {
		size_t n = break_at(s, width - SLOP);
		buf_add(out, s, n);
		s += n + (s[n] == ' ' || s[n] == '\n');
		if (!*s)
			break;
		buf_putc(out, '\n');
		add_spaces(out, indent);
	}
	buf_putc(out, '\n');
}

struct rows {
	const struct opt **v;
	size_t n;
};

static int collect(const struct opt *o, void *arg)
{
	struct rows *rows = arg;
	if (o->flags & (OPTF_HIDDEN | OPTF_ALIAS))
		return 0;
	rows->v = xrealloc(rows->v, (rows->n + 1) * sizeof(*rows->v));
	rows->v[rows->n++] = o;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct opt *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

const struct opt **help_rows(const struct opt *table, size_t *n)
{
	/* Where -h is another flag's letter, help is worth a line. */
	static const struct opt help = {"help", 0, OPT_BOOL, 0, "", "Print usage"};
	struct rows rows = {0};
	(void)opt_each(table, collect, &rows);
	if (opt_find_short(table, 'h'))
		(void)collect(&help, &rows);
	if (rows.n)
		qsort(rows.v, rows.n, sizeof(*rows.v), by_name);
	*n = rows.n;
	return rows.v;
}

static void flag_left(const struct opt *o, struct buf *out)
{
	if (o->shorthand)
		buf_printf(out, "  -%c, --%s", o->shorthand, o->name);
	else
		buf_printf(out, "      --%s", o->name);
	const char *metavar = help_metavar(o);
	if (*metavar)
		buf_printf(out, " %s", metavar);
}

static void add_flags(const struct opt *table, struct buf *out)
{
	size_t n = 0, widest = 0;
	auto_free const struct opt **rows = help_rows(table, &n);
	for (size_t i = 0; i < n; i++) {
		auto_buf left = BUF_INIT;
		flag_left(rows[i], &left);
		if (left.len > widest)
			widest = left.len;
	}
	for (size_t i = 0; i < n; i++) {
		const struct opt *o = rows[i];
		auto_buf left = BUF_INIT, text = BUF_INIT;
		auto_free char *def = help_default(o);
		flag_left(o, &left);
		buf_puts(&text, o->help ? o->help : "");
		if (o->type == OPT_UNSUPPORTED)
			buf_puts(&text, " (not supported yet)");
		if (def)
			buf_printf(&text, " (default %s)", def);
		buf_add(out, left.data, left.len);
		add_spaces(out, widest + 3 - left.len);
		add_wrapped(out, widest + 3, text.data);
	}
}

/* ---- commands ---- */

static bool has_flags(const struct cmd *c)
{
	size_t n = 0;
	free(help_rows(c->opts, &n));
	return n > 0;
}

void help_synopsis(const struct cmd *c, const char *program, const char *typed, struct buf *out)
{
	const char *name = typed ? typed : c->name;
	buf_printf(out, "%s%s%s", program, *name ? " " : "", name);
	if (has_flags(c))
		buf_puts(out, " [OPTIONS]");
	if (!c->run && c != &cmd_root)
		buf_puts(out, " COMMAND");
	if (!str_empty(c->operands))
		buf_printf(out, " %s", c->operands);
}

void help_short(const struct cmd *c, const char *program, const char *typed, struct buf *out)
{
	buf_puts(out, "Usage:  ");
	help_synopsis(c, program, typed, out);
	buf_printf(out, "\n\n%s\n", c->brief);
}

static void add_member(const struct cmd *c, const char *name, size_t widest, struct buf *out)
{
	buf_printf(out, "  %s", name);
	add_spaces(out, widest + 1 - strlen(name));
	add_wrapped(out, widest + 3, c->brief);
}

enum section { COMMON, GROUPS, OTHERS };

static enum section section_of(const struct cmd *c)
{
	static const char *const common[] = {"run", "exec", "ps", "build", "pull", "push", "images",
		"login", "logout", "search", "version", "info"};
	if (!c->run)
		return GROUPS;
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (strcmp(c->name, common[i]) == 0)
			return COMMON;
	return OTHERS;
}

static bool has_members(const struct cmd *group)
{
	for (const struct cmd *const *c = cmd_root.sub; *c; c++)
		if (!(*c)->hidden && cmd_member_name(*c, group))
			return true;
	return false;
}

struct member {
	const struct cmd *c;
	const char *name;
};

static int by_member_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* The commands of a group, or (group NULL) of one section of the top level. */
static void add_members(
	const struct cmd *group, enum section section, const char *title, struct buf *out)
{
	struct member *v = NULL;
	size_t n = 0, widest = 11;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		const char *name = cmd_member_name(*c, group);
		if (!name || (*c)->hidden || (!group && section_of(*c) != section))
			continue;
		if (!(*c)->run && !has_members(*c))
			continue;
		v = xrealloc(v, (n + 1) * sizeof(*v));
		v[n++] = (struct member){*c, name};
		if (strlen(name) > widest)
			widest = strlen(name);
	}
	if (n && (group || section != COMMON))
		qsort(v, n, sizeof(*v), by_member_name);
	if (n)
		buf_printf(out, "\n%s:\n", title);
	for (size_t i = 0; i < n; i++)
		add_member(v[i].c, v[i].name, widest, out);
	free(v);
}

/* All full names, those in groups first, as Docker lists them. */
static void add_aliases(const struct cmd *c, const char *program, struct buf *out)
{
	auto_strv names = STRV_INIT;
	const char *full;
	for (int in_group = 1; in_group >= 0; in_group--)
		for (size_t i = 0; (full = cmd_full_name(c, i)); i++)
			if (!strchr(full, ' ') == !in_group)
				strv_addf(&names, "%s %s", program, full);
	if (names.n < 2)
		return;
	auto_free char *joined = strv_join(&names, ", ");
	buf_printf(out, "\nAliases:\n  %s\n", joined);
}

static void add_command_help(
	const struct cmd *c, const char *program, const char *typed, struct buf *out)
{
	help_short(c, program, typed, out);
	add_aliases(c, program, out);
	if (has_flags(c)) {
		buf_puts(out, "\nOptions:\n");
		add_flags(c->opts, out);
	}
}

void help_text(const struct cmd *c, const char *program, const char *typed, struct buf *out)
{
	buf_putc(out, '\n');
	if (c == &cmd_root) {
		help_short(c, program, typed, out);
		add_members(NULL, COMMON, "Common Commands", out);
		add_members(NULL, GROUPS, "Management Commands", out);
		add_members(NULL, OTHERS, "Commands", out);
		buf_puts(out, "\nGlobal Options:\n");
		add_flags(c->opts, out);
		buf_printf(out, "\nRun '%s COMMAND --help' for more information on a command.\n",
			program);
	} else if (!c->run) {
		help_short(c, program, typed, out);
		add_members(c, OTHERS, "Commands", out);
		buf_printf(out, "\nRun '%s %s COMMAND --help' for more information on a command.\n",
			program, typed ? typed : c->name);
	} else {
		add_command_help(c, program, typed, out);
	}
}
