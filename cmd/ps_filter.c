#include "cmd/ps_filter.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <regex.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"

void filters_deinit(struct filters *f)
{
	strv_free(&f->names);
	strv_free(&f->values);
}

static char *trimmed(const char *s, size_t n)
{
	while (n && isspace((unsigned char)*s)) {
		s++;
		n--;
	}
	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	return xstrndup(s, n);
}

static bool is_known(const char *const *known, const char *name)
{
	while (*known && strcmp(*known, name) != 0)
		known++;
	return *known != NULL;
}

int filters_parse(
	const struct strv *typed, const char *const *known, struct filters *out, struct err *e)
{
	for (size_t i = 0; i < typed->n; i++) {
		const char *text = typed->v[i], *equals = strchr(text, '=');
		char *name = trimmed(text, (size_t)(equals - text));
		str_lower(name);
		strv_take(&out->names, name);
		strv_take(&out->values, trimmed(equals + 1, strlen(equals + 1)));
		if (!is_known(known, name))
			return err_set(e, EINVAL, "invalid filter '%s'", name);
	}
	return 0;
}

bool filters_has(const struct filters *f, const char *name) { return strv_has(&f->names, name); }

int filters_each(const struct filters *f, const char *name,
	int (*fn)(const char *value, void *arg, struct err *e), void *arg, struct err *e)
{
	for (size_t i = 0; i < f->names.n; i++) {
		if (strcmp(f->names.v[i], name) != 0)
			continue;
		int r = fn(f->values.v[i], arg, e);
		if (r)
			return r;
	}
	return 0;
}

static int equal_value(const char *value, void *arg, struct err *e)
{
	(void)e;
	return strcmp(value, arg) == 0;
}

bool filters_equal(const struct filters *f, const char *name, const char *text)
{
	struct err ignored;
	return !filters_has(f, name) || filters_each(f, name, equal_value, (void *)text, &ignored);
}

/* Go's \d is [0-9] in POSIX. */
static char *posix_pattern(const char *pattern)
{
	auto_buf b = BUF_INIT;
	for (const char *p = pattern; *p; p++) {
		if (p[0] == '\\' && p[1] == 'd') {
			buf_puts(&b, "[0-9]");
			p++;
		} else {
			if (p[0] == '\\' && p[1])
				buf_putc(&b, *p++);
			buf_putc(&b, *p);
		}
	}
	return buf_take(&b);
}

static int match_value(const char *value, void *arg, struct err *e)
{
	regex_t re;
	(void)e;
	auto_free char *pattern = posix_pattern(value);
	if (strcmp(value, arg) == 0)
		return 1;
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return 0;
	int matches = regexec(&re, arg, 0, NULL, 0) == 0;
	regfree(&re);
	return matches;
}

bool filters_match(const struct filters *f, const char *name, const char *text)
{
	struct err ignored;
	return !filters_has(f, name) || filters_each(f, name, match_value, (void *)text, &ignored);
}

static int label_missing(const char *value, void *arg, struct err *e)
{
	(void)e;
	size_t n = strcspn(value, "=");
	auto_free char *key = xstrndup(value, n);
	const json_t *found = json_object_get(arg, key);
	if (!found)
		return 1;
	const char *have = json_string_value(found);
	return value[n] && strcmp(have ? have : "", value + n + 1) != 0;
}

bool filters_labels(const struct filters *f, const char *name, const json_t *labels)
{
	struct err ignored;
	return filters_each(f, name, label_missing, (void *)labels, &ignored) == 0;
}
