#include "base/toml_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"

int toml_fail(struct toml *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	auto_free char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(t->e, EINVAL, "%s:%d: %s", t->what, t->line, text);
}

/* ---- which table may still be added to ---- */

static struct toml_mark *find_mark(struct toml *t, const json_t *node)
{
	for (size_t i = t->n_marks; i-- > 0;)
		if (t->marks[i].node == node)
			return &t->marks[i];
	return NULL;
}

static enum toml_kind kind_of(struct toml *t, const json_t *node)
{
	const struct toml_mark *m = find_mark(t, node);
	return m ? m->kind : TOML_CLOSED;
}

int toml_mark(struct toml *t, const json_t *node, enum toml_kind kind)
{
	if (t->n_marks == TOML_TABLES_MAX)
		return toml_fail(t, "more than %d tables", TOML_TABLES_MAX);
	if (t->n_marks % 64 == 0)
		t->marks = xrealloc(t->marks, (t->n_marks + 64) * sizeof(*t->marks));
	t->marks[t->n_marks++] = (struct toml_mark){node, kind};
	return 0;
}

/* A new table below `in`. Borrowed; NULL with the error set. */
static json_t *add_table(struct toml *t, json_t *in, const char *key, enum toml_kind kind)
{
	json_t *table = json_object();
	json_set(in, key, table);
	return toml_mark(t, table, kind) < 0 ? NULL : table;
}

/* ---- keys ---- */

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static int read_part(struct toml *t, struct strv *key)
{
	char c = toml_peek(t);
	if (c == '"' || c == '\'') {
		char *part = toml_string(t, false);
		if (!part)
			return -EINVAL;
		strv_take(key, part);
		return 0;
	}
	const char *start = t->p;
	while (is_bare(toml_peek(t)))
		t->p++;
	if (t->p == start)
		return toml_fail(t, "a key is missing here");
	strv_take(key, xstrndup(start, (size_t)(t->p - start)));
	return 0;
}

static int read_key(struct toml *t, struct strv *key)
{
	for (;;) {
		toml_blanks(t);
		if (key->n == TOML_DEPTH_MAX)
			return toml_fail(t, "a key of more than %d parts", TOML_DEPTH_MAX);
		int r = read_part(t, key);
		if (r < 0)
			return r;
		toml_blanks(t);
		if (toml_peek(t) != '.')
			return 0;
		t->p++;
	}
}

int toml_assignment(struct toml *t, json_t *table)
{
	auto_strv key = STRV_INIT;
	int r = read_key(t, &key);
	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < key.n; i++) {
		json_t *next = json_object_get(table, key.v[i]);
		if (next && (!json_is_object(next) || kind_of(t, next) != TOML_DOTTED))
			return toml_fail(
				t, "%s is given already, nothing can be added to it", key.v[i]);
		table = next ? next : add_table(t, table, key.v[i], TOML_DOTTED);
		if (!table)
			return -EINVAL;
	}
	const char *last = key.v[key.n - 1];
	if (json_object_get(table, last))
		return toml_fail(t, "%s is given twice", last);
	if (toml_peek(t) != '=')
		return toml_fail(t, "\"=\" is missing after %s", last);
	t->p++;
	toml_blanks(t);
	json_t *value = toml_value(t);
	if (!value)
		return -EINVAL;
	json_set(table, last, value);
	return 0;
}

/* ---- lines ---- */

int toml_comment(struct toml *t)
{
	if (toml_peek(t) != '#')
		return 0;
	while (t->p < t->end && *t->p != '\n') {
		bool is_end = *t->p == '\r' && t->p + 1 < t->end && t->p[1] == '\n';
		if (((unsigned char)*t->p < ' ' && *t->p != '\t' && !is_end) || *t->p == 0x7f)
			return toml_fail(t, "a control character in a comment");
		t->p++;
	}
	return 0;
}

int toml_line_end(struct toml *t)
{
	toml_blanks(t);
	int r = toml_comment(t);
	if (r < 0 || t->p == t->end)
		return r;
	if (*t->p == '\r' && t->p + 1 < t->end && t->p[1] == '\n')
		t->p++;
	if (*t->p != '\n')
		return toml_fail(t, "the line should end here");
	t->p++;
	t->line++;
	return 0;
}

/* The table in which the last part of a header's key stands. */
static json_t *walk(struct toml *t, json_t *root, const struct strv *key)
{
	json_t *table = root;
	for (size_t i = 0; i + 1 < key->n; i++) {
		json_t *next = json_object_get(table, key->v[i]);
		if (!next) {
			next = add_table(t, table, key->v[i], TOML_IMPLICIT);
		} else if (kind_of(t, next) == TOML_CLOSED) {
			toml_fail(t, "%s is given already, nothing can be added to it", key->v[i]);
			return NULL;
		} else if (json_is_array(next)) {
			next = json_array_get(next, json_array_size(next) - 1);
		}
		if (!next)
			return NULL;
		table = next;
	}
	return table;
}

static json_t *open_table(struct toml *t, json_t *in, const char *name)
{
	json_t *there = json_object_get(in, name);
	if (!there)
		return add_table(t, in, name, TOML_HEADER);
	struct toml_mark *m = find_mark(t, there);
	if (m && m->kind == TOML_IMPLICIT) {
		m->kind = TOML_HEADER;
		return there;
	}
	toml_fail(t, "table %s is given twice", name);
	return NULL;
}

static json_t *open_element(struct toml *t, json_t *in, const char *name)
{
	json_t *list = json_object_get(in, name);
	if (!list) {
		list = json_array();
		json_set(in, name, list);
		if (toml_mark(t, list, TOML_TABLES) < 0)
			return NULL;
	} else if (kind_of(t, list) != TOML_TABLES) {
		toml_fail(t, "%s is given already, and is no array of tables", name);
		return NULL;
	}
	json_t *element = json_object();
	json_array_append_new(list, element);
	return toml_mark(t, element, TOML_HEADER) < 0 ? NULL : element;
}

/* "[a.b]" or "[[a.b]]": the table that the lines below it belong to. */
static json_t *read_header(struct toml *t, json_t *root)
{
	auto_strv key = STRV_INIT;
	bool is_element = t->end - t->p >= 2 && t->p[1] == '[';
	t->p += is_element ? 2 : 1;
	if (read_key(t, &key) < 0)
		return NULL;
	for (int i = 0; i < 1 + is_element; i++) {
		if (toml_peek(t) != ']') {
			toml_fail(t, "\"%s\" is missing after %s", is_element ? "]]" : "]",
				key.v[key.n - 1]);
			return NULL;
		}
		t->p++;
	}
	json_t *in = walk(t, root, &key);
	if (!in)
		return NULL;
	return is_element ? open_element(t, in, key.v[key.n - 1])
			  : open_table(t, in, key.v[key.n - 1]);
}

static int read_lines(struct toml *t, json_t *root)
{
	json_t *table = root;
	while (t->p < t->end) {
		int r = 0;
		toml_blanks(t);
		char c = toml_peek(t);
		if (c == '[') {
			table = read_header(t, root);
			r = table ? 0 : -EINVAL;
		} else if (c && !strchr("#\r\n", c)) {
			r = toml_assignment(t, table);
		}
		if (r == 0)
			r = toml_line_end(t);
		if (r < 0)
			return r;
	}
	return 0;
}

json_t *toml_parse(const char *text, size_t len, const char *what, struct err *e)
{
	struct toml t = {.p = text, .end = text + len, .what = what, .line = 1, .e = e};
	if (len > TOML_MAX) {
		err_set(e, EFBIG, "%s: larger than %d bytes", what, TOML_MAX);
		return NULL;
	}
	if (memchr(text, '\0', len)) {
		err_set(e, EINVAL, "%s: no text", what);
		return NULL;
	}
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		t.p += 3;
	auto_json root = json_object();
	int r = read_lines(&t, root);
	free(t.marks);
	return r < 0 ? NULL : take_ptr(root);
}
