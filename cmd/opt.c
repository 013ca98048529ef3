#include "cmd/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"

/* A row together with the struct its offset counts from. */
struct slot {
	const struct opt *o;
	char *base;
	bool negated; /* found as --no-NAME */
};

/* ---- looking up ---- */

static bool name_is(const struct opt *o, const char *name, size_t len)
{
	return o->name && strlen(o->name) == len && memcmp(o->name, name, len) == 0;
}

static bool find_long(const struct opt *t, char *base, const char *name, size_t len, struct slot *s)
{
	for (; t && t->type != OPT_END; t++) {
		if (t->type == OPT_GROUP) {
			if (find_long(t->group, base + t->offset, name, len, s))
				return true;
		} else if (name_is(t, name, len)) {
			*s = (struct slot){t, base, false};
			return true;
		} else if ((t->flags & OPTF_NEGATABLE) && len > 3 && memcmp(name, "no-", 3) == 0 &&
			   name_is(t, name + 3, len - 3)) {
			*s = (struct slot){t, base, true};
			return true;
		}
	}
	return false;
}

static bool find_short(const struct opt *t, char *base, char c, struct slot *s)
{
	for (; t && t->type != OPT_END; t++) {
		if (t->type == OPT_GROUP) {
			if (find_short(t->group, base + t->offset, c, s))
				return true;
		} else if (t->shorthand == c) {
			*s = (struct slot){t, base, false};
			return true;
		}
	}
	return false;
}

const struct opt *opt_find(const struct opt *table, const char *name, size_t len)
{
	char none;
	struct slot s;
	return find_long(table, &none, name, len, &s) ? s.o : NULL;
}

const struct opt *opt_find_short(const struct opt *table, char c)
{
	char none;
	struct slot s;
	return c && find_short(table, &none, c, &s) ? s.o : NULL;
}

int opt_each(const struct opt *table, int (*fn)(const struct opt *o, void *arg), void *arg)
{
	int r = 0;
	for (const struct opt *t = table; !r && t && t->type != OPT_END; t++)
		r = t->type == OPT_GROUP ? opt_each(t->group, fn, arg) : fn(t, arg);
	return r;
}

bool opt_is_switch(const struct opt *o)
{
	if (o->type == OPT_UNSUPPORTED)
		return str_empty(o->value);
	return o->type == OPT_BOOL || o->type == OPT_IGNORED_BOOL;
}

/* ---- storing ---- */

static void store_csv(struct strv *list, const char *value)
{
	if (*value)
		strv_split(list, value, ',');
}

static int store_filter(struct strv *list, const char *value, struct err *e)
{
	if (!*value)
		return 0;
	if (!strchr(value, '='))
		return err_set(e, EINVAL, "bad format of filter (expected name=value)");
	strv_add(list, value);
	return 0;
}

static int store_value(const struct slot *s, const char *value, struct err *e)
{
	void *field = s->base + s->o->offset;
	switch (s->o->type) {
	case OPT_BOOL: {
		int r = opt_value_bool(value, field, e);
		if (r == 0 && s->negated)
			*(bool *)field = !*(bool *)field;
		return r;
	}
	case OPT_STR:
		free(*(char **)field);
		*(char **)field = xstrdup(value);
		return 0;
	case OPT_DECIMAL:
		if (opt_value_decimal(value, e) < 0)
			return -EINVAL;
		free(*(char **)field);
		*(char **)field = xstrdup(value);
		return 0;
	case OPT_LIST:
		strv_add(field, value);
		return 0;
	case OPT_FILTER:
		return store_filter(field, value, e);
	case OPT_CSV:
		store_csv(field, value);
		return 0;
	case OPT_INT:
		return opt_value_int(value, field, e);
	case OPT_UINT:
		return opt_value_uint(value, field, e);
	case OPT_DURATION:
		return opt_value_duration(value, field, e);
	case OPT_BYTES:
		if ((s->o->flags & OPTF_MINUS_ONE) && strcmp(value, "-1") == 0) {
			*(int64_t *)field = -1;
			return 0;
		}
		return opt_value_bytes(value, field, e);
	case OPT_IGNORED_BOOL:
	case OPT_UNSUPPORTED: {
		bool ignored;
		return opt_is_switch(s->o) ? opt_value_bool(value, &ignored, e) : 0;
	}
	case OPT_END:
	case OPT_GROUP:
		break;
	}
	BUG("option row %s has type %d", s->o->name, (int)s->o->type);
}

static void set_defaults(const struct opt *t, char *base)
{
	for (; t && t->type != OPT_END; t++) {
		if (t->type == OPT_GROUP)
			set_defaults(t->group, base + t->offset);
		if (t->type == OPT_GROUP || t->type == OPT_UNSUPPORTED || !t->def ||
			(t->flags & OPTF_ALIAS))
			continue;
		struct err e;
		struct slot s = {t, base, false};
		if (store_value(&s, t->def, &e) < 0)
			BUG("the default of --%s does not parse: %s", t->name, e.msg);
	}
}

static bool switched_off(const struct slot *s, const char *value)
{
	bool on = false;
	struct err ignored;
	return opt_is_switch(s->o) && opt_value_bool(value, &on, &ignored) == 0 && !on;
}

static int apply(const struct slot *s, const char *value, struct err *e)
{
	if (s->o->type == OPT_UNSUPPORTED && !switched_off(s, value)) {
		(void)err_set(e, EOPNOTSUPP, "--%s is not supported yet", s->o->name);
		if (s->o->hint)
			(void)err_hint(e, "%s", s->o->hint);
		return err_status(e, 125);
	}
	struct err why;
	if (store_value(s, value, &why) < 0) {
		auto_free char *quoted = opt_quote(value);
		char shorthand[8] = "";
		if (s->o->shorthand)
			snprintf(shorthand, sizeof(shorthand), "-%c, ", s->o->shorthand);
		(void)err_set(e, EINVAL, "invalid argument %s for \"%s--%s\" flag: %s", quoted,
			shorthand, s->o->name, why.msg);
		return err_status(e, 125);
	}
	if (s->o->given_offset)
		*(bool *)(s->base + s->o->given_offset) = true;
	return s->o->flags & OPTF_STOP ? 2 : 0;
}

/* ---- the nearest name ---- */

struct nearest {
	const char *wanted;
	size_t len;
	const struct opt *best;
	unsigned distance;
};

static int weigh(const struct opt *o, void *arg)
{
	struct nearest *n = arg;
	if (!o->name || (o->flags & OPTF_HIDDEN) || o->type == OPT_UNSUPPORTED)
		return 0;
	auto_free char *wanted = xstrndup(n->wanted, n->len);
	unsigned d = str_distance(wanted, o->name);
	/* A prefix of a name is near to it whatever is missing. */
	if (n->len >= 3 && str_starts(o->name, wanted))
		d = 1;
	if (d < n->distance) {
		n->distance = d;
		n->best = o;
	}
	return 0;
}

static int unknown_long(const struct opt *table, const char *name, size_t len, struct err *e)
{
	(void)err_set(e, EINVAL, "unknown flag: --%.*s", (int)len, name);
	struct nearest n = {.wanted = name, .len = len, .distance = len > 5 ? 3 : 2};
	(void)opt_each(table, weigh, &n);
	if (n.best)
		(void)err_hint(e, "Did you mean '--%s'?", n.best->name);
	return err_status(e, 125);
}

/* ---- the grammar ---- */

struct parse {
	const struct opt *table;
	char *args;
	int argc;
	char *const *argv;
	int at; /* the next word */
	bool help;
};

static int parse_long(struct parse *p, const char *word, struct err *e)
{
	const char *name = word + 2;
	if (*name == '-' || *name == '=') {
		(void)err_set(e, EINVAL, "bad flag syntax: %s", word);
		return err_status(e, 125);
	}
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	struct slot s;
	if (!find_long(p->table, p->args, name, len, &s)) {
		if (len == 4 && memcmp(name, "help", 4) == 0) {
			p->help = true;
			return 0;
		}
		return unknown_long(p->table, name, len, e);
	}
	if (!value && opt_is_switch(s.o))
		value = "true";
	if (!value && p->at < p->argc)
		value = p->argv[p->at++];
	if (!value) {
		(void)err_set(e, EINVAL, "flag needs an argument: %s", word);
		return err_status(e, 125);
	}
	return apply(&s, value, e);
}

/* A cluster: switches, the last one may take a value: the rest of the word or the next word. */
static int parse_short(struct parse *p, const char *cluster, struct err *e)
{
	for (const char *c = cluster; *c; c++) {
		struct slot s;
		const char *value = NULL;
		if (!find_short(p->table, p->args, *c, &s)) {
			if (*c == 'h') {
				p->help = true;
				return 0;
			}
			(void)err_set(e, EINVAL, "unknown shorthand flag: '%c' in -%s", *c, c);
			return err_status(e, 125);
		}
		bool ends = true;
		if (c[1] == '=' && c[2]) {
			value = c + 2;
		} else if (opt_is_switch(s.o)) {
			value = "true";
			ends = false;
		} else if (c[1]) {
			value = c + 1;
		} else if (p->at < p->argc) {
			value = p->argv[p->at++];
		} else {
			(void)err_set(e, EINVAL, "flag needs an argument: '%c' in -%s", *c, c);
			return err_status(e, 125);
		}
		int r = apply(&s, value, e);
		if (r || ends)
			return r;
	}
	return 0;
}

int opt_parse(const struct opt *table, void *args, int argc, char *const *argv,
	bool stop_at_operand, struct strv *operands, struct err *e)
{
	struct parse p = {.table = table, .args = args, .argc = argc, .argv = argv};
	bool only_operands = false;
	set_defaults(table, args);
	while (p.at < argc) {
		const char *word = argv[p.at++];
		int r = 0;
		if (only_operands || word[0] != '-' || !word[1]) {
			strv_add(operands, word);
			only_operands |= stop_at_operand;
		} else if (word[1] != '-') {
			r = parse_short(&p, word + 1, e);
		} else if (!word[2]) {
			only_operands = true;
		} else {
			r = parse_long(&p, word, e);
		}
		if (r < 0)
			return r;
		if (p.help)
			return 1;
		if (r == 2)
			return 0;
	}
	return 0;
}

void opt_free(const struct opt *t, void *args)
{
	for (; t && t->type != OPT_END; t++) {
		void *field = (char *)args + t->offset;
		switch (t->type) {
		case OPT_GROUP:
			opt_free(t->group, field);
			break;
		case OPT_STR:
		case OPT_DECIMAL:
			free(take_ptr(*(char **)field));
			break;
		case OPT_LIST:
		case OPT_FILTER:
		case OPT_CSV:
			strv_free(field);
			break;
		default:
			break;
		}
	}
}
