/* Every command's entry and every row of its flags, as the rest of cmd/ relies on them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"

static void names_are_unique(void **state)
{
	(void)state;
	auto_strv seen = STRV_INIT;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		const char *name;
		for (size_t i = 0; (name = cmd_full_name(*c, i)); i++) {
			if (strv_has(&seen, name))
				fail_msg("%s is there twice", name);
			strv_add(&seen, name);
		}
	}
	assert_true(seen.n > 40);
}

static int has_field(const struct opt *o, void *arg)
{
	(void)arg;
	return o->type != OPT_UNSUPPORTED && o->type != OPT_IGNORED_BOOL;
}

static void entries_are_whole(void **state)
{
	(void)state;
	for (const struct cmd *const *k = cmd_root.sub; *k; k++) {
		const struct cmd *c = *k;
		if (str_empty(c->brief) || !isupper((unsigned char)c->brief[0]) ||
			str_ends(c->brief, "."))
			fail_msg("%s: brief: %s", c->name, c->brief ? c->brief : "none");
		if (!c->run && (c->opts || c->min || c->max))
			fail_msg("%s: a group has no flags and no operands", c->name);
		if (c->max != ANY && c->min > c->max)
			fail_msg("%s: min %d, max %d", c->name, c->min, c->max);
		if (c->run && (c->max != 0) != !str_empty(c->operands))
			fail_msg("%s: operands do not fit max %d", c->name, c->max);
		if (!c->args_size && opt_each(c->opts, has_field, NULL))
			fail_msg("%s: flags without a struct", c->name);
	}
}

/* A name or letter may be there only once in a command: 'seen' has both. */
static int check_row(const struct opt *o, void *arg)
{
	struct strv *seen = arg;
	auto_free char *letter = xasprintf("%c", o->shorthand);
	const char *command = seen->v[0];
	if (str_empty(o->name) || strv_has(seen, o->name))
		fail_msg("%s: --%s is there twice", command, o->name ? o->name : "");
	if (o->shorthand && strv_has(seen, letter))
		fail_msg("%s: -%s is there twice", command, letter);
	strv_add(seen, o->name);
	if (o->shorthand)
		strv_add(seen, letter);
	if (!(o->flags & (OPTF_HIDDEN | OPTF_ALIAS)) && str_empty(o->help))
		fail_msg("%s: --%s has no text", command, o->name);
	if (o->complete == COMPLETE_CHOICES && str_empty(o->choices))
		fail_msg("%s: --%s has no choices", command, o->name);
	if (o->complete && opt_is_switch(o))
		fail_msg("%s: --%s takes no value to complete", command, o->name);
	return 0;
}

static void rows_are_whole(void **state)
{
	(void)state;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		auto_strv seen = STRV_INIT;
		strv_addf(&seen, "moss %s", (*c)->name);
		(void)opt_each((*c)->opts, check_row, &seen);
	}
	auto_strv seen = STRV_INIT;
	strv_add(&seen, "moss");
	(void)opt_each(cmd_root.opts, check_row, &seen);
}

/* Writes the struct's bytes behind its end? The sanitizer sees it. */
static void defaults_parse(void **state)
{
	(void)state;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		struct err e = {0};
		auto_strv operands = STRV_INIT;
		auto_free void *args = xcalloc(1, (*c)->args_size ? (*c)->args_size : 1);
		assert_int_equal(opt_parse((*c)->opts, args, 0, NULL, false, &operands, &e), 0);
		opt_free((*c)->opts, args);
	}
}

struct give {
	const struct cmd *c;
};

/* Gives the flag once, so that a row that points outside of its struct is seen. */
static int give_row(const struct opt *o, void *arg)
{
	const struct give *g = arg;
	static const char *const values[] = {"1", "1s", "label=x"};
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct err e = {0};
		auto_strv operands = STRV_INIT;
		auto_free void *args = xcalloc(1, g->c->args_size ? g->c->args_size : 1);
		auto_free char *word = xasprintf("--%s=%s", o->name, values[i]);
		char *argv[] = {word, NULL};
		int r = opt_parse(g->c->opts, args, 1, argv, false, &operands, &e);
		opt_free(g->c->opts, args);
		if (o->type == OPT_UNSUPPORTED)
			assert_true(r < 0);
		else if (r >= 0)
			return 0;
	}
	if (o->type != OPT_UNSUPPORTED)
		fail_msg("moss %s: --%s takes no value", g->c->name, o->name);
	return 0;
}

static void every_flag_can_be_given(void **state)
{
	(void)state;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		struct give g = {*c};
		(void)opt_each((*c)->opts, give_row, &g);
	}
}

static void finding(void **state)
{
	(void)state;
	int used;
	char *volume[] = {"volume", "nonsense"}, *help[] = {"help", "run"}, *none[] = {"nonsense"};
	assert_string_equal(cmd_find(2, volume, &used)->name, "volume");
	assert_int_equal(used, 1);
	assert_string_equal(cmd_find(2, help, &used)->name, "help");
	assert_int_equal(used, 1);
	assert_null(cmd_find(1, none, &used));
	assert_int_equal(used, 0);
	assert_null(cmd_find(0, NULL, &used));
}

static void help_fits(void **state)
{
	(void)state;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		auto_buf text = BUF_INIT;
		auto_strv lines = STRV_INIT;
		help_text(*c, "moss", NULL, &text);
		strv_split(&lines, text.data, '\n');
		for (size_t i = 0; i < lines.n; i++)
			if (strlen(lines.v[i]) > 80)
				fail_msg("moss %s --help: %s", (*c)->name, lines.v[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(entries_are_whole),
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(defaults_parse),
		cmocka_unit_test(every_flag_can_be_given),
		cmocka_unit_test(finding),
		cmocka_unit_test(help_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
