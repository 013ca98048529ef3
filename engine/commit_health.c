/* HEALTHCHECK as an instruction of --change. */
#include "engine/commit_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/commit_change.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum { NS_PER_MS = 1000000 };

struct health {
	const char *flag, *key;
	bool is_time;
};

static const struct health fields[] = {
	{"interval", "Interval", true},
	{"timeout", "Timeout", true},
	{"start-period", "StartPeriod", true},
	{"start-interval", "StartInterval", true},
	{"retries", "Retries", false},
};

static const struct health *field_of(const char *flag, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strlen(fields[i].flag) == n && !strncmp(fields[i].flag, flag, n))
			return &fields[i];
	return NULL;
}

static int set_time(const struct health *f, const char *value, json_t *health, struct err *e)
{
	int64_t ns = 0;
	if (*value && !clock_parse_duration(value, &ns)) {
		bool is_bare = !value[strspn(value, "+-.0123456789")];
		return err_set(e, EINVAL, "time: %s duration \"%s\"",
			is_bare ? "missing unit in" : "invalid", value);
	}
	if (ns != 0 && ns < NS_PER_MS)
		return err_set(e, EINVAL, "Interval \"%s\" cannot be less than 1ms", f->flag);
	if (ns)
		json_set_int(health, f->key, ns);
	return 0;
}

static int set_retries(const char *value, json_t *health, struct err *e)
{
	int64_t n;
	if (!*value)
		return 0;
	if (!parse_i64(*value == '+' ? value + 1 : value, &n))
		return err_set(
			e, EINVAL, "strconv.ParseInt: parsing \"%s\": invalid syntax", value);
	if (n > INT32_MAX || n < INT32_MIN)
		return err_set(
			e, EINVAL, "strconv.ParseInt: parsing \"%s\": value out of range", value);
	if (n < 0)
		return err_set(e, EINVAL, "--retries cannot be negative (%lld)", (long long)n);
	if (n)
		json_set_int(health, "Retries", n);
	return 0;
}

/* Which flags there are comes before what they say. */
static int check_flags(const struct change *c, struct err *e)
{
	for (size_t i = 0; i < c->flags.n; i++) {
		size_t n = strcspn(c->flags.v[i], "=");
		if (!field_of(c->flags.v[i], n))
			return err_set(e, EINVAL, "unknown flag: %.*s", (int)n, c->flags.v[i]);
		if (!c->flags.v[i][n])
			return err_set(e, EINVAL, "missing a value on flag: %s", c->flags.v[i]);
	}
	return 0;
}

static int set_fields(const struct change *c, json_t *health, struct err *e)
{
	for (size_t k = 0; k < ARRAY_LEN(fields); k++)
		for (size_t i = 0; i < c->flags.n; i++) {
			const char *flag = c->flags.v[i];
			size_t n = strcspn(flag, "=");
			if (field_of(flag, n) != &fields[k])
				continue;
			int r = fields[k].is_time ? set_time(&fields[k], flag + n + 1, health, e)
						  : set_retries(flag + n + 1, health, e);
			if (r < 0)
				return r;
		}
	return 0;
}

/* The command, in either form. New reference. */
static json_t *test_of(const char *text, struct err *e)
{
	json_t *list, *test;
	int r = change_json_form(text, &list, e);
	if (r < 0)
		return NULL;
	if (r == 0)
		list = *text ? json_pack("[s]", text) : json_array();
	if (!json_array_size(list)) {
		json_decref(list);
		err_set(e, EINVAL, "Missing command after HEALTHCHECK CMD");
		return NULL;
	}
	test = json_pack("[s]", r == 1 ? "CMD" : "CMD-SHELL");
	json_array_extend(test, list);
	json_decref(list);
	return test;
}

int change_health(const struct change *c, json_t *config, struct err *e)
{
	size_t n = strcspn(c->rest, " \t\v\f\r\n");
	const char *rest = c->rest + n + strspn(c->rest + n, " \t\v\f\r\n");
	auto_free char *word = xstrndup(c->rest, n);
	if (!n && !c->flags.n)
		return err_set(e, EINVAL, "HEALTHCHECK requires at least one argument");
	if (!strcasecmp(word, "NONE")) {
		if (*rest)
			return err_set(e, EINVAL, "HEALTHCHECK NONE takes no arguments");
		json_set(config, "Healthcheck", json_pack("{s:[s]}", "Test", "NONE"));
		return 0;
	}
	if (check_flags(c, e) < 0)
		return -e->code;
	if (strcasecmp(word, "CMD") != 0) {
		for (char *p = word; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		return err_set(e, EINVAL, "Unknown type \"%s\" in HEALTHCHECK (try CMD)", word);
	}
	json_t *test = test_of(rest, e);
	if (!test)
		return -e->code;
	auto_json health = json_object();
	json_set(health, "Test", test);
	if (set_fields(c, health, e) < 0)
		return -e->code;
	json_object_set(config, "Healthcheck", health);
	return 0;
}
