#include "base/shown.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* The bytes of the UTF-8 character at p; 1 where it is none. */
static size_t character_length(const unsigned char *p)
{
	size_t n = p[0] < 0xc2 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 1;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 1;
	return n;
}

static bool is_control(const unsigned char *p, size_t n)
{
	if (n == 1)
		return *p < 0x20 || (*p >= 0x7f && *p < 0xa0);
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	/* U+202A to U+202E, U+2066 to U+2069 */
	return n == 3 && p[0] == 0xe2 &&
	       ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
		       (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

void shown_text(char *s, const char *keep)
{
	unsigned char *p = (unsigned char *)s;
	while (*p) {
		size_t n = character_length(p);
		if (is_control(p, n) && !strchr(keep, *p))
			memset(p, '?', n);
		p += n;
	}
}

/* With its "://"; 0 where there is none. */
static size_t scheme_length(const char *url)
{
	const char *colon = strstr(url, "://");
	return colon ? (size_t)(colon - url) + 3 : 0;
}

/* Does it start as "user:pass/word@host", with a password that should have been escaped? What
 * stands there for a port is none. */
static bool has_bare_password(const char *start)
{
	size_t n = strcspn(start, ":/?#");
	if (*start == '[' || start[n] != ':')
		return false;
	const char *port = start + n + 1;
	return strcspn(port, "/?#") != strspn(port, "0123456789") && strchr(port, '@');
}

/* Where user and password end. */
static size_t find_host(const char *url, size_t scheme)
{
	size_t host = scheme;
	for (size_t i = host; url[i] && !strchr("/?#", url[i]); i++)
		if (url[i] == '@')
			host = i + 1;
	if (host == scheme && has_bare_password(url + scheme))
		host = (size_t)(strrchr(url, '@') - url) + 1;
	return host;
}

void shown_url(const char *url, char *out, size_t n)
{
	size_t scheme = scheme_length(url), host = find_host(url, scheme);
	if (!scheme)
		snprintf(out, n, "%s", url);
	else
		snprintf(out, n, "%.*s%.*s", (int)scheme, url, (int)strcspn(url + host, "?#"),
			url + host);
}

char *shown_url_masked(const char *url)
{
	size_t scheme = scheme_length(url), host = find_host(url, scheme);
	if (host == scheme)
		return xstrdup(url);
	return xasprintf("%.*sxxxxx:xxxxx@%s", (int)scheme, url, url + host);
}
