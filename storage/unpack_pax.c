#include "storage/unpack_tar_internal.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void tar_pax_init(struct tar_pax *p)
{
	memset(p, 0, sizeof(*p));
	p->sparse_major = p->sparse_minor = -1;
}

void tar_pax_deinit(struct tar_pax *p)
{
	free(p->path);
	free(p->link);
	free(p->sparse_name);
	for (size_t i = 0; i < p->n_xattrs; i++)
		free(p->xattrs[i].name);
	free(p->xattrs);
	free(p->extents);
	tar_pax_init(p);
}

bool tar_decimal(const char *s, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || v > (UINT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*out = v;
	return true;
}

int tar_extent_add(struct tar_pax *p, uint64_t offset, uint64_t len, struct err *e)
{
	if (p->n_extents == TAR_EXTENTS_MAX)
		return err_set(e, EBADMSG, "sparse file with more than %d pieces", TAR_EXTENTS_MAX);
	if (p->n_extents == p->cap_extents) {
		p->cap_extents = p->cap_extents ? p->cap_extents * 2 : 16;
		p->extents = xrealloc(p->extents, p->cap_extents * sizeof(*p->extents));
	}
	p->extents[p->n_extents++] = (struct tar_extent){offset, len};
	return 0;
}

static int bad_record(struct err *e, const char *key)
{
	return err_set(e, EBADMSG, "malformed PAX record %.60s", key);
}

/* "1700000000", "-1.5", "1700000000.123456789" (further digits are dropped). */
static bool parse_time(const char *s, size_t n, int64_t *sec, int32_t *ns)
{
	bool negative = n > 0 && *s == '-';
	if (negative) {
		s++;
		n--;
	}
	const char *dot = memchr(s, '.', n);
	size_t whole = dot ? (size_t)(dot - s) : n;
	uint64_t v;
	int32_t fraction = 0;
	if (!tar_decimal(s, whole, &v) || v > INT64_MAX / 4)
		return false;
	if (dot) {
		int32_t unit = 100000000;
		for (size_t i = whole + 1; i < n; i++, unit /= 10) {
			if (s[i] < '0' || s[i] > '9')
				return false;
			fraction += (s[i] - '0') * unit;
		}
	}
	*sec = negative ? -(int64_t)v : (int64_t)v;
	*ns = fraction;
	if (negative && fraction) {
		*sec -= 1;
		*ns = 1000000000 - fraction;
	}
	return true;
}

static int set_string(char **to, const char *value, size_t n, const char *key, struct err *e)
{
	if (memchr(value, '\0', n))
		return bad_record(e, key);
	if (n > TAR_PATH_MAX)
		return err_set(e, ENAMETOOLONG, "path of %zu bytes is too long", n);
	free(*to);
	*to = n ? xstrndup(value, n) : NULL; /* an empty value takes an earlier one back */
	return 0;
}

static int set_number(
	bool *has, uint64_t *to, const char *value, size_t n, const char *key, struct err *e)
{
	*has = n > 0;
	return n == 0 || tar_decimal(value, n, to) ? 0 : bad_record(e, key);
}

static int add_xattr(
	struct tar_pax *p, const char *name, const char *value, size_t n, struct err *e)
{
	size_t name_len = strlen(name);
	if (name_len == 0 || name_len > 255 || n > 65536)
		return err_set(e, EBADMSG, "extended attribute %.60s: bad name or length", name);
	if (p->n_xattrs == TAR_XATTRS_MAX)
		return err_set(e, EBADMSG, "more than %d extended attributes", TAR_XATTRS_MAX);
	if ((p->n_xattrs & 15) == 0)
		p->xattrs = xrealloc(p->xattrs, (p->n_xattrs + 16) * sizeof(*p->xattrs));
	struct tar_xattr *x = &p->xattrs[p->n_xattrs++];
	x->name = xmalloc(name_len + 1 + n + 1);
	memcpy(x->name, name, name_len + 1);
	memcpy(x->name + name_len + 1, value, n);
	x->value = x->name + name_len + 1;
	x->len = n;
	return 0;
}

/* "offset,length,offset,length": the map of GNU.sparse 0.1. */
static int parse_map(struct tar_pax *p, const char *value, size_t n, struct err *e)
{
	uint64_t pair[2];
	int i = 0;
	p->n_extents = 0;
	p->has_sparse_map = true;
	const char *end = value + n;
	while (value < end) {
		const char *comma = memchr(value, ',', (size_t)(end - value));
		const char *stop = comma ? comma : end;
		if (!tar_decimal(value, (size_t)(stop - value), &pair[i]))
			return bad_record(e, "GNU.sparse.map");
		if (i == 1 && tar_extent_add(p, pair[0], pair[1], e) < 0)
			return -e->code;
		i = !i;
		value = comma ? comma + 1 : end;
	}
	return i ? bad_record(e, "GNU.sparse.map") : 0;
}

static int set_sparse(
	struct tar_pax *p, const char *key, const char *value, size_t n, struct err *e)
{
	uint64_t v;
	if (!strcmp(key, "name"))
		return set_string(&p->sparse_name, value, n, key, e);
	if (!strcmp(key, "map"))
		return parse_map(p, value, n, e);
	if (!tar_decimal(value, n, &v))
		return bad_record(e, key);
	if (!strcmp(key, "major") || !strcmp(key, "minor")) {
		if (v > 100)
			return bad_record(e, key);
		*(key[1] == 'a' ? &p->sparse_major : &p->sparse_minor) = (int)v;
	} else if (!strcmp(key, "size") || !strcmp(key, "realsize")) {
		p->has_sparse_size = true;
		p->sparse_size = v;
	} else if (!strcmp(key, "offset")) {
		if (p->half_extent)
			return bad_record(e, key);
		p->half_extent = p->has_sparse_map = true;
		return tar_extent_add(p, v, 0, e);
	} else if (!strcmp(key, "numbytes")) {
		if (!p->half_extent)
			return bad_record(e, key);
		p->half_extent = false;
		p->extents[p->n_extents - 1].len = v;
	}
	return 0;
}

static int set_record(
	struct tar_pax *p, const char *key, const char *value, size_t n, struct err *e)
{
	const char *rest;
	if (!strcmp(key, "path"))
		return set_string(&p->path, value, n, key, e);
	if (!strcmp(key, "linkpath"))
		return set_string(&p->link, value, n, key, e);
	if (!strcmp(key, "size"))
		return set_number(&p->has_size, &p->size, value, n, key, e);
	if (!strcmp(key, "uid"))
		return set_number(&p->has_uid, &p->uid, value, n, key, e);
	if (!strcmp(key, "gid"))
		return set_number(&p->has_gid, &p->gid, value, n, key, e);
	if (!strcmp(key, "mtime")) {
		p->has_mtime = n > 0;
		if (n > 0 && !parse_time(value, n, &p->mtime_s, &p->mtime_ns))
			return bad_record(e, key);
		return 0;
	}
	if ((rest = str_after(key, "SCHILY.xattr.")))
		return add_xattr(p, rest, value, n, e);
	if ((rest = str_after(key, "GNU.sparse.")))
		return set_sparse(p, rest, value, n, e);
	return 0;
}

int tar_pax_parse(struct tar_pax *p, char *text, size_t len, struct err *e)
{
	while (len > 0 && *text) {
		char *blank = memchr(text, ' ', len < 10 ? len : 10);
		uint64_t n;
		if (!blank || !tar_decimal(text, (size_t)(blank - text), &n) || n > len ||
			n < (size_t)(blank - text) + 3 || text[n - 1] != '\n')
			return err_set(e, EBADMSG, "malformed PAX header");
		char *key = blank + 1, *end = text + n - 1;
		char *equal = memchr(key, '=', (size_t)(end - key));
		if (!equal || equal == key || memchr(key, '\0', (size_t)(equal - key)))
			return err_set(e, EBADMSG, "malformed PAX header");
		*equal = '\0';
		if (set_record(p, key, equal + 1, (size_t)(end - equal - 1), e) < 0)
			return -e->code;
		text += n;
		len -= n;
	}
	return 0;
}
