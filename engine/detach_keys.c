#include "engine/attach.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

/* One of "a", "ctrl-p", "ctrl-@" ... "ctrl-_"; -1 for anything else. */
static int parse_key(const char *s)
{
	if (strlen(s) == 1)
		return (unsigned char)s[0];
	const char *c = str_after(s, "ctrl-");
	if (!c || strlen(c) != 1)
		return -1;
	if (c[0] >= 'a' && c[0] <= 'z')
		return c[0] - 'a' + 1;
	if (c[0] == '@' || (c[0] >= '[' && c[0] <= '_'))
		return c[0] & 31;
	return -1;
}

int detach_keys_parse(const char *text, unsigned char *keys, size_t max, struct err *e)
{
	auto_strv parts = STRV_INIT;
	if (!*text)
		return 0;
	strv_split(&parts, text, ',');
	if (parts.n > max)
		return err_set(e, EINVAL, "invalid detach keys (%s): too many", text);
	for (size_t i = 0; i < parts.n; i++) {
		int key = parse_key(parts.v[i]);
		if (key < 0)
			return err_set(e, EINVAL, "invalid detach keys (%s) provided", text);
		keys[i] = (unsigned char)key;
	}
	return (int)parts.n;
}

bool detach_keys_filter(
	struct detach_keys *d, const unsigned char *p, size_t n, unsigned char *out, size_t *out_n)
{
	*out_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (d->n > 0 && p[i] == d->keys[d->matched]) {
			if (++d->matched == d->n)
				return true;
			continue;
		}
		/* What was held back was meant for the container after all. */
		memcpy(out + *out_n, d->keys, d->matched);
		*out_n += d->matched;
		d->matched = 0;
		if (d->n > 0 && p[i] == d->keys[0]) {
			d->matched = 1;
			continue;
		}
		out[(*out_n)++] = p[i];
	}
	return false;
}
