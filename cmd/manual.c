/* moss __manual: the man pages, written from the same rows as --help. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"

struct manual {
	char *all;
};

/* ---- roff ---- */

/* Text in which nothing is roff: no escapes, no requests at the start of a line. */
static void add_escaped(struct buf *out, const char *s)
{
	bool at_start = out->len == 0 || out->data[out->len - 1] == '\n';
	for (; *s; s++) {
		if (at_start && (*s == '.' || *s == '\''))
			buf_puts(out, "\\&");
		if (*s == '\\')
			buf_puts(out, "\\e");
		else if (*s == '-')
			buf_puts(out, "\\-");
		else
			buf_putc(out, *s);
		at_start = *s == '\n';
	}
}

static void add_bold(struct buf *out, const char *s)
{
	buf_puts(out, "\\fB");
	add_escaped(out, s);
	buf_puts(out, "\\fR");
}

static void add_italic(struct buf *out, const char *s)
{
	buf_puts(out, "\\fI");
	add_escaped(out, s);
	buf_puts(out, "\\fR");
}

/* Paragraphs are separated by an empty line. */
static void add_paragraphs(struct buf *out, const char *text)
{
	while (text && *text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);
		auto_free char *paragraph = xstrndup(text, len);
		buf_puts(out, ".PP\n");
		add_escaped(out, paragraph);
		buf_putc(out, '\n');
		text = end ? end + 2 : text + len;
	}
}

/* "moss-volume-create" */
static char *page_name(const struct cmd *c)
{
	char *name = *c->name ? xasprintf("moss-%s", c->name) : xstrdup("moss");
	for (char *p = name; *p; p++)
		if (*p == ' ')
			*p = '-';
	return name;
}

/* ---- sections ---- */

/* Lines that stay lines. */
static void add_lines(struct buf *out, const char *text)
{
	auto_strv lines = STRV_INIT;
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		if (i)
			buf_puts(out, "\n.br\n");
		add_escaped(out, lines.v[i]);
	}
}

static void add_flag(struct buf *out, const struct opt *o)
{
	const char *metavar = help_metavar(o);
	auto_free char *def = help_default(o);
	buf_puts(out, ".TP\n");
	if (o->shorthand)
		buf_printf(out, "\\fB\\-%c\\fR, ", o->shorthand);
	buf_puts(out, "\\fB\\-\\-");
	add_escaped(out, o->name);
	buf_puts(out, "\\fR");
	if (*metavar) {
		buf_putc(out, ' ');
		add_italic(out, metavar);
	}
	buf_putc(out, '\n');
	add_lines(out, o->help ? o->help : "");
	if (o->type == OPT_UNSUPPORTED)
		buf_puts(out, " (not supported yet)");
	if (def) {
		buf_puts(out, " (default ");
		add_escaped(out, def);
		buf_putc(out, ')');
	}
	buf_putc(out, '\n');
}

static void add_flags(struct buf *out, const struct cmd *c)
{
	size_t n = 0;
	auto_free const struct opt **rows = help_rows(c->opts, &n);
	if (n)
		buf_puts(out, c == &cmd_root ? ".SH GLOBAL OPTIONS\n" : ".SH OPTIONS\n");
	for (size_t i = 0; i < n; i++)
		add_flag(out, rows[i]);
}

static void add_synopsis(struct buf *out, const struct cmd *c)
{
	auto_buf synopsis = BUF_INIT;
	help_synopsis(c, "moss", NULL, &synopsis);
	size_t name = strlen("moss") + (*c->name ? 1 + strlen(c->name) : 0);
	auto_free char *command = xstrndup(synopsis.data, name);
	buf_puts(out, ".SH SYNOPSIS\n");
	add_bold(out, command);
	add_escaped(out, synopsis.data + name);
	buf_putc(out, '\n');
	const char *full;
	for (size_t i = 1; (full = cmd_full_name(c, i)); i++) {
		buf_puts(out, ".br\n");
		auto_free char *alias = xasprintf("moss %s", full);
		add_bold(out, alias);
		add_escaped(out, synopsis.data + name);
		buf_putc(out, '\n');
	}
}

static void add_commands(struct buf *out, const struct cmd *group)
{
	buf_puts(out, ".SH COMMANDS\n");
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		const char *name = (*c)->hidden ? NULL : cmd_member_name(*c, group);
		if (!name)
			continue;
		auto_free char *page = page_name(*c);
		buf_puts(out, ".TP\n");
		add_bold(out, name);
		buf_putc(out, '\n');
		add_escaped(out, (*c)->brief);
		buf_puts(out, ".\nSee ");
		add_bold(out, page);
		buf_puts(out, "(1).\n");
	}
}

static void add_exit_status(struct buf *out, const struct cmd *c)
{
	buf_puts(out, ".SH EXIT STATUS\n");
	if (c->error_status == 125)
		buf_puts(out, "The exit status of the container's program, or 125 where moss "
			      "itself failed,\n"
			      "126 where the program cannot be run, 127 where there is none.\n");
	else
		buf_puts(out,
			"0 on success, 1 where it failed (in part), 125 for an unknown flag.\n");
}

static const char root_about[] =
	"moss runs containers for one ordinary user: no root, no daemon. Its command line is "
	"Docker's.\n\n"
	"Images, containers and volumes are kept below $XDG_DATA_HOME/moss (usually\n"
	"~/.local/share/moss), sockets and other files of this boot below $XDG_RUNTIME_DIR/moss.";

// clang-format off
static const char *const root_environment[][2] = {
	{"XDG_DATA_HOME", "The store is the folder moss below it (~/.local/share where unset)."},
	{"XDG_RUNTIME_DIR", "Sockets and other files of this boot are in the folder moss below it; where "
		"unset, in a private folder below /tmp."},
	{"MOSS_STORAGE_DRIVER", "As --storage-driver."},
	{"DOCKER_CONFIG", "Folder of config.json with registry credentials (~/.docker where unset)."},
	{"DOCKER_AUTH_CONFIG", "Registry credentials as JSON, before those of config.json."},
	{"REGISTRY_AUTH_FILE", "File of registry credentials."},
	{"DOCKER_DEFAULT_PLATFORM", "Platform of images where --platform is not given."},
	{"SSL_CERT_FILE, SSL_CERT_DIR", "Certificates of authorities for registries and import."},
	{"DOCKER_HOST", "Ignored: there is no daemon."},
};
// clang-format on

static void add_environment(struct buf *out)
{
	buf_puts(out, ".SH ENVIRONMENT\n");
	for (size_t i = 0; i < ARRAY_LEN(root_environment); i++) {
		buf_puts(out, ".TP\n");
		add_bold(out, root_environment[i][0]);
		buf_putc(out, '\n');
		add_escaped(out, root_environment[i][1]);
		buf_putc(out, '\n');
	}
}

static void write_page(struct buf *out, const struct cmd *c)
{
	auto_free char *page = page_name(c);
	auto_free char *title = xstrdup(page);
	bool is_group = !c->run;
	for (char *p = title; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	buf_printf(
		out, ".TH \"%s\" \"1\" \"\" \"moss %s\" \"moss\"\n.SH NAME\n", title, MOSS_VERSION);
	add_escaped(out, page);
	buf_puts(out, " \\- ");
	add_escaped(out, c->brief);
	buf_putc(out, '\n');
	add_synopsis(out, c);
	buf_puts(out, ".SH DESCRIPTION\n");
	add_escaped(out, c->brief);
	buf_puts(out, ".\n");
	add_paragraphs(out, c == &cmd_root ? root_about : c->about);
	if (is_group)
		add_commands(out, c == &cmd_root ? NULL : c);
	add_flags(out, c);
	if (c == &cmd_root)
		add_environment(out);
	if (c->examples) {
		buf_puts(out, ".SH EXAMPLES\n.nf\n");
		add_escaped(out, c->examples);
		buf_puts(out, "\n.fi\n");
	}
	if (!is_group)
		add_exit_status(out, c);
	if (c != &cmd_root)
		buf_puts(out, ".SH SEE ALSO\n\\fBmoss\\fR(1)\n");
}

/* ---- the command ---- */

static int write_file(const char *dir, const struct cmd *c, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_free char *name = page_name(c);
	auto_free char *path = xasprintf("%s/%s.1", dir, name);
	auto_file f = fopen(path, "we");
	write_page(&text, c);
	if (!f || fwrite(text.data, 1, text.len, f) != text.len || fflush(f) != 0)
		return err_sys(e, "cannot write %s", path);
	return 0;
}

static int write_all_pages(const char *dir, struct err *e)
{
	if (write_file(dir, &cmd_root, e) < 0)
		return -e->code;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++)
		if (!(*c)->hidden && write_file(dir, *c, e) < 0)
			return -e->code;
	return 0;
}

static int manual_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct manual *m = args;
	if (m->all)
		return write_all_pages(m->all, e);
	int used = 0;
	const struct cmd *c = call->argc ? cmd_find(call->argc, call->argv, &used) : &cmd_root;
	if (!c || used < call->argc)
		return err_set(e, EINVAL, "no such command: %s", call->argv[used]);
	auto_buf text = BUF_INIT;
	write_page(&text, c);
	fputs(text.data, stdout);
	return 0;
}

// clang-format off
static const struct opt opts[] = {
	{"all", 0, OPT_STR, FIELD(struct manual, all), "folder", "Write every page into this folder",
		.complete = COMPLETE_DIR},
	{0},
};
// clang-format on

const struct cmd cmd_manual = {
	.name = "__manual",
	.brief = "Write the man page of a command",
	.operands = "[COMMAND]",
	.max = 2,
	.hidden = true,
	.complete = COMPLETE_COMMAND,
	.opts = opts,
	.args_size = sizeof(struct manual),
	.run = manual_run,
};
