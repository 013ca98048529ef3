#include "base/gomatch.h"

#include <stddef.h>

/* One end of a range: the byte, and *p behind it. -1 where there is none. */
static int range_end(const char **p)
{
	const char *s = *p;
	if (*s == '-' || *s == ']')
		return -1;
	if (*s == '\\')
		s++;
	if (!*s)
		return -1;
	*p = s + 1;
	return (unsigned char)*s;
}

/* A class whose "[" has been read: whether c (-1 = none) is in it; *p behind the "]". -1 where it
 * is malformed. */
static int class_match(const char **p, int c)
{
	bool is_negated = **p == '^', found = false;
	if (is_negated)
		(*p)++;
	for (size_t n = 0; **p != ']' || n == 0; n++) {
		int low = range_end(p), high = low;
		if (low >= 0 && **p == '-') {
			(*p)++;
			high = range_end(p);
		}
		if (low < 0 || high < 0 || !**p)
			return -1;
		found |= c >= low && c <= high;
	}
	(*p)++;
	return c >= 0 && found != is_negated;
}

bool gomatch_valid(const char *pattern)
{
	while (*pattern) {
		char c = *pattern++;
		if (c == '[' && class_match(&pattern, -1) < 0)
			return false;
		if (c == '\\' && !*pattern++)
			return false;
	}
	return true;
}

/* What stands at *p, which is no "*", against one byte of the name. */
static bool one_match(const char **p, char c)
{
	char wanted = *(*p)++;
	if (wanted == '?')
		return c != '/';
	if (wanted == '[')
		return class_match(p, (unsigned char)c) > 0;
	if (wanted == '\\')
		wanted = *(*p)++;
	return wanted == c;
}

bool gomatch(const char *pattern, const char *name)
{
	const char *star = NULL, *from = NULL; /* the last "*": what follows it, what it ended at */
	if (!gomatch_valid(pattern))
		return false;
	for (;;) {
		const char *p = pattern;
		if (*pattern == '*') {
			star = ++pattern;
			from = name;
			continue;
		}
		if (!*pattern && !*name)
			return true;
		if (*pattern && *name && one_match(&p, *name)) {
			pattern = p;
			name++;
			continue;
		}
		/* The star takes one byte more. */
		if (!star || !*from || *from == '/')
			return false;
		pattern = star;
		name = ++from;
	}
}
