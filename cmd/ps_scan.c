/* A container's JSON has some 5 KB, of which a list shows a few hundred bytes. Parsing it all for a
 * thousand containers takes most of the time of ps, so the parts are cut out first. The text is our
 * own; anything unexpected makes the caller parse the whole. */
#include "cmd/ps.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

struct span {
	const char *s;
	size_t n;
};

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* Behind the string at p; NULL where it does not end. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
	}
	return *p ? p + 1 : NULL;
}

static const char *skip_value(const char *p)
{
	size_t depth = 0;
	do {
		p += strcspn(p, depth ? "\"{}[]" : "\"{}[],");
		switch (*p) {
		case '\0':
			return NULL;
		case '"':
			p = skip_string(p);
			if (!p)
				return NULL;
			break;
		case '{':
		case '[':
			depth++;
			p++;
			break;
		case '}':
		case ']':
			if (!depth)
				return p;
			depth--;
			p++;
			break;
		default:
			return p;
		}
	} while (depth);
	return p;
}

/* The member of the object at p and, behind it, the next; *p NULL on anything unexpected. False at
 * the end. */
static bool next_member(const char **p, struct span *key, struct span *value)
{
	const char *at = skip_blanks(*p);
	*p = NULL;
	if (*at == '}') {
		*p = at;
		return false;
	}
	if (*at == '{' || *at == ',')
		at = skip_blanks(at + 1);
	if (*at != '"') {
		*p = *at == '}' ? at : NULL;
		return false;
	}
	const char *end = skip_string(at);
	if (!end)
		return false;
	*key = (struct span){at + 1, (size_t)(end - at) - 2};
	at = skip_blanks(end);
	if (*at != ':')
		return false;
	at = skip_blanks(at + 1);
	end = skip_value(at);
	if (!end)
		return false;
	*value = (struct span){at, (size_t)(end - at)};
	*p = end;
	return true;
}

static bool is_key(struct span key, const char *name)
{
	return key.n == strlen(name) && memcmp(key.s, name, key.n) == 0;
}

static void add_member(struct buf *out, const char *name, struct span value)
{
	if (out->data[out->len - 1] != '{')
		buf_putc(out, ',');
	buf_printf(out, "\"%s\":", name);
	buf_add(out, value.s, value.n);
}

/* Of the object only that member: {"name": value}. */
static bool add_nested(struct buf *out, const char *name, struct span object, const char *inner)
{
	auto_buf part = BUF_INIT;
	struct span key, value;
	const char *p = object.s;
	buf_putc(&part, '{');
	while (next_member(&p, &key, &value)) {
		if (is_key(key, inner))
			add_member(&part, inner, value);
	}
	buf_putc(&part, '}');
	if (p)
		add_member(out, name, (struct span){part.data, part.len});
	return p != NULL;
}

json_t *ps_scan(const char *text)
{
	auto_buf out = BUF_INIT;
	struct span key, value;
	const char *p = text;
	bool ok = *text == '{';
	buf_putc(&out, '{');
	while (ok && next_member(&p, &key, &value)) {
		if (is_key(key, "Path"))
			add_member(&out, "Path", value);
		else if (is_key(key, "Args"))
			add_member(&out, "Args", value);
		else if (is_key(key, "Mounts"))
			add_member(&out, "Mounts", value);
		else if (is_key(key, "Config"))
			ok = add_nested(&out, "Config", value, "Labels");
		else if (is_key(key, "HostConfig"))
			ok = add_nested(&out, "HostConfig", value, "NetworkMode");
	}
	buf_putc(&out, '}');
	struct err ignored;
	return ok && p ? json_parse(out.data, out.len, "config", &ignored) : NULL;
}
