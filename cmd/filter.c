#include "cmd/filter.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

/* The key's text without blanks; its length. */
static size_t key_of(const char *f, const char **start)
{
	const char *end = strchr(f, '=');
	while (*f == ' ' || *f == '\t')
		f++;
	while (end && end > f && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*start = f;
	return end && end > f ? (size_t)(end - f) : 0;
}

const char *filter_value(const char *f, const char *key)
{
	const char *start;
	size_t n = key_of(f, &start);
	if (n != strlen(key) || strncasecmp(start, key, n) != 0)
		return NULL;
	const char *value = strchr(f, '=') + 1;
	while (*value == ' ' || *value == '\t')
		value++;
	return value;
}

int filter_check(const struct strv *filters, const char *known, struct err *e)
{
	auto_strv keys = STRV_INIT;
	strv_split(&keys, known, ' ');
	for (size_t i = 0; i < filters->n; i++) {
		const char *f = filters->v[i], *start;
		bool is_known = false;
		for (size_t k = 0; k < keys.n && !is_known; k++)
			is_known = filter_value(f, keys.v[k]) != NULL;
		if (!is_known) {
			size_t n = key_of(f, &start);
			return err_set(e, EINVAL, "invalid filter '%.*s'", (int)n, start);
		}
	}
	return 0;
}

static bool parse_bool(const char *v, bool *out)
{
	static const char *const yes[] = {"1", "t", "true"}, *const no[] = {"0", "f", "false"};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!strcasecmp(v, yes[i]) || !strcasecmp(v, no[i])) {
			*out = !strcasecmp(v, yes[i]);
			return true;
		}
	}
	return false;
}

int filter_bool(
	const struct strv *filters, const char *key, bool *given, bool *wanted, struct err *e)
{
	*given = *wanted = false;
	for (size_t i = 0; i < filters->n; i++) {
		const char *v = filter_value(filters->v[i], key);
		if (!v)
			continue;
		bool value;
		if (!parse_bool(v, &value))
			return err_set(e, EINVAL, "invalid filter '%s=[%s]'", key, v);
		if (*given && *wanted != value)
			return err_set(e, EINVAL, "invalid filter '%s=[%s %s]'", key,
				*wanted ? "true" : "false", v);
		*given = true;
		*wanted = value;
	}
	return 0;
}

static bool label_matches(const char *wanted, const json_t *labels)
{
	const char *equals = strchr(wanted, '=');
	auto_free char *key =
		equals ? xstrndup(wanted, (size_t)(equals - wanted)) : xstrdup(wanted);
	const char *value = json_string_value(json_object_get(labels, key));
	return value && (!equals || !strcmp(value, equals + 1));
}

bool filter_labels(const struct strv *filters, const json_t *labels)
{
	for (size_t i = 0; i < filters->n; i++) {
		const char *v = filter_value(filters->v[i], "label");
		const char *not_v = filter_value(filters->v[i], "label!");
		if ((v && !label_matches(v, labels)) || (not_v && label_matches(not_v, labels)))
			return false;
	}
	return true;
}

int filter_time(const char *value, int64_t *ns, struct err *e)
{
	int64_t n;
	auto_free char *day = xasprintf("%sT00:00:00Z", value);
	auto_free char *zoned = xasprintf("%sZ", value);
	if (clock_parse_rfc3339(value, ns) || clock_parse_rfc3339(zoned, ns) ||
		clock_parse_rfc3339(day, ns))
		return 0;
	if (parse_i64(value, &n)) {
		*ns = n * NS_PER_S;
		return 0;
	}
	if (clock_parse_duration(value, &n)) {
		*ns = clock_now_ns() - n;
		return 0;
	}
	return err_set(e, EINVAL, "failed to parse value as time or duration: \"%s\"", value);
}
