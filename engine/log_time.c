#include "engine/log.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Unix seconds with an optional fraction. */
static bool parse_unix(const char *s, int64_t *out)
{
	char whole[32];
	const char *dot = strchr(s, '.');
	size_t n = dot ? (size_t)(dot - s) : strlen(s);
	int64_t seconds, ns = 0;
	if (n == 0 || n >= sizeof(whole))
		return false;
	memcpy(whole, s, n);
	whole[n] = '\0';
	if (!parse_i64(whole, &seconds) || llabs(seconds) > INT64_MAX / NS_PER_S - 1)
		return false;
	if (dot) {
		int64_t unit = NS_PER_S;
		for (const char *p = dot + 1; *p; p++) {
			if (!isdigit((unsigned char)*p) || unit == 1)
				return false;
			unit /= 10;
			ns += (*p - '0') * unit;
		}
	}
	*out = seconds * NS_PER_S + ns;
	return true;
}

/* RFC 3339 without a zone, or with parts left out from the end: local time. */
static bool parse_partial(const char *s, int64_t *out)
{
	static const char *const forms[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d"};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(s, forms[i], &tm);
		int64_t ns = 0, unit = NS_PER_S;
		bool utc = false;
		if (end && i == 0 && *end == '.')
			for (end++; isdigit((unsigned char)*end) && unit > 1; end++) {
				unit /= 10;
				ns += (*end - '0') * unit;
			}
		if (end && *end == 'Z') {
			utc = true;
			end++;
		}
		if (!end || *end)
			continue;
		*out = (int64_t)(utc ? timegm(&tm) : mktime(&tm)) * NS_PER_S + ns;
		return true;
	}
	return false;
}

int log_parse_time(const char *flag, const char *text, int64_t now_ns, int64_t *out, struct err *e)
{
	int64_t duration;
	if (clock_parse_duration(text, &duration) &&
		!isdigit((unsigned char)text[strlen(text) - 1]))
		*out = now_ns - duration;
	else if (!clock_parse_rfc3339(text, out) && !parse_partial(text, out) &&
		 !parse_unix(text, out))
		return err_set(e, EINVAL, "%s%s%sfailed to parse value as time or duration: \"%s\"",
			flag ? "invalid value for \"" : "", flag ? flag : "", flag ? "\": " : "",
			text);
	return 0;
}
