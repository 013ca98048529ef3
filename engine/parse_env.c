#include "engine/parse_env.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"

enum { ENV_FILE_MAX = 16 << 20 };

int env_parse_flag(const char *text, struct strv *out, struct err *e)
{
	if (!*text || *text == '=') {
		err_set(e, EINVAL,
			"invalid argument \"%s\" for \"-e, --env\" flag: invalid environment "
			"variable: %s",
			text, text);
		return err_status(e, 125);
	}
	const char *value = strchr(text, '=') ? NULL : getenv(text);
	if (value)
		strv_addf(out, "%s=%s", text, value);
	else
		strv_add(out, text);
	return 0;
}

static int line_add(const char *line, bool with_environment, struct strv *out, struct err *e)
{
	const char *eq = strchr(line, '=');
	size_t name_len = eq ? (size_t)(eq - line) : strlen(line);
	if (eq == line) {
		err_set(e, EINVAL, "poorly formatted environment: no variable name on line '%s'",
			line);
		return err_status(e, 125);
	}
	for (size_t i = 0; i < name_len; i++) {
		if (!isspace((unsigned char)line[i]))
			continue;
		err_set(e, EINVAL,
			"poorly formatted environment: variable '%.*s' contains whitespaces",
			(int)name_len, line);
		return err_status(e, 125);
	}
	if (eq || !with_environment) {
		strv_add(out, line);
		return 0;
	}
	const char *value = getenv(line);
	if (value)
		strv_addf(out, "%s=%s", line, value);
	return 0;
}

int env_parse_lines(
	const char *text, size_t len, bool with_environment, struct strv *out, struct err *e)
{
	const char *p = text, *end = text + len;
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		const char *next = nl ? nl + 1 : end;
		if (stop > p && stop[-1] == '\r')
			stop--;
		while (p < stop && isspace((unsigned char)*p))
			p++;
		if (memchr(p, '\0', (size_t)(stop - p))) {
			err_set(e, EINVAL,
				"poorly formatted environment: a line contains a zero byte");
			return err_status(e, 125);
		}
		if (p < stop && *p != '#') {
			auto_free char *line = xstrndup(p, (size_t)(stop - p));
			int r = line_add(line, with_environment, out, e);
			if (r < 0)
				return r;
		}
		p = next;
	}
	return 0;
}

int env_read_file(const char *path, bool with_environment, struct strv *out, struct err *e)
{
	auto_buf text = BUF_INIT;
	int r = read_file(path, ENV_FILE_MAX, &text, e);
	if (r < 0) {
		err_set(e, -r, "open %s: %s", path,
			r == -ENOENT ? "no such file or directory" : strerror(-r));
		return err_status(e, 125);
	}
	if ((r = env_parse_lines(text.data ? text.data : "", text.len, with_environment, out, e)) <
		0)
		return r;
	return 0;
}

static bool same_name(const char *assignment, const char *name, size_t name_len)
{
	return strncmp(assignment, name, name_len) == 0 &&
	       (assignment[name_len] == '=' || !assignment[name_len]);
}

void env_apply(struct strv *env, const char *assignment)
{
	const char *eq = strchr(assignment, '=');
	size_t name_len = eq ? (size_t)(eq - assignment) : strlen(assignment);
	for (size_t i = 0; i < env->n; i++) {
		if (!same_name(env->v[i], assignment, name_len))
			continue;
		free(env->v[i]);
		if (eq) {
			env->v[i] = xstrdup(assignment);
			return;
		}
		memmove(&env->v[i], &env->v[i + 1], (env->n - i) * sizeof(*env->v));
		env->n--;
		return;
	}
	if (eq)
		strv_add(env, assignment);
}

const char *env_get(const struct strv *env, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = env->n; i-- > 0;)
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			return env->v[i] + len + 1;
	return NULL;
}
