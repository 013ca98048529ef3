#include "base/json.h"
#include "base/err.h"
#include "base/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void json_drop(json_t **j)
{
	int saved = errno;
	json_decref(*j);
	errno = saved;
}

enum { DEPTH_MAX = 200 };

/* jansson recurses up to 2048 levels; foreign documents never need that many. */
static bool too_deep(const char *text, size_t len)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if (c == ']' || c == '}') {
			depth--;
		}
	}
	return false;
}

/* jansson's words for an error end with what it read there. */
static size_t words_length(const char *words)
{
	const char *near = strstr(words, " near "), *escape = strstr(words, " '\\");
	const char *end = near && (!escape || near < escape) ? near : escape;
	return end ? (size_t)(end - words) : strlen(words);
}

static json_t *parse(const char *text, size_t len, const char *what, bool is_secret, struct err *e)
{
	json_error_t at;
	if (too_deep(text, len)) {
		err_set(e, EBADMSG, "%s: JSON nested more than %d levels deep", what, DEPTH_MAX);
		return NULL;
	}
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
	if (!j)
		err_set(e, EBADMSG, "%s: not valid JSON: line %d: %.*s", what, at.line,
			(int)(is_secret ? words_length(at.text) : strlen(at.text)), at.text);
	return j;
}

json_t *json_parse(const char *text, size_t len, const char *what, struct err *e)
{
	return parse(text, len, what, false, e);
}

json_t *json_parse_secret(const char *text, size_t len, const char *what, struct err *e)
{
	return parse(text, len, what, true, e);
}

char *json_text(const json_t *j)
{
	char *s = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!s)
		die_oom();
	return s;
}

static void pretty_line(struct buf *out, const char *indent, int level)
{
	buf_putc(out, '\n');
	while (level-- > 0)
		buf_puts(out, indent);
}

static void pretty(struct buf *out, const json_t *j, const char *indent, int level)
{
	const char *key;
	json_t *value;
	size_t i, n = json_is_object(j) ? json_object_size(j) : json_array_size(j), done = 0;
	if (!n) {
		auto_free char *text = json_text(j);
		buf_puts(out, text);
		return;
	}
	buf_putc(out, json_is_object(j) ? '{' : '[');
	if (json_is_object(j)) {
		json_object_foreach ((json_t *)j, key, value) {
			auto_json name = json_string(key);
			auto_free char *quoted = json_text(name);
			pretty_line(out, indent, level + 1);
			buf_printf(out, "%s: ", quoted);
			pretty(out, value, indent, level + 1);
			if (++done < n)
				buf_putc(out, ',');
		}
	} else {
		json_array_foreach (j, i, value) {
			pretty_line(out, indent, level + 1);
			pretty(out, value, indent, level + 1);
			if (++done < n)
				buf_putc(out, ',');
		}
	}
	pretty_line(out, indent, level);
	buf_putc(out, json_is_object(j) ? '}' : ']');
}

char *json_pretty(const json_t *j, const char *indent)
{
	auto_buf out = BUF_INIT;
	pretty(&out, j, indent, 0);
	return buf_take(&out);
}

json_t *json_at(const json_t *j, const char *path)
{
	while (j) {
		size_t n = strcspn(path, "/");
		char key[128];
		if (n >= sizeof(key))
			BUG("JSON key too long: %s", path);
		memcpy(key, path, n);
		key[n] = '\0';
		j = json_object_get(j, key);
		if (!path[n])
			return (json_t *)j;
		path += n + 1;
	}
	return NULL;
}

const char *json_str(const json_t *j, const char *path)
{
	return json_string_value(json_at(j, path));
}

const char *json_str_or(const json_t *j, const char *path, const char *def)
{
	const char *s = json_str(j, path);
	return s ? s : def;
}

int64_t json_int_or(const json_t *j, const char *path, int64_t def)
{
	json_t *v = json_at(j, path);
	return json_is_integer(v) ? (int64_t)json_integer_value(v) : def;
}

bool json_bool_or(const json_t *j, const char *path, bool def)
{
	json_t *v = json_at(j, path);
	return json_is_boolean(v) ? json_is_true(v) : def;
}

void json_set(json_t *obj, const char *key, json_t *value)
{
	if (json_object_set_new(obj, key, value) < 0)
		BUG("cannot set JSON key %s", key);
}

/* Text of the user's may hold bytes that are no UTF-8; JSON cannot carry them as they are. */
static json_t *string_or_replaced(const char *s)
{
	json_t *v = json_string(s);
	if (v)
		return v;
	auto_buf b = BUF_INIT;
	for (; *s; s++) {
		if ((unsigned char)*s < 0x80)
			buf_putc(&b, *s);
		else
			buf_puts(&b, "\xef\xbf\xbd");
	}
	return json_string(b.data ? b.data : "");
}

void json_set_str(json_t *obj, const char *key, const char *s)
{
	json_set(obj, key, s ? string_or_replaced(s) : json_null());
}

void json_set_int(json_t *obj, const char *key, int64_t v) { json_set(obj, key, json_integer(v)); }

void json_set_bool(json_t *obj, const char *key, bool v) { json_set(obj, key, json_boolean(v)); }

json_t *json_from_words(const struct strv *words)
{
	json_t *o = json_object();
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];
		size_t n = strcspn(word, "=");
		char *key = xstrndup(word, n);
		json_set_str(o, key, word[n] ? word + n + 1 : "");
		free(key);
	}
	return o;
}

json_t *json_from_strv(const struct strv *s)
{
	json_t *a = json_array();
	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(a, string_or_replaced(s->v[i]));
	return a;
}

void json_to_strv(const json_t *array, struct strv *out)
{
	size_t i;
	json_t *v;
	json_array_foreach (array, i, v)
		if (json_is_string(v))
			strv_add(out, json_string_value(v));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *json_sorted(json_t *o)
{
	json_t *out = json_object(), *value;
	size_t n = 0, count = json_object_size(o);
	const char **keys = xcalloc(count + 1, sizeof(*keys));
	const char *key;
	json_object_foreach (o, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), by_text);
	for (size_t i = 0; i < n; i++)
		json_object_set(out, keys[i], json_object_get(o, keys[i]));
	free(keys);
	json_decref(o);
	return out;
}
