/* The lines of --change and what each instruction does to a configuration. HEALTHCHECK is in
 * commit_health.c, the words in commit_words.c. */
#include "engine/commit_change.h"
#include "engine/commit_internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/inspect_object.h"
#include "engine/parse_env.h"
#include "engine/parse_port.h"
#include "engine/start.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHANGE_MAX = 256 * 1024 };

static int at_least_one(const struct change *c, struct err *e)
{
	return err_set(e, EINVAL, "%s requires at least one argument", c->name);
}

static int exactly_one(const struct change *c, struct err *e)
{
	return err_set(e, EINVAL, "%s requires exactly one argument", c->name);
}

/* ---- forms of arguments ---- */

int change_json_form(const char *text, json_t **list, struct err *e)
{
	struct err ignored = {0};
	json_t *v;
	size_t i;
	*list = NULL;
	if (*text != '[')
		return 0;
	auto_json parsed = json_parse(text, strlen(text), "arguments", &ignored);
	if (!json_is_array(parsed))
		return 0;
	json_array_foreach (parsed, i, v)
		if (!json_is_string(v))
			return err_set(e, EINVAL,
				"when using JSON array syntax, arrays must be comprised of strings "
				"only");
	*list = take_ptr(parsed);
	return 1;
}

/* As the exec form, or for a shell. New reference. */
static json_t *command_line(const struct change *c, const json_t *config, struct err *e)
{
	json_t *list;
	int r = change_json_form(c->rest, &list, e);
	if (r != 0)
		return r < 0 ? NULL : list;
	const json_t *shell = json_object_get(config, "Shell");
	list = json_array_size(shell) ? json_copy((json_t *)shell)
				      : json_pack("[s, s]", "/bin/sh", "-c");
	if (*c->rest)
		json_array_append_new(list, json_string(c->rest));
	return list;
}

/* A list, of JSON or of words at blanks. */
static int plain_list(const struct change *c, struct strv *out, struct err *e)
{
	json_t *list;
	int r = change_json_form(c->rest, &list, e);
	if (r < 0)
		return r;
	if (r == 1) {
		json_to_strv(list, out);
		json_decref(list);
		return 0;
	}
	for (const char *p = c->rest; *p;) {
		size_t n = strcspn(p, " \t\v\f\r\n");
		if (n)
			strv_take(out, xstrndup(p, n));
		p += n;
		p += strspn(p, " \t\v\f\r\n");
	}
	return 0;
}

/* NAME=value ..., or NAME and the rest of the line: names and values in turn. */
static int name_values(const struct change *c, struct strv *out, struct err *e)
{
	auto_strv words = STRV_INIT;
	change_words(c->rest, &words);
	if (!words.n)
		return 0;
	if (!strchr(words.v[0], '=')) {
		size_t n = strcspn(c->rest, " \t\v\f\r\n");
		size_t blanks = strspn(c->rest + n, " \t\v\f\r\n");
		if (!blanks)
			return err_set(e, EINVAL, "%s must have two arguments", c->name);
		strv_take(out, xstrndup(c->rest, n));
		strv_add(out, c->rest + n + blanks);
		return 0;
	}
	for (size_t i = 0; i < words.n; i++) {
		const char *eq = strchr(words.v[i], '=');
		if (!eq)
			return err_set(e, EINVAL,
				"Syntax error - can't find = in \"%.300s\". Must be of the form: "
				"name=value",
				words.v[i]);
		strv_take(out, xstrndup(words.v[i], (size_t)(eq - words.v[i])));
		strv_add(out, eq + 1);
	}
	return 0;
}

static void env_of(const json_t *config, struct strv *env)
{
	json_to_strv(json_object_get(config, "Env"), env);
}

/* ---- instructions ---- */

static int change_command(const struct change *c, json_t *config, struct err *e)
{
	json_t *list = command_line(c, config, e);
	if (!list)
		return -e->code;
	json_set(config, "Cmd", list);
	c->state->has_cmd = true;
	return 0;
}

/* A new entry point takes the command of the base away. */
static int change_entrypoint(const struct change *c, json_t *config, struct err *e)
{
	json_t *list = command_line(c, config, e);
	if (!list)
		return -e->code;
	json_set(config, "Entrypoint", list);
	if (!c->state->has_cmd)
		json_set(config, "Cmd", json_null());
	return 0;
}

/* Expanded pairs, all with the variables as they were before. */
static int expanded_pairs(
	const struct change *c, const json_t *config, struct strv *pairs, struct err *e)
{
	auto_strv env = STRV_INIT, raw = STRV_INIT;
	env_of(config, &env);
	if (name_values(c, &raw, e) < 0)
		return -e->code;
	if (!raw.n)
		return at_least_one(c, e);
	for (size_t i = 0; i < raw.n; i++) {
		if (i % 2 == 0 && !*raw.v[i])
			return err_set(e, EINVAL, "%s names can not be blank", c->name);
		char *word = change_expand(raw.v[i], &env, e);
		if (!word)
			return -e->code;
		strv_take(pairs, word);
	}
	return 0;
}

static int change_env(const struct change *c, json_t *config, struct err *e)
{
	auto_strv env = STRV_INIT, pairs = STRV_INIT;
	if (expanded_pairs(c, config, &pairs, e) < 0)
		return -e->code;
	env_of(config, &env);
	for (size_t i = 0; i + 1 < pairs.n; i += 2) {
		auto_free char *text = xasprintf("%s=%s", pairs.v[i], pairs.v[i + 1]);
		env_apply(&env, text);
	}
	json_set(config, "Env", json_from_strv(&env));
	return 0;
}

/* The object of that name, made where there is none. Borrowed. */
static json_t *object_in(json_t *config, const char *key)
{
	json_t *o = json_object_get(config, key);
	if (!json_is_object(o)) {
		o = json_object();
		json_set(config, key, o);
	}
	return o;
}

static int change_label(const struct change *c, json_t *config, struct err *e)
{
	auto_strv pairs = STRV_INIT;
	if (expanded_pairs(c, config, &pairs, e) < 0)
		return -e->code;
	json_t *labels = object_in(config, "Labels");
	for (size_t i = 0; i + 1 < pairs.n; i += 2)
		json_set_str(labels, pairs.v[i], pairs.v[i + 1]);
	return 0;
}

/* Of "[[ip:]host:]container[-end][/proto]" the container's. As Docker's parser "0" is taken. */
static int expose_one(json_t *ports, const char *spec, struct err *e)
{
	uint32_t start, end;
	size_t n = strcspn(spec, "/");
	auto_free char *proto = xstrdup(spec[n] ? spec + n + 1 : "tcp");
	auto_free char *whole = xstrndup(spec, n);
	const char *colon = strrchr(whole, ':');
	const char *port = colon ? colon + 1 : whole;
	str_lower(proto);
	if (!*port)
		return err_set(e, EINVAL, "No port specified: %s<empty>", spec);
	if (!strcmp(port, "0"))
		start = end = 0;
	else if (port_parse_range(port, &start, &end) < 0)
		return err_set(e, EINVAL, "Invalid containerPort: %s", port);
	if (strcmp(proto, "tcp") && strcmp(proto, "udp") && strcmp(proto, "sctp"))
		return err_set(e, EINVAL, "Invalid proto: %s", proto);
	for (uint32_t i = start; i <= end; i++) {
		auto_free char *key = xasprintf("%u/%s", i, proto);
		json_set(ports, key, json_object());
	}
	return 0;
}

static int change_expose(const struct change *c, json_t *config, struct err *e)
{
	auto_strv env = STRV_INIT, raw = STRV_INIT, words = STRV_INIT;
	env_of(config, &env);
	if (plain_list(c, &raw, e) < 0)
		return -e->code;
	if (!raw.n)
		return at_least_one(c, e);
	for (size_t i = 0; i < raw.n; i++)
		if (change_expand_words(raw.v[i], &env, &words, e) < 0)
			return -e->code;
	json_t *ports = object_in(config, "ExposedPorts");
	for (size_t i = 0; i < words.n; i++)
		if (expose_one(ports, words.v[i], e) < 0)
			return -e->code;
	return 0;
}

static int change_onbuild(const struct change *c, json_t *config, struct err *e)
{
	size_t n = strcspn(c->rest, " \t\v\f\r\n");
	auto_free char *word = xstrndup(c->rest, n);
	if (!n)
		return at_least_one(c, e);
	for (char *p = word; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (!strcmp(word, "ONBUILD"))
		return err_set(e, EINVAL, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
	if (!strcmp(word, "FROM") || !strcmp(word, "MAINTAINER"))
		return err_set(e, EINVAL, "%s isn't allowed as an ONBUILD trigger", word);
	json_t *list = json_object_get(config, "OnBuild");
	if (!json_is_array(list)) {
		list = json_array();
		json_set(config, "OnBuild", list);
	}
	json_array_append_new(list, json_string(c->rest));
	return 0;
}

/* The one argument, expanded. Owned. */
static char *single(const struct change *c, const json_t *config, struct err *e)
{
	auto_strv env = STRV_INIT;
	env_of(config, &env);
	if (!*c->rest) {
		exactly_one(c, e);
		return NULL;
	}
	return change_expand(c->rest, &env, e);
}

static int change_stop_signal(const struct change *c, json_t *config, struct err *e)
{
	uint32_t n;
	auto_free char *text = single(c, config, e);
	if (!text)
		return -e->code;
	/* Any number but 0 here, as with Docker. */
	if ((!parse_u32(text, &n) || n == 0) && signal_parse(text, e) < 0)
		return err_set(e, EINVAL, "invalid signal: %s", text);
	json_set_str(config, "StopSignal", text);
	return 0;
}

static int change_user(const struct change *c, json_t *config, struct err *e)
{
	auto_free char *text = single(c, config, e);
	if (!text)
		return -e->code;
	json_set_str(config, "User", text);
	return 0;
}

static int change_workdir(const struct change *c, json_t *config, struct err *e)
{
	auto_free char *text = single(c, config, e);
	if (!text)
		return -e->code;
	if (!*text)
		return err_set(e, EINVAL, "cannot normalize nothing");
	auto_free char *whole = xasprintf(
		"%s/%s", *text == '/' ? "" : json_str_or(config, "WorkingDir", "/"), text);
	auto_free char *rooted = xasprintf("/%s", whole);
	auto_free char *clean = path_clean(rooted);
	json_set_str(config, "WorkingDir", clean);
	return 0;
}

static int change_volume(const struct change *c, json_t *config, struct err *e)
{
	auto_strv env = STRV_INIT, raw = STRV_INIT;
	env_of(config, &env);
	if (plain_list(c, &raw, e) < 0)
		return -e->code;
	if (!raw.n)
		return at_least_one(c, e);
	json_t *volumes = object_in(config, "Volumes");
	for (size_t i = 0; i < raw.n; i++) {
		auto_free char *text = change_expand(raw.v[i], &env, e);
		if (!text)
			return -e->code;
		const char *start = text + strspn(text, " \t");
		if (!*start)
			return err_set(e, EINVAL, "VOLUME specified can not be an empty string");
		json_set(volumes, start, json_object());
	}
	return 0;
}

static const struct {
	const char *name;
	int (*apply)(const struct change *c, json_t *config, struct err *e);
} instructions[] = {
	{"CMD", change_command},
	{"ENTRYPOINT", change_entrypoint},
	{"ENV", change_env},
	{"EXPOSE", change_expose},
	{"HEALTHCHECK", change_health},
	{"LABEL", change_label},
	{"ONBUILD", change_onbuild},
	{"STOPSIGNAL", change_stop_signal},
	{"USER", change_user},
	{"VOLUME", change_volume},
	{"WORKDIR", change_workdir},
};

/* ---- lines ---- */

/* Flags stand before the arguments; only HEALTHCHECK has some. */
static int take_flags(struct change *c, struct err *e)
{
	while (!strncmp(c->rest, "--", 2)) {
		auto_strv words = STRV_INIT;
		size_t n = strcspn(c->rest, " \t\v\f\r\n");
		bool is_end = n == 2;
		auto_free char *flag = xstrndup(c->rest + 2, n - 2);
		c->rest += n;
		c->rest += strspn(c->rest, " \t\v\f\r\n");
		if (is_end)
			return 0;
		if (!c->takes_flags) {
			flag[strcspn(flag, "=")] = '\0';
			return err_set(e, EINVAL, "unknown flag: %s", flag);
		}
		strv_take(&c->flags, take_ptr(flag));
	}
	return 0;
}

static int apply_line(const char *line, struct change_state *state, json_t *config, struct err *e)
{
	size_t n = strcspn(line, " \t\v\f\r\n");
	auto_free char *name = xstrndup(line, n);
	auto_free char *rest = xstrdup(line + n + strspn(line + n, " \t\v\f\r\n"));
	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	struct change c = {.name = name, .rest = rest, .state = state};
	for (size_t i = 0; i < ARRAY_LEN(instructions); i++) {
		if (strcmp(name, instructions[i].name) != 0)
			continue;
		c.takes_flags = !strcmp(name, "HEALTHCHECK");
		int r = take_flags(&c, e);
		if (r == 0)
			r = instructions[i].apply(&c, config, e);
		strv_free(&c.flags);
		return r;
	}
	return err_set(e, EINVAL, "%.*s is not a valid change command", (int)n, line);
}

static void trim_end(char *s)
{
	for (size_t n = strlen(s); n && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = '\0';
}

/* Whether the line goes on in the next; takes the sign away. */
static bool continues(char *line)
{
	size_t n = strlen(line);
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	if (!n || line[n - 1] != '\\' || (n > 1 && line[n - 2] == '\\'))
		return false;
	line[n - 1] = '\0';
	return true;
}

/* The logical lines: continued ones joined, comments and empty ones left out. */
static void logical_lines(const char *text, struct strv *out)
{
	auto_strv lines = STRV_INIT;
	auto_buf whole = BUF_INIT;
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *line = lines.v[i];
		const char *start = line + strspn(line, " \t\v\f\r");
		if (!*start || *start == '#')
			continue;
		bool more = continues(line);
		buf_puts(&whole, whole.len ? line : start);
		if (more)
			continue;
		strv_take(out, buf_take(&whole));
	}
	if (whole.len)
		strv_take(out, buf_take(&whole));
	for (size_t i = 0; i < out->n; i++)
		trim_end(out->v[i]);
}

static int apply_all(const struct strv *changes, json_t *config, struct err *e)
{
	auto_strv lines = STRV_INIT;
	auto_free char *text = strv_join(changes, "\n");
	struct change_state state = {0};
	if (strlen(text) > CHANGE_MAX)
		return err_set(e, E2BIG, "--change: more than %d bytes", CHANGE_MAX);
	auto_json is_utf8 = json_string(text);
	if (!is_utf8)
		return err_set(e, EILSEQ, "--change: the text is not UTF-8");
	logical_lines(text, &lines);
	if (!lines.n)
		return err_set(e, EINVAL, "file with no instructions");
	for (size_t i = 0; i < lines.n; i++)
		if (apply_line(lines.v[i], &state, config, e) < 0)
			return -e->code;
	return 0;
}

/* ---- the result ---- */

static bool is_empty(const json_t *v)
{
	return !v || json_is_null(v) || (json_is_array(v) && !json_array_size(v));
}

/* What the changes made empty is the base's again: Docker merges the two. */
static void merge_base(json_t *config, const json_t *base)
{
	if (is_empty(json_object_get(config, "Entrypoint")) &&
		is_empty(json_object_get(config, "Cmd")))
		json_object_set(config, "Cmd", json_object_get(base, "Cmd"));
	if (is_empty(json_object_get(config, "Entrypoint")))
		json_object_set(config, "Entrypoint", json_object_get(base, "Entrypoint"));
	const char *key;
	json_t *v, *health = json_object_get(config, "Healthcheck");
	json_object_foreach (json_object_get(base, "Healthcheck"), key, v)
		if (json_is_object(health) && !json_object_get(health, key))
			json_object_set(health, key, v);
}

json_t *change_config(const json_t *base, const struct strv *changes, struct err *e)
{
	auto_json config = base ? json_deep_copy(base) : json_object();
	if (changes->n) {
		if (apply_all(changes, config, e) < 0)
			return NULL;
		merge_base(config, base);
	}
	return image_config_complete(config);
}
