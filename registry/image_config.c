/* The config of an image, as registry/manifest.h promises it. */
#include "registry/manifest.h"
#include "registry/reference.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"

#include <errno.h>
#include <string.h>

enum type { T_STRING, T_WORD, T_BOOL, T_INT, T_STRINGS, T_STRING_MAP, T_SET, T_TIME, T_HEALTH };

struct key {
	const char *name;
	enum type type;
};

/* Unknown keys are dropped; null is the same as missing. */
static const struct key top_keys[] = {
	{"created", T_TIME},
	{"author", T_STRING},
	{"architecture", T_WORD},
	{"variant", T_WORD},
	{"os", T_WORD},
	{"os.version", T_STRING},
	{"os.features", T_STRINGS},
	{"docker_version", T_STRING},
	{"comment", T_STRING},
	{"container", T_STRING},
	{"parent", T_STRING},
};

static const struct key run_keys[] = {
	{"Hostname", T_STRING},
	{"Domainname", T_STRING},
	{"User", T_STRING},
	{"AttachStdin", T_BOOL},
	{"AttachStdout", T_BOOL},
	{"AttachStderr", T_BOOL},
	{"ExposedPorts", T_SET},
	{"Tty", T_BOOL},
	{"OpenStdin", T_BOOL},
	{"StdinOnce", T_BOOL},
	{"Env", T_STRINGS},
	{"Cmd", T_STRINGS},
	{"Healthcheck", T_HEALTH},
	{"ArgsEscaped", T_BOOL},
	{"Image", T_STRING},
	{"Volumes", T_SET},
	{"WorkingDir", T_STRING},
	{"Entrypoint", T_STRINGS},
	{"NetworkDisabled", T_BOOL},
	{"OnBuild", T_STRINGS},
	{"Labels", T_STRING_MAP},
	{"StopSignal", T_STRING},
	{"StopTimeout", T_INT},
	{"Shell", T_STRINGS},
};

static const struct key health_keys[] = {
	{"Test", T_STRINGS},
	{"Interval", T_INT},
	{"Timeout", T_INT},
	{"StartPeriod", T_INT},
	{"StartInterval", T_INT},
	{"Retries", T_INT},
};

static const struct key history_keys[] = {
	{"created", T_TIME},
	{"created_by", T_STRING},
	{"author", T_STRING},
	{"comment", T_STRING},
	{"empty_layer", T_BOOL},
};

static json_t *pick(
	const json_t *j, const struct key *keys, size_t n, const char *where, struct err *e);

static bool all_strings(const json_t *array)
{
	size_t i;
	json_t *v;
	json_array_foreach ((json_t *)array, i, v)
		if (!json_is_string(v))
			return false;
	return json_is_array(array);
}

static bool all_strings_in(const json_t *object)
{
	const char *key;
	json_t *v;
	json_object_foreach ((json_t *)object, key, v)
		if (!json_is_string(v))
			return false;
	return json_is_object(object);
}

/* {"80/tcp": {}}: only the keys count. */
static json_t *empty_values(const json_t *object)
{
	const char *key;
	json_t *v, *out = json_object();
	json_object_foreach ((json_t *)object, key, v)
		json_object_set_new(out, key, json_object());
	return out;
}

static bool is_time(const json_t *v)
{
	int64_t ns;
	const char *s = json_string_value(v);
	return s && clock_parse_rfc3339(s, &ns);
}

static bool has_type(const json_t *v, enum type type)
{
	switch (type) {
	case T_STRING:
	case T_WORD:
		return json_is_string(v);
	case T_BOOL:
		return json_is_boolean(v);
	case T_INT:
		return json_is_integer(v);
	case T_STRINGS:
		return all_strings(v);
	case T_STRING_MAP:
		return all_strings_in(v);
	case T_SET:
	case T_HEALTH:
		return json_is_object(v);
	case T_TIME:
		return is_time(v);
	}
	return false;
}

static json_t *bad_key(const char *where, const char *name, struct err *e)
{
	err_set(e, EBADMSG, "invalid image config: %s%s%s is of the wrong type", where,
		*where ? "." : "", name);
	return NULL;
}

/* More than anybody means: each costs whoever runs the image. */
enum { ENTRIES_MAX = 8192 };

static json_t *too_many(const json_t *v, const char *name, struct err *e)
{
	size_t n = json_is_array(v) ? json_array_size(v) : json_object_size(v);
	err_set(e, EBADMSG, "invalid image config: %zu entries in %s, at most %d are possible", n,
		name, ENTRIES_MAX);
	return NULL;
}

/* Of a platform: it is shown to people, and compared. It may be empty. */
static bool is_word(const char *s)
{
	enum { WORD_MAX = 64 };
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	return n <= WORD_MAX && !s[n];
}

/* New reference. */
static json_t *convert(json_t *v, const struct key *k, const char *where, struct err *e)
{
	if (!has_type(v, k->type))
		return bad_key(where, k->name, e);
	if (k->type == T_WORD && !is_word(json_string_value(v))) {
		err_set(e, EBADMSG,
			"invalid image config: %s is not a word of letters, digits, \".\", \"_\" "
			"and \"-\"",
			k->name);
		return NULL;
	}
	if (json_array_size(v) > ENTRIES_MAX || json_object_size(v) > ENTRIES_MAX)
		return too_many(v, k->name, e);
	if (k->type == T_SET)
		return empty_values(v);
	if (k->type == T_HEALTH)
		return pick(v, health_keys, ARRAY_LEN(health_keys), k->name, e);
	return json_incref(v);
}

static json_t *pick(
	const json_t *j, const struct key *keys, size_t n, const char *where, struct err *e)
{
	auto_json out = json_object();
	for (size_t i = 0; i < n; i++) {
		json_t *v = json_object_get(j, keys[i].name);
		if (!v || json_is_null(v))
			continue;
		json_t *copy = convert(v, &keys[i], where, e);
		if (!copy)
			return NULL;
		json_set(out, keys[i].name, copy);
	}
	return take_ptr(out);
}

static int take_rootfs(const json_t *j, json_t *out, int n_layers, struct err *e)
{
	json_t *ids = json_at(j, "rootfs/diff_ids"), *v;
	const char *type = json_str(j, "rootfs/type");
	size_t i;
	auto_json list = json_array();
	if (!type || strcmp(type, "layers") != 0 ||
		(ids && !json_is_array(ids) && !json_is_null(ids)))
		return err_set(e, EBADMSG, "invalid image config: no usable rootfs");
	json_array_foreach (ids, i, v) {
		const char *id = json_string_value(v);
		if (!id || !digest_valid(id))
			return err_set(e, EBADMSG, "invalid image config: malformed diff ID %.100s",
				id ? id : "");
		json_array_append(list, v);
	}
	if (i > MANIFEST_LAYERS_MAX)
		return err_set(e, EBADMSG,
			"invalid image config: %zu diff IDs, at most %d are possible", i,
			MANIFEST_LAYERS_MAX);
	if (n_layers >= 0 && i != (size_t)n_layers)
		return err_set(e, EBADMSG, "invalid image config: %zu diff IDs for %d layers", i,
			n_layers);
	json_t *rootfs = json_object();
	json_set_str(rootfs, "type", "layers");
	json_set(rootfs, "diff_ids", take_ptr(list));
	json_set(out, "rootfs", rootfs);
	return 0;
}

static int take_history(const json_t *j, json_t *out, struct err *e)
{
	json_t *history = json_object_get(j, "history"), *v;
	size_t i;
	if (!history || json_is_null(history))
		return 0;
	if (!json_is_array(history))
		return err_set(e, EBADMSG, "invalid image config: history is not a list");
	if (json_array_size(history) > ENTRIES_MAX) {
		(void)too_many(history, "history", e);
		return -e->code;
	}
	auto_json list = json_array();
	json_array_foreach (history, i, v) {
		json_t *h = json_is_object(v)
				    ? pick(v, history_keys, ARRAY_LEN(history_keys), "history", e)
				    : bad_key("", "history", e);
		if (!h)
			return -e->code;
		json_array_append_new(list, h);
	}
	json_set(out, "history", take_ptr(list));
	return 0;
}

json_t *image_config_parse(const void *bytes, size_t len, int n_layers, struct err *e)
{
	auto_json j = json_parse(bytes, len, "invalid image config", e);
	if (!j)
		return NULL;
	if (!json_is_object(j)) {
		err_set(e, EBADMSG, "invalid image config: not an object");
		return NULL;
	}
	auto_json out = pick(j, top_keys, ARRAY_LEN(top_keys), "", e);
	if (!out)
		return NULL;
	json_t *run = json_object_get(j, "config");
	if (run && !json_is_null(run) && !json_is_object(run))
		return bad_key("", "config", e);
	json_t *picked = pick(run, run_keys, ARRAY_LEN(run_keys), "config", e);
	if (!picked)
		return NULL;
	json_set(out, "config", picked);
	if (take_rootfs(j, out, n_layers, e) < 0 || take_history(j, out, e) < 0)
		return NULL;
	return take_ptr(out);
}
