/* moss __complete -- WORDS...: what may stand in place of the last word (which may be ""), one
 * candidate a line, with a tab and a text where there is one. A line ":file" or ":dir" asks the
 * shell for its own names. Nothing is ever printed about errors: a shell is listening. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/complete_names.h"

struct completion {
	const struct globals *globals;
	const char *word; /* being completed: the part behind "=" of a --flag=part */
	const char *lead; /* "--flag=" in front of it, or "" */
};

static void offer(const char *name, const char *text, void *arg)
{
	const struct completion *c = arg;
	if (!str_starts(name, c->word))
		return;
	size_t line = text ? strcspn(text, "\n") : 0;
	if (text)
		printf("%s%s\t%.*s\n", c->lead, name, (int)line, text);
	else
		printf("%s%s\n", c->lead, name);
}

static void offer_commands(struct completion *c, const struct cmd *group)
{
	for (const struct cmd *const *k = cmd_root.sub; *k; k++) {
		const char *name = (*k)->hidden ? NULL : cmd_member_name(*k, group);
		if (name)
			offer(name, (*k)->brief, c);
	}
}

static void offer_choices(struct completion *c, const char *choices)
{
	auto_strv v = STRV_INIT;
	strv_split(&v, choices, ' ');
	for (size_t i = 0; i < v.n; i++)
		offer(v.v[i], NULL, c);
}

/* "NAME:" of each container, beside the host's files. */
static void offer_container(const char *name, const char *text, void *arg)
{
	auto_free char *start = xasprintf("%s:", name);
	offer(start, text, arg);
}

static void offer_kind(struct completion *c, enum complete kind, const char *choices)
{
	switch (kind) {
	case COMPLETE_FILE:
		printf(":file\n");
		break;
	case COMPLETE_DIR:
		printf(":dir\n");
		break;
	case COMPLETE_CHOICES:
		offer_choices(c, choices ? choices : "");
		break;
	case COMPLETE_COMMAND:
		offer_commands(c, NULL);
		break;
	case COMPLETE_CONTAINER_PATH:
		if (!strpbrk(c->word, "/."))
			complete_names(c->globals, COMPLETE_CONTAINER, offer_container, c);
		printf(":file\n");
		break;
	case COMPLETE_CONTAINER:
	case COMPLETE_CONTAINER_RUNNING:
	case COMPLETE_IMAGE:
	case COMPLETE_VOLUME:
	case COMPLETE_NETWORK:
		complete_names(c->globals, kind, offer, c);
		break;
	case COMPLETE_NONE:
		break;
	}
}

static int offer_flag(const struct opt *o, void *arg)
{
	if (o->flags & (OPTF_HIDDEN | OPTF_ALIAS) || o->type == OPT_UNSUPPORTED)
		return 0;
	auto_free char *name = xasprintf("--%s", o->name);
	offer(name, o->help, arg);
	return 0;
}

/* The row whose value the word behind `previous` is, or NULL. */
static const struct opt *wants_value(const struct opt *table, const char *previous)
{
	const struct opt *o = NULL;
	if (previous[0] != '-' || !previous[1])
		return NULL;
	if (previous[1] == '-')
		o = opt_find(table, previous + 2, strlen(previous + 2));
	for (const char *p = previous + 1; previous[1] != '-' && *p; p++) {
		o = opt_find_short(table, *p);
		if (!o || (!opt_is_switch(o) && p[1]))
			return NULL;
	}
	return o && !opt_is_switch(o) ? o : NULL;
}

/* How the words before the last one read. */
struct position {
	size_t operands;
	bool flags_ended;
	const struct opt *value_of; /* the last word is this flag's value */
};

static struct position read_words(
	const struct opt *table, bool stop_at_operand, int argc, char *const *argv)
{
	struct position p = {0};
	for (int i = 0; i < argc - 1; i++) {
		const char *word = argv[i];
		if (p.flags_ended || word[0] != '-' || !word[1]) {
			p.operands++;
			p.flags_ended |= stop_at_operand;
		} else if (strcmp(word, "--") == 0) {
			p.flags_ended = true;
		} else if (wants_value(table, word)) {
			if (i + 1 == argc - 1)
				p.value_of = wants_value(table, word);
			i++;
		}
	}
	return p;
}

/* The last word as a flag with its value: "--name=par". */
static const struct opt *split_value(const struct opt *table, const char *word, size_t *lead)
{
	size_t len = strcspn(word, "=");
	if (!str_starts(word, "--") || !word[len])
		return NULL;
	*lead = len + 1;
	return opt_find(table, word + 2, len - 2);
}

static void complete_in(struct completion *c, const struct cmd *cmd, int argc, char *const *argv)
{
	struct position p = read_words(cmd->opts, cmd->stop_at_operand, argc, argv);
	const char *word = argv[argc - 1];
	size_t lead_len = 0;
	const struct opt *o = p.value_of;
	auto_free char *lead = NULL;
	if (!o && !p.flags_ended && (o = split_value(cmd->opts, word, &lead_len))) {
		lead = xstrndup(word, lead_len);
		c->lead = lead;
		c->word = word + lead_len;
	}
	if (o) {
		offer_kind(c, o->complete, o->choices);
	} else if (word[0] == '-' && !p.flags_ended) {
		(void)opt_each(cmd->opts, offer_flag, c);
		offer("--help", "Print usage", c);
	} else if (cmd->max == ANY || p.operands < (size_t)cmd->max) {
		/* After the image or container of run and exec come words of the program inside. */
		enum complete kind =
			cmd->stop_at_operand && p.operands ? COMPLETE_NONE : cmd->complete;
		offer_kind(c, kind, NULL);
	}
	c->lead = "";
}

/* Words after the global flags: a command's name, or its flags and operands. */
static void complete_after_globals(struct completion *c, int argc, char *const *argv)
{
	int used = 0;
	const struct cmd *cmd = argc > 1 ? cmd_find(argc - 1, argv, &used) : NULL;
	if (argc == 1)
		offer_commands(c, NULL);
	else if (cmd && cmd->run)
		complete_in(c, cmd, argc - used, argv + used);
	else if (cmd && argc == used + 1)
		offer_commands(c, cmd);
}

static int complete_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	(void)e;
	struct globals globals = {0};
	struct err ignored;
	struct completion c = {.globals = &globals, .lead = ""};
	if (!call->argc)
		return 0;
	c.word = call->argv[call->argc - 1];
	auto_strv rest = STRV_INIT;
	/* Without the last word, which is not finished. The words' own --root goes first. */
	(void)opt_parse(cmd_root.opts, &globals, call->argc - 1, call->argv, true, &rest, &ignored);
	if (!globals.root && call->globals->root)
		globals.root = xstrdup(call->globals->root);
	if (!globals.runroot && call->globals->runroot)
		globals.runroot = xstrdup(call->globals->runroot);
	int before = call->argc - 1 - (int)rest.n;
	if (rest.n || (c.word[0] != '-' &&
			      !(before && wants_value(cmd_root.opts, call->argv[before - 1]))))
		complete_after_globals(&c, call->argc - before, call->argv + before);
	else
		complete_in(&c, &cmd_root, call->argc, call->argv);
	opt_free(cmd_root.opts, &globals);
	return 0;
}

const struct cmd cmd_complete = {
	.name = "__complete",
	.brief = "Offer completions to a shell",
	.operands = "-- WORD...",
	.max = ANY,
	.stop_at_operand = true,
	.hidden = true,
	.run = complete_run,
};
